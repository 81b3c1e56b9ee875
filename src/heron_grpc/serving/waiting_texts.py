"""The texts that wait for the model backend, callers in turn."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import HeronError
from heron_grpc.domain.fair_queue import FairQueue
from heron_grpc.serving.wire import Item

# Keeps a request below the backend's limit on bytes: at most 4 of them a code point.
_MAX_BATCH_CHARS = 4_000_000


@dataclass(slots=True, eq=False)
class WaitingText:
    """A text and the future its caller waits on; times are the event loop's, in seconds."""

    item: Item
    answer: asyncio.Future[Prediction]
    queued_at: float
    deadline: float
    # Sent without company, because a batch it was in failed.
    alone: bool = False
    # How often the backend died with it in hand.
    losses: int = 0

    def fail(self, error: Exception) -> None:
        """Tells the caller, if it still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class WaitingTexts:
    """Adding, leaving and taking cost the same however many wait."""

    def __init__(self) -> None:
        self._queue: FairQueue[WaitingText] = FairQueue()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, text: WaitingText, caller: str) -> None:
        """Behind the caller's other texts."""
        self._queue.add(text, caller)

    def put_back(self, texts: Iterable[WaitingText]) -> None:
        """At the front, in their order; those whose callers are gone stay out."""
        for text in reversed([text for text in texts if not text.answer.done()]):
            self._queue.add_first(text)

    def leave(self, text: WaitingText) -> None:
        """Its caller is gone."""
        self._queue.remove(text)

    def ahead_of(self, caller: str) -> int:
        """How many texts go before one the caller would add now."""
        return self._queue.ahead_of(caller)

    def take(self, most: int, now: float) -> list[WaitingText]:
        """The next batch, without what is past its deadline; empty when nothing is left."""
        batch: list[WaitingText] = []
        chars = 0
        while len(batch) < most and (text := self._queue.first()):
            chars += len(text.item.text)
            if batch and (text.alone or chars > _MAX_BATCH_CHARS):
                break
            self._queue.take()
            if not text.answer.done() and text.deadline > now:
                batch.append(text)
                if text.alone:
                    break
        return batch

    def fail_all(self, error: HeronError) -> None:
        """Nobody waits any longer."""
        while self._queue:
            self._queue.take().fail(error)
