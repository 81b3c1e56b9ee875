"""Who may join the texts that wait for a model: nobody who would wait in vain, nobody in place of everybody else."""

from collections.abc import Iterator
from contextlib import contextmanager

from heron_grpc.domain.errors import Overloaded
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.domain.pace import Pace

# Of the time left: what is decided after the model has spoken, and what is guessed wrong.
_WAITING_SHARE = 0.8
_LEAST_RETRY_S, _MOST_RETRY_S = 0.1, 30.0
RESOURCE = "model queue"


class Admission:
    """Judges by how fast texts were answered lately, on however many threads and workers there are."""

    def __init__(self, share: FairShare, max_batch: int) -> None:
        """`share` is what callers have of the places for texts, whatever model they are for."""
        self._share = share
        self._max_batch = max_batch
        self._pace = Pace()

    def require_time(self, left_s: float, waiting: int, ahead: int) -> None:
        """Raises Overloaded when a text behind `ahead` of the `waiting` texts would not be answered in time.

        One that finds nothing to wait for is let in whatever is expected: its answer sets the expectation right.
        """
        if not (waiting or self._pace.at_work):
            return
        # It is answered with the last text of its batch, which later ones may join up to what waits now.
        batches = ahead // self._max_batch + 1
        expected_s = self._seconds_for(min(batches * self._max_batch, waiting + 1))
        if expected_s > _WAITING_SHARE * left_s:
            raise Overloaded(
                "the texts that wait for the model would outlast the deadline",
                retry_after_s=_within(expected_s - _WAITING_SHARE * left_s),
                metadata={"resource": RESOURCE},
            )

    @property
    def texts_at_work(self) -> int:
        """Texts the backend works on."""
        return self._pace.at_work

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """A place for one text. Raises Overloaded when the caller may have no further one."""
        try:
            self._share.take(caller)
        except Overloaded as error:
            raise Overloaded(
                "too many texts wait for the model",
                retry_after_s=_within(self._seconds_for(1)),
                metadata=error.metadata,
            ) from error
        try:
            yield
        finally:
            self._share.give_back(caller)

    @contextmanager
    def at_work(self, texts: int) -> Iterator[None]:
        """The backend works on so many texts."""
        for _ in range(texts):
            self._pace.begin()
        try:
            yield
        finally:
            for _ in range(texts):
                self._pace.end()

    def _seconds_for(self, texts: int) -> float:
        """Until so many more texts than are at work are answered; 0 before any was."""
        return self._pace.expected_s / (self._pace.at_work + 1) * (self._pace.at_work + texts)


def _within(seconds: float) -> float:
    return min(max(seconds, _LEAST_RETRY_S), _MOST_RETRY_S)
