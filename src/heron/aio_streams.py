"""What the asyncio client knows about gRPC's: how its calls end, and how to read documents beside the event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

import grpc

from heron.calls import LogicalCall
from heron.errors import HeronServiceError, local_error, service_error
from heron.messages import Classification, UploadRequest

_OF_ITS_OWN_MAKING = "Internal error from Core"
_LOOK_AGAIN_S = 0.01
_LOOKS = 200

Given = TypeVar("Given")


async def in_thread(read: Callable[[], Given]) -> Given:
    """What `read` gives, in a thread; when given up, the read that has begun is waited for."""
    reading = asyncio.ensure_future(asyncio.to_thread(read))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        await asyncio.wait({reading})
        raise


async def upload(
    method: Any, requests: Iterator[UploadRequest], asked: LogicalCall, report: Callable[[int], None]
) -> Classification:
    """One attempt. Raises HeronServiceError, and what reading the document or `report` raises."""
    call = method(timeout=asked.left_s(), metadata=asked.metadata)
    ending = Ending(call)
    try:
        await _send(call, requests, report)
        answer = await call
    except grpc.aio.AioRpcError as error:
        raise await ending.error(error, asked.request_id) or _lost_answer(asked.request_id) from error
    finally:
        call.cancel()
    found: Classification = answer.classification
    return found


async def stream(
    method: Any, requests: Iterator[Any], asked: LogicalCall, report: Callable[[int], None]
) -> AsyncGenerator[Any]:
    """One attempt at an upload that is answered by a stream: its messages. Raises as `upload`. To be closed."""
    call = method(timeout=asked.left_s(), metadata=asked.metadata)
    ending = Ending(call)
    try:
        await _send(call, requests, report)
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as error:
        raise await ending.error(error, asked.request_id) or _lost_answer(asked.request_id) from error
    finally:
        call.cancel()


async def _send(call: Any, requests: Iterator[Any], report: Callable[[int], None]) -> None:
    """All messages, or as many as the service takes."""
    sent_bytes = 0
    while not call.done() and (request := await in_thread(lambda: next(requests, None))) is not None:
        if not await written(call, request):
            break
        sent_bytes += len(request.chunk)
        if request.chunk:
            report(sent_bytes)
    await call.done_writing()


async def written(call: Any, request: object) -> bool:
    """Sends a message; False when the service has ended the call, whose status says why."""
    try:
        await call.write(request)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return False
    return True


class Ending:
    """What the service ended a call with.

    When a write fails because the service has ended the call, grpc.aio gives the call an INTERNAL of its own making:
    in place of the service's status when that came first, else until it comes. This finds the service's.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._status: grpc.aio.AioRpcError | None = None
        # Called for the first status alone.
        call.add_done_callback(lambda _: self._look())

    async def error(self, raised: grpc.aio.AioRpcError, request_id: str) -> HeronServiceError | None:
        """The error; None for a call that ended well although gRPC raised something."""
        if _is_the_services(raised.code(), raised.details()):
            return service_error(raised, request_id)
        for _ in range(_LOOKS):
            if self._status is not None:
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
            self._look()
        if self._status is None:
            return local_error(grpc.StatusCode.UNAVAILABLE, "the stream broke", request_id)
        return None if self._status.code() is grpc.StatusCode.OK else service_error(self._status, request_id)

    def _look(self) -> None:
        code, details = _at_once(self._call.code()), _at_once(self._call.details())
        if _is_the_services(code, details):
            trailing = _at_once(self._call.trailing_metadata())
            self._status = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details)


def _is_the_services(code: grpc.StatusCode, details: str | None) -> bool:
    return code is not grpc.StatusCode.INTERNAL or details != _OF_ITS_OWN_MAKING


def _at_once(asked: Coroutine[Any, Any, Given]) -> Given:
    """What a coroutine gives that need not wait: a call that has a status tells it."""
    try:
        asked.send(None)
    except StopIteration as told:
        value: Given = told.value
        return value
    asked.close()
    raise RuntimeError("a call that is done must know its status")


def _lost_answer(request_id: str) -> HeronServiceError:
    return local_error(grpc.StatusCode.UNAVAILABLE, "the answer was lost", request_id)
