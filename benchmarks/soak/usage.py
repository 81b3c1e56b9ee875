"""Looks at the service's processes from time to time."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load.process_tree import FRONT, ProcessTree, Use
from benchmarks.soak.trend import Trend, trend

MB = 1_000_000
_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the processes held at a moment."""

    at_s: float
    uses: Mapping[str, Use]
    spool_files: int

    def memory_mb(self, role: str) -> float:
        """Resident memory of a role's processes together."""
        return self.uses.get(role, Use()).rss_bytes / MB

    @property
    def descriptors(self) -> int:
        """Of the front: it is the one that callers, files and the backend hang on."""
        return self.uses[FRONT].descriptors


@dataclass
class Usage:
    """Samples since the beginning."""

    processes: ProcessTree
    spool: Path
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    async def watch(self) -> None:
        """Samples until cancelled."""
        while True:
            self.samples.append(await asyncio.to_thread(self.look))
            await asyncio.sleep(_EVERY_S)

    def look(self) -> Sample:
        """Now."""
        # Spooled files have no name: they show as open files of the front, and as names only if one was left behind.
        spooled = self.processes.open_files_below(str(self.spool)) + files_in(self.spool)
        return Sample(time.monotonic() - self.began, self.processes.use(), spooled)

    def memory_trend(self, role: str, warm_s: float) -> Trend:
        """Megabytes an hour since the warm-up."""
        settled = self._settled(warm_s)
        return trend([sample.at_s for sample in settled], [sample.memory_mb(role) for sample in settled])

    def most_mb(self, role: str) -> float:
        """The most memory any sample saw."""
        return max(sample.memory_mb(role) for sample in self.samples)

    def _settled(self, warm_s: float) -> Sequence[Sample]:
        return [sample for sample in self.samples if sample.at_s >= warm_s]


def files_in(directory: Path) -> int:
    """Files with a name in a directory and those in it."""
    return sum(path.is_file() for path in directory.rglob("*"))
