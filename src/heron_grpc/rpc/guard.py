"""One guard around every call: request id in and out, deadline, the error table, one log line."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from heron_grpc.domain import errors
from heron_grpc.telemetry.logging import bind_request, get_logger

REQUEST_ID_KEY = "x-request-id"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Clients take 8 KiB of trailing metadata by default: details must fit with room to spare.
_MOST_VIOLATIONS = 20
_ERROR_DOMAIN = "heron"

# The nearest ancestor of an error decides its code.
CODES: dict[type[errors.HeronError], grpc.StatusCode] = {
    errors.HeronError: grpc.StatusCode.INTERNAL,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.DocumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.EncryptedDocument: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
}

_log = get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Awaitable[Any]]


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every method that answers with one message; streams of answers pass through."""

    def __init__(self, max_call_s: float) -> None:
        self._max_call_s = max_call_s
        self.in_flight = 0
        # Set while no call is being answered.
        self.idle = asyncio.Event()
        self.idle.set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Puts the guard around the method's behaviour and its decoder."""
        handler: Any = await continuation(handler_call_details)
        if handler is None or handler.response_streaming:
            return handler
        kind = "stream_unary" if handler.request_streaming else "unary_unary"
        guarded = self._around(handler_call_details.method, getattr(handler, kind))
        return handler._replace(request_deserializer=_decoder(handler.request_deserializer), **{kind: guarded})

    def _around(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def guarded(request: Any, context: Context) -> Any:
            call = _Call(method, context)
            self._count(1)
            try:
                async with asyncio.timeout(deadline_s(context, self._max_call_s)):
                    answer = await behaviour(_decoded(request), context)
            except TimeoutError:
                await call.fail(errors.DeadlineExceeded("the deadline passed before the answer was there"))
            except errors.HeronError as error:
                await call.fail(error)
            except asyncio.CancelledError:
                call.log(grpc.StatusCode.CANCELLED)
                raise
            except Exception as error:  # noqa: BLE001  whatever is not ours must become an answer without its text
                _log.error("call_crashed", exc_info=error)
                await call.fail(errors.HeronError("internal error; the request id finds it in the log"))
            else:
                context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
                call.log(grpc.StatusCode.OK)
                return answer
            finally:
                self._count(-1)

        return guarded

    def _count(self, change: int) -> None:
        self.in_flight += change
        if self.in_flight:
            self.idle.clear()
        else:
            self.idle.set()


def deadline_s(context: Context, max_call_s: float) -> float:
    """Seconds left for the call: the caller's deadline, at most `max_call_s`."""
    left = context.time_remaining()
    return max_call_s if left is None else max(0.0, min(left, max_call_s))


def status_of(error: errors.HeronError, request_id: str) -> status_pb2.Status:
    """The google.rpc.Status of an error: ErrorInfo and RequestInfo always, the others as they fit."""
    code = next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
    status = status_pb2.Status(code=code.value[0], message=error.message)
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=_ERROR_DOMAIN, metadata=error.metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if isinstance(error, errors.InvalidRequest) and error.violations:
        details.append(_bad_request(error.violations))
    if isinstance(error, errors.Overloaded):
        subject = error.metadata.get("resource", "queue")
        violation = error_details_pb2.QuotaFailure.Violation(subject=subject, description=error.message)
        details.append(error_details_pb2.QuotaFailure(violations=[violation]))
    if isinstance(error, errors.Overloaded | errors.Unavailable):
        retry_delay = Duration()
        retry_delay.FromMilliseconds(round(error.retry_after_s * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=retry_delay))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _bad_request(violations: tuple[errors.FieldViolation, ...]) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in violations[:_MOST_VIOLATIONS]
        ]
    )


class _Call:
    """One call being answered: its id, its clock, its log line."""

    def __init__(self, method: str, context: Context) -> None:
        self._context = context
        self._method = method
        self._started = time.monotonic()
        self.request_id = _request_id(context)
        bind_request(request_id=self.request_id, method=method)

    async def fail(self, error: errors.HeronError) -> None:
        """Ends the call with the error's code and details."""
        status = status_of(error, self.request_id)
        code = _code(status.code)
        self.log(code, reason=error.reason)
        trailing = ((REQUEST_ID_KEY, self.request_id), (STATUS_DETAILS_KEY, status.SerializeToString()))
        await self._context.abort(code, error.message, trailing_metadata=trailing)

    def log(self, code: grpc.StatusCode, **facts: str) -> None:
        """One line per call; health checks only when someone debugs."""
        write = _log.debug if self._method.startswith("/grpc.") else _log.info
        duration_ms = round((time.monotonic() - self._started) * 1000, 3)
        write("call_finished", code=code.name, duration_ms=duration_ms, **facts)


def _request_id(context: Context) -> str:
    """The caller's id when it is one, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex


def _code(number: int) -> grpc.StatusCode:
    return next(code for code in grpc.StatusCode if code.value[0] == number)


class _Undecodable:
    """Stands for bytes that are no message of the method's type."""


def _decoder(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def decode(data: bytes) -> Any:
        try:
            return deserialize(data)
        except Exception:  # noqa: BLE001  protobuf's DecodeError has no stable home; the guard answers for all
            return _Undecodable()

    return decode


def _decoded(request: Any) -> Any:
    """The request, or the stream of requests, with undecodable bytes as a typed error."""
    if hasattr(request, "__aiter__"):
        return _decoded_stream(request)
    if isinstance(request, _Undecodable):
        raise errors.InvalidRequest("the message cannot be decoded")
    return request


async def _decoded_stream(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _decoded(request)
