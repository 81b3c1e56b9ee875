"""How fast work of one kind gets done, and so how long one more piece would take."""

import math
import time
from collections.abc import Callable

# Work ended so many seconds ago counts 1/e of what ends now.
_MEMORY_S = 2.0


class Pace:
    """Counts what is at work and what ends; the mean time between two ends while busy is the price of one more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self.at_work = 0
        self._busy_s = 0.0
        self._ended = 0.0
        self._seen_at = clock()

    def begin(self) -> None:
        """A piece of work begins."""
        self._pass()
        self.at_work += 1

    def end(self, *, done: bool = True) -> None:
        """A piece of work has ended, well or not; `done` is False for one that was refused, which tells no pace."""
        self._pass()
        self.at_work -= 1
        self._ended += done

    @property
    def expected_s(self) -> float:
        """Seconds until a piece that begins now would end, behind all that is at work; 0 before any has ended."""
        return (self.at_work + 1) * self._busy_s / self._ended if self._ended else 0.0

    def _pass(self) -> None:
        now = self._clock()
        passed = now - self._seen_at
        self._seen_at = now
        kept = math.exp(-passed / _MEMORY_S)
        self._busy_s = self._busy_s * kept + (passed if self.at_work else 0.0)
        self._ended *= kept
