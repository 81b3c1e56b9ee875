"""One logical call, however often it is sent: its deadline, its request id, its metadata."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import grpc

from heron.errors import HeronServiceError, local_error

DEFAULT_TIMEOUT_S = 300.0

Metadata = Sequence[tuple[str, str | bytes]]


class CallOptions(TypedDict, total=False):
    """Keywords that every method takes.

    `timeout_s`: seconds the call may take with all its repetitions; the client's own by default, and no limit for
    `classify_many` as a whole. `request_id`: 1 to 128 characters of A-Za-z0-9._:- which find the call in the service's
    log; a new one by default. `traceparent`: W3C trace context, passed on. `metadata`: further gRPC metadata.
    """

    timeout_s: float | None
    request_id: str
    traceparent: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class LogicalCall:
    """What all attempts of a call share."""

    request_id: str
    metadata: tuple[tuple[str, str | bytes], ...]
    # time.monotonic() at which it is given up; None: never.
    deadline: float | None

    def left_s(self) -> float | None:
        """Seconds left, for gRPC's `timeout`. Raises DeadlineExceeded when there are none."""
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.too_late()
        return left

    def has_time_for(self, seconds: float) -> bool:
        """Whether a wait of so many seconds ends before the deadline."""
        return self.deadline is None or time.monotonic() + seconds < self.deadline

    def too_late(self) -> HeronServiceError:
        """What to raise once the deadline has passed."""
        return local_error(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed", self.request_id)


def logical_call(options: CallOptions, default_timeout_s: float | None, metadata: Metadata) -> LogicalCall:
    """The call that `options` describe; `metadata` is the client's own, sent with every call.

    Raises TypeError for unknown keywords, ValueError for a timeout that is not positive.
    """
    unknown = set(options) - set(CallOptions.__annotations__)
    if unknown:
        raise TypeError(f"unknown keyword: {', '.join(sorted(unknown))}")
    request_id = options.get("request_id") or uuid.uuid4().hex
    timeout_s = options.get("timeout_s")
    timeout_s = default_timeout_s if timeout_s is None else timeout_s
    if timeout_s is not None and timeout_s <= 0:
        raise ValueError("timeout_s must be above 0")
    traceparent = options.get("traceparent")
    return LogicalCall(
        request_id=request_id,
        metadata=(
            ("x-request-id", request_id),
            *((("traceparent", traceparent),) if traceparent else ()),
            *metadata,
            *options.get("metadata", ()),
        ),
        deadline=None if timeout_s is None else time.monotonic() + timeout_s,
    )
