"""When a call is worth repeating, and after how long. Every call only asks, so repeating one changes nothing."""

import random
from dataclasses import dataclass

import grpc

from heron.errors import HeronServiceError

# gRPC's own limit on the attempts of a call.
_MOST_ATTEMPTS = 5
_FACTOR = 2.0
_TRANSIENT = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is repeated, always within its deadline.

    `max_attempts`: 1 (never repeated) to 5. The waits double from `initial_backoff_s` up to `max_backoff_s`, less up to
    half of each at random; when the service says for how long to wait, at least that long. `reconnect_s`: how long a
    bulk stream that once worked is tried again before it is given up.
    """

    max_attempts: int = 4
    initial_backoff_s: float = 0.1
    max_backoff_s: float = 2.0
    reconnect_s: float = 30.0

    def __post_init__(self) -> None:
        if not 1 <= self.max_attempts <= _MOST_ATTEMPTS:
            raise ValueError(f"max_attempts must be 1 to {_MOST_ATTEMPTS}")
        if not 0 < self.initial_backoff_s <= self.max_backoff_s:
            raise ValueError("initial_backoff_s must be above 0 and at most max_backoff_s")

    def wait_s(self, attempts: int, error: HeronServiceError) -> float:
        """How long to wait after so many attempts, the last of which ended with `error`."""
        doublings = min(max(attempts - 1, 0), 30)
        backoff_s = min(self.max_backoff_s, self.initial_backoff_s * _FACTOR**doublings)
        jittered_s = backoff_s * random.uniform(0.5, 1.0)  # noqa: S311  spreads callers, keeps no secret
        return max(jittered_s, error.retry_after_s or 0.0)

    def repeat_after_s(self, attempts: int, error: HeronServiceError) -> float | None:
        """As `wait_s`; None when the call should not be repeated."""
        if attempts >= self.max_attempts or error.code not in _TRANSIENT:
            return None
        return self.wait_s(attempts, error)
