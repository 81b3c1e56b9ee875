"""Where the steps of a document's reading go: into a list, or to a caller who takes them one by one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

from heron_grpc.domain.errors import Cancelled
from heron_grpc.domain.steps import Step

# Steps a slow caller may be behind before the child has to wait, which also smooths bursts of small ones.
_AHEAD = 16


class Collected:
    """All steps, for who wants the whole reading."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def begin(self) -> None:
        """A child begins, perhaps again from the first step."""
        self.steps.clear()

    def take(self, step: Step) -> None:
        """The next step."""
        self.steps.append(step)


class Streamed:
    """Steps to be taken one by one, each within `patience_s`; what holds them is bounded."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._room = asyncio.Semaphore(_AHEAD)
        self._steps: asyncio.Queue[Step | None] = asyncio.Queue()
        self._given = 0
        self._skipped = 0

    def begin(self) -> None:
        """A child begins, perhaps again: reading is repeatable, so the steps already given are passed over."""
        self._skipped = self._given

    def take(self, step: Step) -> Awaitable[None] | None:
        """The next step; waits while the caller is behind. Raises Cancelled when it stays so."""
        if self._skipped:
            self._skipped -= 1
            return None
        return self._give(step)

    def end(self) -> None:
        """No more steps come."""
        self._steps.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Step]:
        while (step := await self._steps.get()) is not None:
            self._room.release()
            yield step

    async def _give(self, step: Step) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._room.acquire()
        except TimeoutError as error:
            raise Cancelled("the pages were not taken in time") from error
        self._given += 1
        self._steps.put_nowait(step)
