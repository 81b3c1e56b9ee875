"""Runs the soak: mixed calls, memory, descriptors, threads and spooled files over time. Exits with 1 for a fault."""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from benchmarks import documents
from benchmarks.load.process_tree import BACKEND, FRONT, READERS
from benchmarks.reporting import Goal, Row, at_least, at_most, publish, record_option
from benchmarks.soak.bulk_caller import BulkCaller
from benchmarks.soak.callers import HONEST, Callers, acts, keep_calling
from benchmarks.soak.usage import Sample, Usage, files_in
from benchmarks.subjects.servers import ROOT, Server, heron

FAULTS = ("INTERNAL", "UNKNOWN")
# Callers of each kind, and the seconds they pause on average; OCR keeps a core busy for a second.
_CROWD = {
    "text": (4, 0.1),
    "inline file": (2, 0.5),
    "upload": (2, 0.5),
    "bulk": (1, 3.0),
    "bad document": (1, 0.3),
    "bad request": (1, 0.3),
    "missed deadline": (1, 0.3),
    "cancelled": (1, 0.5),
    "disconnected": (1, 0.5),
}
_WARM_SHARE = 0.25
# Until work in flight is done, the model backend's connections are idle for their 5 s, and so on.
_QUIET_S = 10.0
# Open files that come and go on their own: a timer, a connection to the backend.
_DESCRIPTORS_SPARE = 4


def main() -> None:
    """Runs, prints, records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--limit-mb-per-h", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7)
    record_option(parser)
    given = parser.parse_args()
    documents.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=documents.CACHE, prefix="spool-") as spool:
        with heron(HERON_FRONT_SPOOL_DIR=spool) as service:
            soak = Soak(service, Path(spool), given)
            uvloop.run(soak.run())
        left_behind = files_in(Path(spool))
    goals = [*soak.goals(), at_most("spooled files after the service has ended", 0, left_behind)]
    publish("soak", given, soak.rows(), goals)
    sys.exit(0 if all(goal.met for goal in goals) else 1)


class Soak:
    """One run: warm-up, quiet, the rest, quiet."""

    def __init__(self, service: Server, spool: Path, given: argparse.Namespace) -> None:
        self._given = given
        samples = [*sorted((ROOT / "tests" / "samples").glob("sample-*")), *documents.pdfs()[:50]]
        texts = [*documents.texts(200), *documents.texts(50, 20_000)]
        self._callers = Callers(service.address, texts, samples, random.Random(given.seed))
        self._usage = Usage(service.processes, spool)
        self._warm_s = 0.0
        self._quiet: list[Sample] = []

    async def run(self) -> None:
        """Everything; takes the minutes asked for and two short silences."""
        for share in (_WARM_SHARE, 1 - _WARM_SHARE):
            # Silences are not sampled: the trend is that of a service at work.
            watch = asyncio.create_task(self._usage.watch())
            await self._crowd(60 * self._given.minutes * share)
            watch.cancel()
            await asyncio.sleep(_QUIET_S)
            self._quiet.append(await asyncio.to_thread(self._usage.look))
            self._warm_s = self._warm_s or self._quiet[0].at_s

    async def _crowd(self, seconds: float) -> None:
        over = asyncio.Event()
        known = {**acts(self._callers), "bulk": BulkCaller(self._callers).act}
        callers = [
            asyncio.create_task(keep_calling(self._callers, name, known[name], pause_s, over))
            for name, (count, pause_s) in _CROWD.items()
            for _ in range(count)
        ]
        # One that ends early has met what it does not know: that is for everybody to see.
        await asyncio.wait(callers, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        over.set()
        await asyncio.gather(*callers)

    def rows(self) -> Sequence[Row]:
        """Calls by caller, then what the processes held."""
        names = dict.fromkeys(name for name, _ in self._callers.codes)
        codes = {name: {code: n for (who, code), n in self._callers.codes.items() if who == name} for name in names}
        calls: list[Row] = [{"what": f"{name}: calls by code", "figure": by_code} for name, by_code in codes.items()]
        held: list[Row] = []
        for role in (FRONT, BACKEND, READERS):
            trend = self._usage.memory_trend(role, self._warm_s)
            figure = {
                "most_mb": round(self._usage.most_mb(role), 1),
                "mb_per_h": round(trend.slope_per_h, 2),
                "uncertainty_mb_per_h": round(trend.uncertainty_per_h, 2),
                "threads": [sample.uses[role].threads for sample in self._quiet],
                "descriptors": [sample.uses[role].descriptors for sample in self._quiet],
            }
            held.append({"what": f"{role}: memory; threads and descriptors when quiet", "figure": figure})
        return [*calls, *held]

    def goals(self) -> Sequence[Goal]:
        """Children are replaced after so many documents, so that only a sure rise of theirs counts."""
        limit = self._given.limit_mb_per_h
        counts = self._callers.codes
        honest = {
            code: sum(n for (name, each), n in counts.items() if name in HONEST and each == code) for _, code in counts
        }
        first, last = self._quiet
        return [
            at_most("answers INTERNAL or UNKNOWN", 0, sum(n for (_, code), n in counts.items() if code in FAULTS)),
            at_least("share of honest calls answered", 0.99, honest.get("OK", 0) / max(1, sum(honest.values()))),
            *(
                at_most(f"{role}: MB an hour", limit, self._usage.memory_trend(role, self._warm_s).slope_per_h)
                for role in (FRONT, BACKEND)
            ),
            at_most(
                f"{READERS}: MB an hour at least", limit, self._usage.memory_trend(READERS, self._warm_s).at_least_per_h
            ),
            at_most("descriptors more when quiet", _DESCRIPTORS_SPARE, last.descriptors - first.descriptors),
            at_most("spooled files when quiet", 0, last.spool_files),
        ]


if __name__ == "__main__":
    main()
