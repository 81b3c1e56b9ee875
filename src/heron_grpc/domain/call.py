"""Who asks, until when, and in which trace: travels with the work, so that every queue can be fair and in time."""

import math
import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Call:
    """What a piece of work is done for."""

    # Equal for what belongs to one caller; queues serve callers in turn.
    caller: str = ""
    # time.monotonic() from which on the answer is worth nothing.
    deadline: float = math.inf
    # The caller's W3C trace context, checked; empty without one.
    traceparent: str = ""

    @classmethod
    def within(cls, seconds: float) -> Self:
        """A call without a name that has so long from now on."""
        return cls(deadline=time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, 0 when it has passed."""
        return max(0.0, self.deadline - time.monotonic())
