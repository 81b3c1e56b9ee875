"""A call being answered: for whom, until when, in which trace, under which id; and its log line."""

import asyncio
import os
import re
import time
from contextvars import ContextVar
from typing import Any

import grpc

from heron_grpc.domain.call import Call
from heron_grpc.domain.errors import HeronError, Overloaded
from heron_grpc.rpc.status import code_of, status_of
from heron_grpc.telemetry.logging import bind_request, get_logger
from heron_grpc.telemetry.trace_context import TRACEPARENT, checked_traceparent, trace_id

REQUEST_ID_KEY = "x-request-id"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
# gRPC's own clients retry after so many milliseconds when their service config lets them.
RETRY_PUSHBACK_KEY = "grpc-retry-pushback-ms"
# Of the time a caller gives: at the deadline itself gRPC resets the call, and its caller may read CANCELLED.
_USABLE_SHARE = 0.98
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_log = get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]


class ServedCall:
    """One call being answered; its code finds it with `served_call`."""

    def __init__(self, method: str, context: Context, max_s: float) -> None:
        """Its deadline is the caller's, at most `max_s` seconds from now."""
        self._context = context
        self._method = method
        self._started = time.monotonic()
        left_s = context.time_remaining()
        self.request_id, traceparent = _ids(context)
        self.call = Call(
            # Callers are told apart by their connection.
            caller=context.peer(),
            deadline=self._started + (max_s if left_s is None else min(left_s * _USABLE_SHARE, max_s)),
            traceparent=traceparent,
        )
        # Ends the call's work; entered by the guard.
        self.limit = asyncio.timeout(self.call.left_s)
        # Facts for the log line.
        self.facts: dict[str, int] = {}
        bind_request(
            request_id=self.request_id, method=method, **({"trace_id": trace_id(traceparent)} if traceparent else {})
        )
        _current.set(self)

    @property
    def passed_s(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self._started

    def succeed(self) -> None:
        """To be called before the answer is given."""
        self._context.set_trailing_metadata(((REQUEST_ID_KEY, self.request_id),))
        self.log(grpc.StatusCode.OK)

    async def fail(self, error: HeronError) -> None:
        """Ends the call with the error's code and details."""
        code = code_of(error)
        self.log(code, reason=error.reason)
        details = status_of(error, self.request_id).SerializeToString()
        trailing: list[tuple[str, str | bytes]] = [(REQUEST_ID_KEY, self.request_id), (STATUS_DETAILS_KEY, details)]
        if isinstance(error, Overloaded):
            trailing.append((RETRY_PUSHBACK_KEY, str(round(error.retry_after_s * 1000))))
        await self._context.abort(code, error.message, trailing_metadata=tuple(trailing))

    def log(self, code: grpc.StatusCode, **facts: str) -> None:
        """One line a call; health checks, and refusals under load, only when someone debugs."""
        quiet = code is grpc.StatusCode.RESOURCE_EXHAUSTED or self._method.startswith("/grpc.")
        write = _log.debug if quiet else _log.info
        write("call_finished", code=code.name, duration_ms=round(self.passed_s * 1000, 3), **facts, **self.facts)


_current: ContextVar[ServedCall] = ContextVar("served_call")


def served_call() -> ServedCall:
    """The call the running code answers."""
    return _current.get()


def _ids(context: Context) -> tuple[str, str]:
    """The caller's request id when it is one, else a new one; the caller's trace context when it is one, else none."""
    request_id, traceparent = "", ""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            request_id = request_id or value
        elif key == TRACEPARENT and isinstance(value, str):
            traceparent = traceparent or checked_traceparent(value)
    return request_id or os.urandom(16).hex(), traceparent
