"""An upload of the blocking client: gRPC asks for its messages in a thread of its own."""

import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import grpc

from heron.calls import LogicalCall
from heron.errors import local_error, service_error
from heron.messages import Classification, UploadRequest

# How long a read of the document that goes on after the call has ended is waited for.
_LINGER_S = 5.0


def upload(
    method: Any, requests: Iterator[UploadRequest], asked: LogicalCall, report: Callable[[int], None]
) -> Classification:
    """One attempt. Raises HeronServiceError, and what reading the document or `report` raises."""
    outgoing = _Outgoing(requests, report)
    call = method.future(outgoing, timeout=asked.left_s(), metadata=asked.metadata)
    outgoing.attach(call)
    try:
        found: Classification = call.result().classification
    except grpc.FutureCancelledError as error:
        raise outgoing.error or local_error(
            grpc.StatusCode.CANCELLED, "the call was given up", asked.request_id
        ) from error
    except grpc.RpcError as error:
        raise outgoing.error or service_error(error, asked.request_id) from error
    else:
        return found
    finally:
        call.cancel()
        outgoing.stop()


def stream(
    method: Any, requests: Iterator[Any], asked: LogicalCall, report: Callable[[int], None]
) -> Generator[Any, None, None]:
    """One attempt at an upload that is answered by a stream: its messages. Raises as `upload`. To be closed."""
    outgoing = _Outgoing(requests, report)
    call = method(outgoing, timeout=asked.left_s(), metadata=asked.metadata)
    outgoing.attach(call)
    try:
        yield from call
    except grpc.RpcError as error:
        raise outgoing.error or service_error(error, asked.request_id) from error
    finally:
        call.cancel()
        outgoing.stop()


class _Outgoing:
    """The messages, as gRPC's thread asks for them. What reading them raises ends the call and is kept."""

    def __init__(self, requests: Iterator[Any], report: Callable[[int], None]) -> None:
        self._requests = requests
        self._report = report
        self._sent_bytes = self._new_bytes = 0
        self._idle = threading.Lock()
        self._stopped = False
        self._call: Any = None
        self._attached = threading.Event()
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._idle:
            if self._stopped:
                raise StopIteration
            try:
                return self._next()
            except StopIteration:
                raise
            except Exception as error:  # noqa: BLE001  gRPC would only log it: the caller is to have it
                self.error = error
        # To end the stream as usual would look like the document's end.
        self._attached.wait()
        self._call.cancel()
        raise StopIteration

    def attach(self, call: Any) -> None:
        """Tells which call asks for the messages."""
        self._call = call
        self._attached.set()

    def stop(self) -> None:
        """Gives no more and waits until the document is left alone: it may be read again or closed next."""
        if self._idle.acquire(timeout=_LINGER_S):
            self._stopped = True
            self._idle.release()

    def _next(self) -> Any:
        """Being asked for the next message says that the last one is on its way."""
        if self._new_bytes:
            self._sent_bytes += self._new_bytes
            self._report(self._sent_bytes)
        self._new_bytes = 0
        request = next(self._requests)
        self._new_bytes = len(request.chunk)
        return request
