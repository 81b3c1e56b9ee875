"""A child at work, looked at again and again: what it uses, and whether it moves at all."""

import asyncio
import time
from collections.abc import Callable

from heron_grpc.domain.errors import DeadlineExceeded, ReadingLimitExceeded
from heron_grpc.reading import wire
from heron_grpc.reading.children import Child, ChildDied
from heron_grpc.reading.process_tree import Usage
from heron_grpc.settings import MIB, ReadingSettings

# How often a child at work is looked at.
LOOK_S = 0.1


class ChildStalled(ChildDied):
    """The child lives, but does nothing: stopped, or waiting for what never comes."""


class Supervision:
    """Of one document's reading."""

    def __init__(self, child: Child, settings: ReadingSettings, deadline: float, on_look: Callable[[], None]) -> None:
        """`on_look` is called whenever the child was looked at, not before it has been at work for LOOK_S."""
        self._child = child
        self._on_look = on_look
        self._limits = settings
        self._deadline = deadline
        self._begun = time.monotonic()
        # As the first look found it: asking before every document would cost a tenth of reading a short one.
        self._cpu_before_s: float | None = None
        self._cpu_s = 0.0
        self._looks_without_work = 0

    async def until_done(self, job: asyncio.Future[wire.Failure | None]) -> None:
        """Returns when the child has answered or ended.

        Raises ReadingLimitExceeded, ChildStalled or DeadlineExceeded before.
        """
        while not job.done():
            await asyncio.wait({job}, timeout=max(0.0, min(LOOK_S, self._deadline - time.monotonic())))
            if not job.done():
                self._look(self._child.usage())
                self._on_look()
                if time.monotonic() >= self._deadline:
                    raise late()

    def _look(self, usage: Usage) -> None:
        limits = self._limits
        if self._cpu_before_s is None:
            self._cpu_before_s = usage.cpu_s
        if usage.cpu_s - self._cpu_before_s > limits.cpu_s:
            raise ReadingLimitExceeded("reading took too much processor time", {"limit": "cpu"})
        if usage.resident_bytes > limits.memory_mb * MIB:
            raise ReadingLimitExceeded("reading took too much memory", {"limit": "memory"})
        if self._child.is_held:
            # Whoever takes the steps is slow, and has a limit of its own.
            self._begun += LOOK_S
            self._looks_without_work = 0
        if time.monotonic() - self._begun > limits.wall_s:
            raise ReadingLimitExceeded("reading took too long", {"limit": "wall"})
        # Looks are counted, not seconds: this process may have stood still itself.
        self._looks_without_work = self._looks_without_work + 1 if usage.cpu_s == self._cpu_s else 0
        self._cpu_s = usage.cpu_s
        if self._looks_without_work * LOOK_S > limits.stall_s:
            raise ChildStalled


def late() -> DeadlineExceeded:
    """The caller's time is up."""
    return DeadlineExceeded("the deadline passed before the document was read")
