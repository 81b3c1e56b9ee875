"""Runs scenarios one after the other, each in a process of its own, and says which goals are met."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.reporting import RESULTS, record_option

_SPEED = ("text", "classify", "model", "peers", "upload", "bulk", "overload", "memory", "recovery")
_ACCURACY = ("ocr", "reading", "accuracy", "exits", "evidence", "layout")
SCENARIOS = _SPEED + _ACCURACY


def main() -> None:
    """Runs those of speed or those named; exits with 1 when one of them broke, whatever its goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; by default those of speed"
    )
    record_option(parser)
    given = parser.parse_args()
    unknown = set(given.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    chosen = given.scenarios or _SPEED
    broken = [name for name in chosen if not _run(name, given.record)]
    _summary([name for name in chosen if name not in broken], given.record)
    print(f"{len(chosen)} scenarios in {time.monotonic() - began:.0f} s; broken: {', '.join(broken) or 'none'}")
    sys.exit(1 if broken else 0)


def _run(name: str, record: Path) -> bool:
    command = [sys.executable, "-m", f"benchmarks.scenarios.{name}"]
    if record != RESULTS:
        command += ["--record", str(record)]
    return subprocess.run(command, check=False).returncode == 0


def _summary(names: list[str], record: Path) -> None:
    table = Table("scenario", "goal", "wanted", "measured", "met", title="goals")
    for name in names:
        for goal in json.loads((record / f"{name}.json").read_text())["goals"]:
            table.add_row(name, *map(str, goal.values()))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
