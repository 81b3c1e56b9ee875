"""Why reading children are killed or replaced, in words that can be counted."""

import asyncio

from heron_grpc.domain.errors import Cancelled, DeadlineExceeded, ProtocolError, ReadingLimitExceeded
from heron_grpc.reading.children import ChildDied
from heron_grpc.reading.supervision import ChildStalled

_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    # It did nothing for `stall_s` seconds.
    (ChildStalled, "stalled"),
    # It ended by itself, or was ended from outside.
    (ChildDied, "crash"),
    # It answered what no reader answers.
    (ProtocolError, "protocol"),
    (DeadlineExceeded, "deadline"),
    (asyncio.CancelledError, "cancelled"),
    # Its steps were not taken.
    (Cancelled, "cancelled"),
)
_LIMITS = ("cpu", "memory", "wall", "output")
# It had read many documents, or had grown large.
RECYCLED = "recycled"
# It was one more than there should be, and is needed no longer.
SURPLUS = "surplus"
# The pool's own mistake.
_INTERNAL = "internal"
KILL_REASONS = (*_LIMITS, *dict.fromkeys(name for _, name in _KINDS), RECYCLED, SURPLUS, _INTERNAL)


def kill_reason(error: BaseException) -> str:
    """One of KILL_REASONS for what ended a child's work."""
    if isinstance(error, ReadingLimitExceeded) and error.metadata.get("limit") in _LIMITS:
        return error.metadata["limit"]
    return next((name for kind, name in _KINDS if isinstance(error, kind)), _INTERNAL)
