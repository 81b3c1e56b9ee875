"""What every scenario shares: rounds in which all subjects take turns, medians, goals, and the record of a run."""

import argparse
import json
import os
import platform
import random
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    *("grpcio", "protobuf", "uvloop", "bentoml", "onnxruntime", "scikit-learn", "numpy", "pypdfium2"),
    *("tesserocr", "rapidocr", "opencv-python-headless"),
)

Key = TypeVar("Key")
Value = TypeVar("Value")
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that was promised, and what it is."""

    goal: str
    wanted: str
    measured: float
    met: bool


def at_least(goal: str, wanted: float, measured: float) -> Goal:
    """A goal met from `wanted` up."""
    return Goal(goal, f">= {wanted:g}", round(measured, 3), measured >= wanted)


def at_most(goal: str, wanted: float, measured: float) -> Goal:
    """A goal met up to `wanted`."""
    return Goal(goal, f"<= {wanted:g}", round(measured, 3), measured <= wanted)


def arguments(description: str | None, rounds: int, seconds: float) -> argparse.ArgumentParser:
    """The options all scenarios know."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=seconds, help="of one measurement")
    parser.add_argument("--load-processes", type=int, default=2)
    record_option(parser)
    return parser


def record_option(parser: argparse.ArgumentParser) -> None:
    """Where the record of the run goes."""
    parser.add_argument("--record", type=Path, default=RESULTS, metavar="DIRECTORY")


def interleaved(cells: Mapping[Key, Callable[[], Value]], rounds: int) -> dict[Key, list[Value]]:
    """Every cell once a round, in an order drawn anew each round: what disturbs the machine disturbs all alike."""
    found: dict[Key, list[Value]] = {key: [] for key in cells}
    for _ in range(rounds):
        for key in random.sample(list(cells), len(cells)):
            found[key].append(cells[key]())
    return found


def median(found: Iterable[Value], figure: Callable[[Value], float], digits: int = 2) -> float:
    """The middle one of a figure over the rounds."""
    return round(statistics.median(map(figure, found)), digits)


def ratio(ours: Sequence[Value], theirs: Sequence[Value], figure: Callable[[Value], float]) -> float:
    """Ours to theirs: the middle one of the rounds' ratios, so that a slow moment of the machine cancels out."""
    return statistics.median(figure(a) / max(figure(b), 1e-9) for a, b in zip(ours, theirs, strict=True))


def corpus_option(parser: argparse.ArgumentParser) -> None:
    """Where real documents are; CORPUS by default."""
    corpus = os.environ.get("CORPUS")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path(corpus) if corpus else None,
        help="a folder: text.jsonl.gz, documents/, perhaps einvoices/; CORPUS by default",
    )


def require_corpus(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Ends the program where no corpus is named."""
    if given.corpus is None:
        parser.error("CORPUS or --corpus names the folder of real documents to measure on")


def publish(name: str, given: argparse.Namespace, rows: Sequence[Row], goals: Sequence[Goal] = ()) -> None:
    """Prints the rows and goals and records them, with where they come from, as {name}.json."""
    console = Console(width=150)
    # Rows of other figures come in a table of their own: side by side they do not fit.
    for _, alike in groupby(rows, key=list):
        console.print(_table(name, [*alike]))
    if goals:
        console.print(_table("goals", [asdict(goal) for goal in goals]))
    options = {key: value for key, value in vars(given).items() if not isinstance(value, Path)}
    record = {**machine(), "options": options, "rows": rows, "goals": [asdict(goal) for goal in goals]}
    given.record.mkdir(parents=True, exist_ok=True)
    (given.record / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


def machine() -> Row:
    """Where the figures come from."""
    module = sys.modules["__main__"].__spec__
    command = ["python", "-m", module.name if module else Path(sys.argv[0]).name, *sys.argv[1:]]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {package: found for package in _PACKAGES if (found := _version(package))},
        "settings": {
            name: value for name, value in os.environ.items() if name.startswith("HERON_") and "/" not in value
        },
        "command": " ".join(command),
    }


def _table(title: str, rows: Sequence[Row]) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    return table


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
