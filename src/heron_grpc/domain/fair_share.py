"""Shares a bounded amount between callers, without knowing how many there are."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from heron_grpc.domain.errors import Overloaded


class FairShare:
    """Nobody may hold more than what is left free: k greedy callers get 1/(k+1) of all each, and 1/(k+1) stays free.

    Dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6(2), 1998), with alpha = 1.
    """

    def __init__(self, most: int, resource: str) -> None:
        """`resource` names what is shared, in plural, e.g. "uploads"."""
        self._most = most
        self._resource = resource
        self._held: Counter[str] = Counter()
        self.in_use = 0

    def take(self, caller: str, amount: int = 1) -> None:
        """Raises Overloaded when the caller may not have so much more now."""
        if self._held[caller] + amount > self._most - self.in_use:
            if not self._held[caller]:
                del self._held[caller]
            raise Overloaded(
                f"too many {self._resource} at once", metadata={"resource": self._resource, "max": str(self._most)}
            )
        self._held[caller] += amount
        self.in_use += amount

    def give_back(self, caller: str, amount: int = 1) -> None:
        """What was taken before."""
        self.in_use -= amount
        self._held[caller] -= amount
        if not self._held[caller]:
            del self._held[caller]

    @contextmanager
    def held(self, caller: str, amount: int = 1) -> Iterator[None]:
        """Takes for the length of a block. Raises Overloaded."""
        self.take(caller, amount)
        try:
            yield
        finally:
            self.give_back(caller, amount)
