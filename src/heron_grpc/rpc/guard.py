"""One guard around every call: a place at the door, its deadline, its end with a code, its figures, its log line."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc

from heron_grpc.domain import errors
from heron_grpc.domain.call import Call
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.rpc.arriving import Arriving
from heron_grpc.rpc.calls import Context, ServedCall, served_call
from heron_grpc.rpc.status import code_of
from heron_grpc.rpc.untaken import Untaken
from heron_grpc.settings import FrontSettings
from heron_grpc.telemetry.logging import get_logger
from heron_grpc.telemetry.metrics import Metrics

# Refusals come in thousands: one line tells of all in so many seconds.
_REFUSALS_LINE_S = 1.0

# Within so long a status is on its way, unless answers before it are not taken.
_LONGEST_END_S = 1.0

_log = get_logger(__name__)

# What the guard calls: the requests as they come in, the context.
Behaviour = Callable[[AsyncIterator[Any], Context], Awaitable[Any]]
# Raises Overloaded for a call that would be late.
Door = Callable[[Call], None]
Fail = Callable[[ServedCall, errors.HeronError], Awaitable[None]]


class Guard:
    """Wraps every method but gRPC's own streams, such as those that watch health."""

    def __init__(self, limits: FrontSettings, metrics: Metrics, doors: Mapping[str, Door] | None = None) -> None:
        """`doors`, by a method's path, are asked before the request of a call is read."""
        self._limits = limits
        self._doors = doors or {}
        self._metrics = metrics
        self._calls = FairShare(limits.max_calls, "calls")
        self._arriving = Arriving(limits.max_calls)
        self._untaken = Untaken()
        self._failing: set[asyncio.Future[None]] = set()
        self._refused = 0
        self._refusals_told_at = 0.0
        self.in_flight = 0
        # Set while no call is being answered.
        self.idle = asyncio.Event()
        self.idle.set()

    def around(self, method: str, handler: Any) -> Any:
        """The method's handler with the guard around its behaviour and its decoder."""
        if handler.response_streaming and method.startswith("/grpc."):
            return handler
        if handler.response_streaming:
            behaviour = self._stream(handler.stream_stream)
            guarded = self._answering(method, behaviour, self._limits.max_bulk_s, self._fail_stream)
            wrap = grpc.stream_stream_rpc_method_handler
        else:
            # A single request is read like a stream of one: gRPC itself would wait for it without a limit, before any
            # code of ours.
            unary = handler.unary_unary
            behaviour = self._one_request(method, unary) if unary else self._stream(handler.stream_unary)
            guarded = self._answering(method, behaviour, self._limits.max_call_s, ServedCall.fail)
            wrap = grpc.stream_unary_rpc_method_handler
        return wrap(guarded, _decoder(handler.request_deserializer), handler.response_serializer)

    def _answering(self, method: str, behaviour: Behaviour, max_s: float, fail: Fail) -> Behaviour:
        async def guarded(requests: AsyncIterator[Any], context: Context) -> Any:
            served = ServedCall(method, context, max_s)
            code = grpc.StatusCode.CANCELLED
            self._enter(method)
            try:
                self._untaken.require_none(served.call.caller)
                async with served.limit:
                    answer = await behaviour(requests, context)
                code = grpc.StatusCode.OK
                served.succeed()
            except asyncio.CancelledError:
                served.log(code)
                raise
            except Exception as raised:  # noqa: BLE001  whatever is not ours must become an answer without its text
                error = as_error(raised)
                code = code_of(error)
                self._note_refusal(method, error)
                await fail(served, error)
            else:
                return answer
            finally:
                self._leave(method, code, served)

        return guarded

    def _stream(self, behaviour: Behaviour) -> Behaviour:
        """Streams have their places from the start: there are fewer of them than of calls."""

        async def answer(requests: AsyncIterator[Any], context: Context) -> Any:
            with self._calls.held(served_call().call.caller):
                return await behaviour(requests, context)

        return answer

    def _one_request(self, method: str, behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Behaviour:
        idle_s = self._limits.chunk_idle_s
        door = self._doors.get(method)

        async def answer(_requests: AsyncIterator[Any], context: Context) -> Any:
            served = served_call()
            if door:
                door(served.call)
            # A call that never sends its request must not keep others out: it gets its place afterwards.
            with self._arriving.within(served.limit, idle_s):
                request = decoded(await context.read())
            if request is grpc.aio.EOF:
                raise errors.InvalidRequest("there is no request")
            with self._calls.held(served.call.caller):
                return await behaviour(request, context)

        return answer

    def _enter(self, method: str) -> None:
        self._metrics.call_started(method)
        self.in_flight += 1
        self.idle.clear()

    def _leave(self, method: str, code: grpc.StatusCode, served: ServedCall) -> None:
        self._metrics.call_finished(method, code.name, served.passed_s)
        task = asyncio.current_task()
        if code is grpc.StatusCode.OK and task:
            # gRPC sends the answer when the guard has returned.
            self._untaken.follow(task, served.call.caller, self._gone)
        else:
            self._gone()

    def _gone(self) -> None:
        self.in_flight -= 1
        if not self.in_flight:
            self.idle.set()

    async def _fail_stream(self, served: ServedCall, error: errors.HeronError) -> None:
        """An answer that nobody takes may be on its way: the status follows it whenever that is, and nobody waits."""
        failing = asyncio.ensure_future(served.fail(error))
        self._failing.add(failing)
        failing.add_done_callback(self._forget)
        await asyncio.wait({failing}, timeout=_LONGEST_END_S)
        raise asyncio.CancelledError

    def _forget(self, failing: asyncio.Future[None]) -> None:
        """Whether the status went out or the client was gone before, nobody is left to be told."""
        self._failing.discard(failing)
        _ = failing.cancelled() or failing.exception()

    def _note_refusal(self, method: str, error: errors.HeronError) -> None:
        if not isinstance(error, errors.Overloaded):
            return
        self._metrics.call_refused(method, error.metadata.get("resource", "queue"))
        self._refused += 1
        now = time.monotonic()
        if now - self._refusals_told_at >= _REFUSALS_LINE_S:
            _log.warning("calls_refused", count=self._refused, calls_in_flight=self.in_flight)
            self._refused, self._refusals_told_at = 0, now


def as_error(raised: Exception) -> errors.HeronError:
    """What a call is answered with; what is not ours is logged and told without its text."""
    if isinstance(raised, errors.HeronError):
        return raised
    if isinstance(raised, TimeoutError):
        return errors.DeadlineExceeded("the deadline passed before the answer was there")
    _log.error("call_crashed", exc_info=raised)
    return errors.HeronError("internal error; the request id finds it in the log")


async def next_message(messages: AsyncIterator[Any], idle_s: float) -> Any | None:
    """The next message, None at the stream's end.

    Raises DeadlineExceeded after `idle_s` seconds without one and InvalidRequest for bytes that are no message.
    """
    try:
        async with asyncio.timeout(idle_s):
            message = await anext(messages, None)
    except TimeoutError as error:
        raise errors.DeadlineExceeded(f"no message arrived for {idle_s:g} s") from error
    return decoded(message)


def decoded(message: Any) -> Any:
    """The message. Raises InvalidRequest for bytes that were none."""
    if isinstance(message, _Undecodable):
        raise errors.InvalidRequest("the message cannot be decoded")
    return message


class _Undecodable:
    """Stands for bytes that are no message of the method's type."""


def _decoder(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def decode(data: bytes) -> Any:
        try:
            return deserialize(data)
        except Exception:  # noqa: BLE001  protobuf's DecodeError has no stable home; the guard answers for all
            return _Undecodable()

    return decode
