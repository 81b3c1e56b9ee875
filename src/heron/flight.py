"""What a bulk call is made of: the documents in flight, the stream they travel on, the results on their way out."""

from collections import deque

from heron.documents import Document, Source
from heron.results import BulkResult


class Item:
    """A document that was taken in."""

    __slots__ = ("attempts", "document", "due", "failures", "give_up_at", "index", "settled", "source")

    def __init__(self, index: int, document: Document) -> None:
        self.index = index
        self.document = document
        self.source = Source(document.source)
        # Times it was sent; those of them that ended with a broken stream or an absent service.
        self.attempts = 0
        self.failures = 0
        # time.monotonic() of the next attempt, and after which there is none.
        self.due = 0.0
        self.give_up_at = float("inf")
        # Its result is known; what still comes for it is ignored.
        self.settled = False

    @property
    def item_id(self) -> str:
        """New at every attempt: a late answer to an earlier one cannot be taken for its own."""
        return f"{self.index}.{self.attempts}"

    def __lt__(self, other: "Item") -> bool:
        return (self.due, self.index) < (other.due, other.index)


class Intake:
    """The caller's iterable."""

    def __init__(self) -> None:
        self.taken = 0
        # One document is taken in before the service has said how many it grants.
        self.window = 1
        self.ended = False
        self.error: Exception | None = None


class Stream:
    """One stream: nothing may be sent before it was granted a window."""

    def __init__(self, stall_at: float = float("inf")) -> None:
        self.window = 0
        self.unanswered: dict[str, Item] = {}
        self.stall_at = stall_at
        self.stalled = False

    def holds_settled(self) -> bool:
        """Whether an answer is awaited to a document that was given up."""
        return any(item.settled for item in self.unanswered.values())


class Outbox:
    """Results on their way to the caller, in the documents' order if asked."""

    def __init__(self, ordered: bool) -> None:
        self._ordered = ordered
        self._results: deque[BulkResult] = deque()
        self._early: dict[int, BulkResult] = {}
        self._next_index = 0
        self.given = 0

    def put(self, result: BulkResult) -> None:
        """Takes a result."""
        if not self._ordered:
            self._results.append(result)
            return
        self._early[result.index] = result
        while self._next_index in self._early:
            self._results.append(self._early.pop(self._next_index))
            self._next_index += 1

    def give(self) -> BulkResult | None:
        """The next one, if its turn has come."""
        if not self._results:
            return None
        self.given += 1
        return self._results.popleft()
