"""Documents that wait for a reading child: callers in turn, bounded, and nobody in place of everybody else."""

import asyncio
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from heron_grpc.domain.errors import HeronError, Overloaded
from heron_grpc.domain.fair_queue import FairQueue
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.reading.children import Child
from heron_grpc.reading.supervision import late

# Of the time left, what waiting and reading are expected to take at most: times of reading have a long tail, and the
# document is still to be classified then.
WAITING_SHARE = 0.8
_RESOURCE = "reading queue"
_LEAST_RETRY_S, _MOST_RETRY_S = 0.1, 30.0


@dataclass(eq=False, slots=True)
class Turn:
    """A document's: whose it is, until when it is wanted, and since when a child has been at work on it."""

    payload: bytes
    # A descriptor of the document.
    document: int
    caller: str
    deadline: float
    begun: float = 0.0
    child: asyncio.Future[Child] | None = None


class WaitingLine:
    """Gives children that become free to those that wait."""

    def __init__(self, most: int, give_back: Callable[[Child], None]) -> None:
        """`give_back` takes a child whose document left in the moment in which it got it."""
        self._queue: FairQueue[Turn] = FairQueue()
        self._places = FairShare(most, _RESOURCE)
        self._give_back = give_back

    def __len__(self) -> int:
        return len(self._queue)

    def ahead_of(self, caller: str) -> int:
        """How many documents are served before one the caller would add now."""
        return self._queue.ahead_of(caller)

    async def wait(self, turn: Turn) -> Child:
        """The child that was handed over. Raises Overloaded, DeadlineExceeded and what `dismiss` is given."""
        with self._place(turn.caller):
            self._queue.add(turn, turn.caller)
            return await self._wait(turn)

    async def wait_again(self, turn: Turn) -> Child:
        """As `wait`, before all others: it has had its turn, and lost its child."""
        self._queue.add_first(turn)
        return await self._wait(turn)

    def hand_over(self, child: Child, later: Container[str]) -> Turn | None:
        """The document that got the child, if one waits; callers in `later` get it when no others wait."""
        while self._queue:
            turn = self._queue.take(later)
            if turn.child and not turn.child.done():
                turn.begun = time.monotonic()
                turn.child.set_result(child)
                return turn
        return None

    def dismiss(self, reason: Callable[[], HeronError]) -> None:
        """Sends all away."""
        while self._queue:
            turn = self._queue.take()
            if turn.child and not turn.child.done():
                turn.child.set_exception(reason())

    @contextmanager
    def _place(self, caller: str) -> Iterator[None]:
        try:
            self._places.take(caller)
        except Overloaded as error:
            raise overloaded("too many documents are waiting to be read", 1.0) from error
        try:
            yield
        finally:
            self._places.give_back(caller)

    async def _wait(self, turn: Turn) -> Child:
        turn.child = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(turn.deadline - time.monotonic()):
                return await turn.child
        except TimeoutError as error:
            self._leave(turn, turn.child)
            raise late() from error
        except asyncio.CancelledError:
            self._leave(turn, turn.child)
            raise

    def _leave(self, turn: Turn, handed: asyncio.Future[Child]) -> None:
        self._queue.remove(turn)
        if handed.done() and not handed.cancelled() and not handed.exception():
            self._give_back(handed.result())


def overloaded(message: str, retry_after_s: float) -> Overloaded:
    """The refusal of a document that cannot wait."""
    retry_after_s = min(max(retry_after_s, _LEAST_RETRY_S), _MOST_RETRY_S)
    return Overloaded(message, retry_after_s, {"resource": _RESOURCE})
