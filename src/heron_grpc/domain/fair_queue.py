"""A queue that serves callers in turn, so that one with many entries does not make the others wait for all of them."""

from collections import OrderedDict
from collections.abc import Container, Hashable, Iterator
from typing import Generic, TypeVar

Entry = TypeVar("Entry", bound=Hashable)


class FairQueue(Generic[Entry]):
    """Entries in the order they came within a caller, callers in turn; adding and removing are O(1)."""

    def __init__(self) -> None:
        # Callers in the order of their turns, each with its entries, oldest first; no caller without entries.
        self._lanes: OrderedDict[str, OrderedDict[Entry, None]] = OrderedDict()
        # Served before everybody's turn.
        self._urgent: OrderedDict[Entry, None] = OrderedDict()
        self._caller_of: dict[Entry, str] = {}

    def __len__(self) -> int:
        return len(self._urgent) + len(self._caller_of)

    def __iter__(self) -> Iterator[Entry]:
        """All entries, in no particular order."""
        yield from [*self._urgent, *self._caller_of]

    def add(self, entry: Entry, caller: str) -> None:
        """Behind the caller's other entries."""
        self._lanes.setdefault(caller, OrderedDict())[entry] = None
        self._caller_of[entry] = caller

    def add_first(self, entry: Entry) -> None:
        """Before all others: it has waited for its turn once already."""
        self._urgent[entry] = None
        self._urgent.move_to_end(entry, last=False)

    def first(self) -> Entry | None:
        """The entry that `take` would give."""
        if self._urgent:
            return next(iter(self._urgent))
        if self._lanes:
            return next(iter(next(iter(self._lanes.values()))))
        return None

    def take(self, later: Container[str] = ()) -> Entry:
        """The next entry; its caller's next turn comes after that of all others. Raises KeyError when empty.

        Callers in `later` keep their places, but get no turn while others wait.
        """
        if self._urgent:
            return self._urgent.popitem(last=False)[0]
        if not self._lanes:
            raise KeyError
        caller = next((each for each in self._lanes if each not in later), next(iter(self._lanes)))
        lane = self._lanes.pop(caller)
        entry, _ = lane.popitem(last=False)
        del self._caller_of[entry]
        if lane:
            self._lanes[caller] = lane
        return entry

    def remove(self, entry: Entry) -> None:
        """Takes an entry out wherever it is; one that is not there is left alone."""
        self._urgent.pop(entry, None)
        caller = self._caller_of.pop(entry, None)
        if caller is not None:
            lane = self._lanes[caller]
            del lane[entry]
            if not lane:
                del self._lanes[caller]

    def ahead_of(self, caller: str) -> int:
        """How many entries are served before one the caller would add now."""
        own = len(self._lanes.get(caller, ()))
        return (
            len(self._urgent)
            + own
            + sum(min(len(lane), own + 1) for other, lane in self._lanes.items() if other != caller)
        )
