"""The books of one bulk call: who was taken in, sent, answered, given out; what is due next. It waits for nothing.

The blocking and the asyncio client drive it alike: a feeder takes documents in while there is room, a sender sends
what it claims, a reader hands in what the stream answers and how it ended, and the caller takes results out. Whoever
wants to wait calls `tick`, looks again if it changed something, and waits no longer than `wait_s`.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable

import grpc

from heron.calls import LogicalCall
from heron.documents import Document
from heron.errors import HeronServiceError, local_error, service_error
from heron.flight import Intake, Item, Outbox, Stream
from heron.results import BulkProgress, BulkResult
from heron.retry import RetryPolicy
from heron.v1 import classification_pb2

# How long a stream may stay silent after a document of it was given up, before it is taken for dead.
STALL_S = 10.0
# How long a stream may take to be granted a window.
GRANT_S = 30.0

_Code = grpc.StatusCode
# What connections that break, proxies and servers that restart end streams with, in no words of the service.
_BROKEN = {_Code.UNAVAILABLE, _Code.DEADLINE_EXCEEDED, _Code.INTERNAL, _Code.UNKNOWN, _Code.CANCELLED}
# Ends of a stream that say nothing about its documents, even when the service itself says so.
_OVER = {_Code.UNAVAILABLE, _Code.DEADLINE_EXCEEDED}


class Ledger:
    """Not safe for threads: the blocking client holds its lock around every use."""

    def __init__(
        self,
        call: LogicalCall,
        retry: RetryPolicy,
        document_timeout_s: float,
        ordered: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call = call
        self._retry = retry
        self._document_timeout_s = document_timeout_s
        self._clock = clock
        self._intake = Intake()
        self._outbox = Outbox(ordered)
        # Taken in, not sent yet; sent before, to be sent again now; and later.
        self._fresh: deque[Item] = deque()
        self._ready: deque[Item] = deque()
        self._waiting: list[Item] = []
        # By index, in the order they were first sent, which is the order in which their time is up.
        self._active: dict[int, Item] = {}
        self._stream = Stream()
        self._cancels: deque[str] = deque()
        self._ever_granted = False
        self._failures = 0
        self._failing_since: float | None = None
        # time.monotonic() before which no new stream is tried.
        self._reopen_at: float | None = None
        self._sent_documents = 0
        self._settled_documents = 0
        self._failure: Exception | None = None
        self._closed = False
        self.request_id = call.request_id
        self.sent_bytes = 0

    # The iterable.

    def has_room(self) -> bool:
        """Whether the next document may be taken in: never more than the window are between here and the caller."""
        between = self._intake.taken - self._outbox.given
        return not self.is_given_up and not self._intake.ended and between < self._intake.window

    def take(self, document: Document) -> None:
        """Takes a document in."""
        item = Item(self._intake.taken, document)
        self._intake.taken += 1
        if self._failure:
            self._settle(item, error=self._failure)
        else:
            self._fresh.append(item)

    def no_more(self, error: Exception | None = None) -> None:
        """The iterable has ended, with `error` when it raised one."""
        self._intake.ended = True
        self._intake.error = error

    # One stream after the other.

    def wants_stream(self) -> bool:
        """Whether there is something to send, and now is the time to try."""
        return not self.is_done and bool(self._ready or self._fresh) and self._reopen_at is None

    def stream_began(self) -> None:
        """A stream was opened: its grant is awaited."""
        self._stream = Stream(stall_at=self._clock() + min(self._document_timeout_s, GRANT_S))

    @property
    def is_stalled(self) -> bool:
        """Whether the stream has been silent for too long and should be cancelled."""
        return self._stream.stalled

    @property
    def is_given_up(self) -> bool:
        """Whether the caller has closed the call or it has failed."""
        return self._closed or self._failure is not None

    @property
    def is_done(self) -> bool:
        """Whether no stream is needed any more: every document's result is known, or the call was given up."""
        return self.is_given_up or (self._intake.ended and self._settled_documents == self._intake.taken)

    def claim(self) -> Item | None:
        """The next document to send, if the stream takes one now."""
        is_full = len(self._stream.unanswered) >= self._stream.window
        item = None if self.is_given_up or is_full else self._next()
        if item is None:
            return None
        item.attempts += 1
        if item.attempts == 1:
            self._sent_documents += 1
            item.give_up_at = self._clock() + self._document_timeout_s
            self._active[item.index] = item
        self._stream.unanswered[item.item_id] = item
        return item

    def claim_cancel(self) -> str | None:
        """The id of a document that the service should give up, if there is one."""
        return self._cancels.popleft() if self._cancels else None

    def is_wanted(self, item_id: str) -> bool:
        """Whether a document being sent still awaits its answer."""
        item = self._stream.unanswered.get(item_id)
        return item is not None and not item.settled

    def unsent(self, item_id: str) -> None:
        """A claimed document of which no message was sent, and none will be."""
        self._stream.unanswered.pop(item_id, None)

    def unreadable(self, item: Item, error: Exception) -> None:
        """Reading a claimed document raised `error`."""
        self._settle(item, error=error)

    def receive(self, response: classification_pb2.ClassifyBulkResponse) -> None:
        """A message of the stream."""
        if response.WhichOneof("payload") == "grant":
            self._ever_granted = True
            self._stream.window = self._intake.window = max(1, response.grant.max_in_flight)
            self._stream.stall_at = float("inf")
        else:
            self._answered(response.result)

    def stream_ended(self, error: HeronServiceError | None) -> None:
        """The stream is over, with `error` unless it ended well."""
        stream, self._stream = self._stream, Stream()
        self._cancels.clear()
        if self.is_done:
            return
        lost = [item for item in stream.unanswered.values() if not item.settled]
        if stream.stalled:
            error = self._error(_Code.UNAVAILABLE, "the service has fallen silent")
        elif error is None:
            error = self._error(_Code.UNAVAILABLE, "the stream ended before every document was answered")
        elif not _is_break(error):
            self.fail(error)
            return
        # A stream that nothing was to be sent on, as servers end after a while, has lost nothing.
        needed = lost or self._ready or self._fresh or not stream.window
        if needed and not self._may_reopen(error):
            self.fail(error)
            return
        for item in lost:
            item.failures += 1
            if item.source.can_be_read and item.failures < self._retry.max_attempts:
                self._ready.append(item)
            else:
                self._settle(item, error=error)

    # The caller.

    def tick(self) -> bool:
        """Does what time alone brings about; whether there was anything to do."""
        now = self._clock()
        if now < self._next_instant():
            return False
        if self._call.deadline is not None and now >= self._call.deadline and not self.is_done:
            self.fail(self._call.too_late())
        while self._active and (item := next(iter(self._active.values()))).give_up_at <= now:
            self._give_up(item)
        while self._waiting and self._waiting[0].due <= now:
            self._ready.append(heapq.heappop(self._waiting))
        if self._stream.stall_at <= now:
            self._stream.stalled = True
            self._stream.stall_at = float("inf")
        if self._reopen_at is not None and self._reopen_at <= now:
            self._reopen_at = None
        return True

    def wait_s(self) -> float | None:
        """Seconds until `tick` will have something to do; None when only others can bring something about."""
        instant = self._next_instant()
        return None if instant == float("inf") else max(0.0, instant - self._clock())

    def result(self) -> BulkResult | None:
        """The next result for the caller, if there is one."""
        return self._outbox.give()

    @property
    def is_over(self) -> bool:
        """Whether the caller has nothing to expect any more."""
        all_given = self._outbox.given == self._intake.taken
        return self._closed or (all_given and self.is_done)

    def failure(self) -> Exception | None:
        """Once over: what the call failed with as a whole, or what the iterable raised."""
        return self._failure or self._intake.error

    def progress(self) -> BulkProgress:
        """How far the call is."""
        return BulkProgress(self._sent_documents, self._settled_documents, self.sent_bytes)

    def close(self) -> None:
        """The caller wants no more."""
        self._closed = True

    def fail(self, error: Exception) -> None:
        """The call has failed as a whole: every document that was taken in gets the error, and no more are."""
        if self._failure is None:
            self._failure = error
            for item in [*self._active.values(), *self._fresh]:
                self._settle(item, error=error)
            self._fresh.clear()

    def _next(self) -> Item | None:
        while self._ready:
            item = self._ready.popleft()
            if not item.settled:
                return item
        return self._fresh.popleft() if self._fresh else None

    def _answered(self, result: classification_pb2.ClassifyBulkResult) -> None:
        item = self._stream.unanswered.pop(result.item_id, None)
        self._failures = 0
        self._failing_since = None
        self._stream.stall_at = self._clock() + STALL_S if self._stream.holds_settled() else float("inf")
        if item is None or item.settled:
            return
        if result.WhichOneof("result") == "classification":
            self._settle(item, classification=result.classification)
            return
        error = service_error(result.error, self.request_id)
        wait_s = self._repeat_after_s(item, error)
        if wait_s is None:
            self._settle(item, error=error)
        else:
            item.due = self._clock() + wait_s
            heapq.heappush(self._waiting, item)

    def _repeat_after_s(self, item: Item, error: HeronServiceError) -> float | None:
        """Seconds until a document that was refused is asked again; None: never."""
        if not item.source.can_be_read or self._retry.max_attempts == 1:
            return None
        if error.code is _Code.RESOURCE_EXHAUSTED and error.retry_after_s is not None:
            # The service says that waiting helps: only the document's own deadline ends it.
            wait_s: float | None = self._retry.wait_s(item.attempts, error)
        else:
            item.failures += 1
            wait_s = self._retry.repeat_after_s(item.failures, error)
        in_time = wait_s is not None and self._clock() + wait_s < item.give_up_at
        return wait_s if in_time else None

    def _may_reopen(self, error: HeronServiceError) -> bool:
        """Sets when to try again; False when it was tried for long enough."""
        now = self._clock()
        self._failures += 1
        self._failing_since = now if self._failing_since is None else self._failing_since
        if self._ever_granted or error.code is _Code.RESOURCE_EXHAUSTED:
            worth = self._retry.max_attempts > 1 and now - self._failing_since < self._retry.reconnect_s
        else:
            worth = self._failures < self._retry.max_attempts
        wait_s = self._retry.wait_s(self._failures, error)
        self._reopen_at = now + wait_s
        return worth and self._call.has_time_for(wait_s)

    def _give_up(self, item: Item) -> None:
        """A document whose time is up: the service is told, and must say something soon."""
        message = f"no answer within {self._document_timeout_s:g} s"
        self._settle(item, error=self._error(_Code.DEADLINE_EXCEEDED, message))
        if item.item_id in self._stream.unanswered:
            self._cancels.append(item.item_id)
            self._stream.stall_at = min(self._stream.stall_at, self._clock() + STALL_S)

    def _settle(
        self,
        item: Item,
        classification: classification_pb2.Classification | None = None,
        error: Exception | None = None,
    ) -> None:
        if not item.settled:
            item.settled = True
            self._settled_documents += 1
            self._active.pop(item.index, None)
            self._outbox.put(BulkResult(item.document, item.index, classification, error))

    def _error(self, code: grpc.StatusCode, message: str) -> HeronServiceError:
        return local_error(code, message, self.request_id)

    def _next_instant(self) -> float:
        """The first instant at which `tick` has something to do."""
        instant = self._stream.stall_at
        if self._call.deadline is not None and not self.is_done:
            instant = min(instant, self._call.deadline)
        if self._reopen_at is not None:
            instant = min(instant, self._reopen_at)
        if self._active:
            instant = min(instant, next(iter(self._active.values())).give_up_at)
        if self._waiting:
            instant = min(instant, self._waiting[0].due)
        return instant


def _is_break(error: HeronServiceError) -> bool:
    """Whether a stream's end leaves its documents worth asking again on another."""
    if error.code is _Code.RESOURCE_EXHAUSTED:
        # gRPC itself refuses messages that are too large with the same code, and would do so again.
        return error.retry_after_s is not None
    return error.code in _OVER or (error.code in _BROKEN and not error.reason)
