"""Load from several processes: one Python client is busy before the service is."""

import asyncio
import gc
import multiprocessing
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import psutil
import uvloop

from benchmarks.load.drive import Share, connect, drive
from benchmarks.load.plan import Plan
from benchmarks.load.process_tree import ProcessTree
from benchmarks.load.tally import OK, Tally

# Between the last process being connected and the first call: the processes must all have got the word.
_LEAD_S = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's outcome over all processes."""

    # One a step of an open loop; one for a closed loop.
    tallies: list[Tally]
    # Processor seconds spent while the window was open, by role.
    cpu_s: Mapping[str, float]
    # What the load generator itself took of the cores meanwhile.
    client_cpu_s: float

    @property
    def tally(self) -> Tally:
        """Of a run with a single window."""
        [tally] = self.tallies
        return tally

    def cpu_ms_per_call(self, role: str) -> float:
        """Processor milliseconds of a role for each answered call."""
        answered = sum(tally.codes.get(OK, 0) for tally in self.tallies)
        return 1e3 * self.cpu_s.get(role, 0.0) / max(1, answered)

    def summary(self) -> dict[str, object]:
        """For people and for JSON."""
        return {
            "steps": [tally.summary() for tally in self.tallies],
            "cpu_ms_per_call": {role: round(self.cpu_ms_per_call(role), 3) for role in self.cpu_s},
            "client_cpu_s": round(self.client_cpu_s, 2),
        }


class Fleet:
    """Processes that wait for plans."""

    def __init__(self, processes: int = 2) -> None:
        context = multiprocessing.get_context("spawn")
        self._ends: list[Connection] = []
        self._processes = []
        for index in range(processes):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, Share(index, processes)), daemon=True)
            process.start()
            self._ends.append(here)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def run(self, plan: Plan, watched: ProcessTree | None = None) -> Measured:
        """Does the plan to its end. Blocks. Raises RuntimeError when a process fails."""
        for end in self._ends:
            end.send(plan)
        for end in self._ends:
            _outcome(end)
        opens = time.monotonic() + _LEAD_S + plan.warm_s
        for end in self._ends:
            end.send(opens)
        time.sleep(max(0.0, opens - time.monotonic()))
        before, client_before = watched.cpu_seconds() if watched else {}, self._cpu_s()
        time.sleep(max(0.0, opens + plan.window_s - time.monotonic()))
        after, client_after = watched.cpu_seconds() if watched else {}, self._cpu_s()
        parts = [_outcome(end) for end in self._ends]
        tallies = parts[0]
        for part in parts[1:]:
            for tally, other in zip(tallies, part, strict=True):
                tally.merge(other)
        spent = {role: after[role] - before.get(role, 0.0) for role in after}
        return Measured(tallies, spent, client_after - client_before)

    def _cpu_s(self) -> float:
        times = [psutil.Process(process.pid).cpu_times() for process in self._processes]
        return float(sum(each.user + each.system for each in times))


def _outcome(end: Connection) -> list[Tally]:
    tallies: list[Tally]
    tallies, failure = end.recv()
    if failure:
        raise RuntimeError(f"a load process failed: {failure}")
    return tallies


def _work(end: Connection, share: Share) -> None:
    """Does plans until it is killed."""
    while True:
        plan = end.recv()
        try:
            uvloop.run(_one(plan, end, share))
        except Exception as error:  # noqa: BLE001  the parent, who waits for an answer, must learn of it
            end.send(([], f"{type(error).__name__}: {error}"))


async def _one(plan: Plan, end: Connection, share: Share) -> None:
    channels = await connect(plan)
    try:
        end.send(([], ""))
        opens = await asyncio.to_thread(end.recv)
        # A collection in the middle would be taken for the service's latency.
        gc.collect()
        gc.disable()
        end.send((await drive(plan, share, opens, channels), ""))
    finally:
        gc.enable()
        await asyncio.gather(*(channel.close() for channel in channels))
