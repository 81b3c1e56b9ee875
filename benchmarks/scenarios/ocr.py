"""How well pages drawn and spoilt for it are read, and receipts where there are some, beside the raw engine."""

import argparse
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.accuracy.ocr import faces, held_out, pages, scripts, subjects, tables, tuning
from benchmarks.accuracy.ocr.outcome import Outcome, Readers, Truth, measure, measure_file, reading_processes
from benchmarks.accuracy.ocr.receipts import receipts
from benchmarks.accuracy.ocr.tables import FIRST_PASS, RAW, SERVICE, UNTOLD
from benchmarks.reporting import Goal, Row, publish, record_option

_SERVICE: Readers = {SERVICE: partial(subjects.service)}
_BOTH: Readers = {RAW: partial(subjects.raw_engine), **_SERVICE}
_WITHOUT_STEPS: Readers = {name: partial(subjects.without, (name,)) for name in subjects.STEPS}
# Leaves errors of all sizes, as the estimate meets them that tells which pages are to be read again.
_FIRST_PASS: Readers = {FIRST_PASS: partial(subjects.without, tuple(subjects.STEPS))}

_CORPUS = os.environ.get("CORPUS") or None

Work = Iterator[Future[list[Outcome]]]


def main() -> None:
    """Measures, prints, records."""
    given = _arguments()
    given.typefaces = [face.stem for face in faces.found((*tuning.FACES, *held_out.FACES))]
    rows: list[Row] = []
    goals: list[Goal] = []
    with reading_processes(given.processes) as processes:
        # All work is handed out before any is waited for.
        parts = [(name, [*work(processes, given)]) for name, work in _PARTS.items() if name in given.parts]
        found = {name: [one for future in work for one in future.result()] for name, work in parts}
    for name, outcomes in found.items():
        more_rows, more_goals = _TABLES[name](outcomes)
        rows += more_rows
        goals += more_goals
    rows += [{"what": f"{script.name}: {why}"} for script in scripts.SCRIPTS if (why := scripts.missing(script))]
    publish("ocr", given, rows, goals)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=[*_PARTS], default=[*_PARTS])
    parser.add_argument("--pages", type=int, default=3, help="in each way, of each half; of scripts in both ways")
    parser.add_argument("--lying", type=int, default=5, help="pages in each direction, of each half")
    parser.add_argument("--receipts", type=int, default=80)
    parser.add_argument("--corpus", type=Path, default=_CORPUS, help="a folder that holds receipts/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    record_option(parser)
    return parser.parse_args()


def _spoilt(processes: ProcessPoolExecutor, given: argparse.Namespace) -> Work:
    for draw in pages.spoilt(given.pages, given.seed):
        yield processes.submit(measure, draw, _BOTH)


def _lying(processes: ProcessPoolExecutor, given: argparse.Namespace) -> Work:
    for draw in pages.lying(given.lying, given.seed):
        yield processes.submit(measure, draw, _SERVICE)


def _ruined(processes: ProcessPoolExecutor, given: argparse.Namespace) -> Work:
    for draw in pages.ruined(given.pages, given.seed):
        yield processes.submit(measure, draw, {**_SERVICE, **_FIRST_PASS})


def _steps(processes: ProcessPoolExecutor, given: argparse.Namespace) -> Work:
    for draw in pages.spoilt(1, given.seed + 1):
        yield processes.submit(measure, draw, {**_SERVICE, **_WITHOUT_STEPS})


def _scripts(processes: ProcessPoolExecutor, given: argparse.Namespace) -> Work:
    for script in scripts.SCRIPTS:
        if scripts.missing(script):
            continue
        tessdata, told = str(scripts.tessdata()), (script.language,)
        readers = {
            RAW: partial(subjects.raw_engine, tessdata=tessdata, languages=told),
            SERVICE: partial(subjects.service, tessdata=tessdata, languages=told),
            UNTOLD: partial(subjects.service, tessdata=tessdata),
        }
        for number in range(given.pages):
            for way in scripts.WAYS:
                draw = partial(scripts.page, script, way, f"{given.seed}/{number}")
                yield processes.submit(measure, draw, readers)


def _receipts(processes: ProcessPoolExecutor, given: argparse.Namespace) -> Work:
    for picture, text in receipts(Path(given.corpus), given.receipts) if given.corpus else ():
        yield processes.submit(measure_file, picture, Truth("receipts", "receipt", text), _BOTH)


_PARTS: dict[str, Callable[[ProcessPoolExecutor, argparse.Namespace], Work]] = {
    "spoilt": _spoilt,
    "lying": _lying,
    "quality": _ruined,
    "steps": _steps,
    "scripts": _scripts,
    "receipts": _receipts,
}
_TABLES: dict[str, Callable[[list[Outcome]], tables.Table]] = {
    "spoilt": tables.spoilt_pages,
    "lying": tables.lying_pages,
    "quality": tables.quality,
    "steps": tables.steps,
    "scripts": tables.script_pages,
    "receipts": tables.receipts,
}


if __name__ == "__main__":
    main()
