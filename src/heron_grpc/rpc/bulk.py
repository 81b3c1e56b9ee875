"""One bulk stream: documents in as far as the window allows, answers out, each document on its own."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass

from heron.v1 import classification_pb2
from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import ClassifyOptions
from heron_grpc.domain.errors import (
    Cancelled,
    DeadlineExceeded,
    HeronError,
    InvalidRequest,
    Overloaded,
    Unavailable,
)
from heron_grpc.rpc.answering import Answering
from heron_grpc.rpc.bulk_feed import Feed
from heron_grpc.rpc.calls import ServedCall
from heron_grpc.rpc.guard import as_error, decoded
from heron_grpc.rpc.request_rules import RequestRules
from heron_grpc.rpc.status import status_of
from heron_grpc.settings import FrontSettings

# How often a full queue is asked again for a document of a stream, at least.
_LONGEST_PATIENCE_S = 1.0
# Looks at a silent stream in the time it may be silent.
_LOOKS = 4

Request = classification_pb2.ClassifyBulkRequest
Response = classification_pb2.ClassifyBulkResponse
Result = classification_pb2.ClassifyBulkResult
Item = classification_pb2.ClassifyBulkItem


@dataclass(slots=True)
class _Document:
    """A document that is not answered yet."""

    work: asyncio.Task[Result]
    answered: asyncio.Event


class Bulk:
    """Runs once."""

    def __init__(self, answering: Answering, rules: RequestRules, limits: FrontSettings, served: ServedCall) -> None:
        self._answering = answering
        self._rules = rules
        self._limits = limits
        self._served = served
        self._options = ClassifyOptions()
        self._ordered = False
        self._window = asyncio.Semaphore()
        self._unanswered: dict[str, _Document] = {}
        # The document whose chunks are arriving.
        self._open: tuple[str, Feed] | None = None
        self._newest_answered: asyncio.Event | None = None
        self._write: Callable[[Response], Awaitable[None]]
        self._writing = asyncio.Lock()
        self._tasks: asyncio.TaskGroup
        self._reading: asyncio.Task[None] | None = None
        # time.monotonic() since when the stream waits for the client: for a message, for an answer to be taken.
        self._silent_since: float | None = None
        self._unread_since: float | None = None
        served.facts.update(documents=0, failed=0)

    async def run(self, requests: AsyncIterator[Request], write: Callable[[Response], Awaitable[None]]) -> None:
        """Answers every document, then returns.

        Raises InvalidRequest for messages out of order, DeadlineExceeded for a client that sends nothing or takes no
        answers, and Unavailable when drained.
        """
        self._write = write
        try:
            async with asyncio.TaskGroup() as self._tasks:
                watching = self._tasks.create_task(self._watch())
                self._reading = self._tasks.create_task(self._read(requests))
                await asyncio.wait({self._reading})
                await self._all_answered()
                watching.cancel()
        except ExceptionGroup as failures:
            # The others followed from the first.
            raise failures.exceptions[0] from failures
        if self._reading.cancelled():
            raise Unavailable("the service is going away: ask the documents without an answer again")

    def drain(self) -> None:
        """Takes no more documents."""
        if self._reading:
            self._reading.cancel()
        if self._open:
            self._open[1].give_up(Unavailable("the service is going away"))

    async def _read(self, requests: AsyncIterator[Request]) -> None:
        await self._begin(await self._next(requests))
        while (request := await self._next(requests)) is not None:
            match request.WhichOneof("payload"):
                case "item":
                    await self._add(request.item)
                case "chunk":
                    await self._opened("chunk").put(request.chunk)
                case "trailer":
                    await self._opened("trailer").end(request.trailer)
                    self._open = None
                case "cancel":
                    self._cancel(request.cancel.item_id)
                case payload:
                    raise InvalidRequest(f"`{payload}` comes once and first" if payload else "a message is empty")
        if self._open:
            self._open[1].give_up(InvalidRequest("the stream ended before the document's trailer"))

    async def _next(self, requests: AsyncIterator[Request]) -> Request | None:
        self._silent_since = time.monotonic()
        try:
            message: Request | None = decoded(await anext(requests, None))
        finally:
            self._silent_since = None
        return message

    async def _begin(self, request: Request | None) -> None:
        if request is None or request.WhichOneof("payload") != "start":
            raise InvalidRequest("the first message of a bulk stream must be `start`")
        self._options = self._rules.bulk(request.start)
        self._ordered = request.start.ordered
        most = self._limits.max_bulk_in_flight
        granted = min(request.start.max_in_flight or self._limits.bulk_in_flight, most)
        self._window = asyncio.Semaphore(granted)
        await self._send(Response(grant=classification_pb2.ClassifyBulkGrant(max_in_flight=granted)))

    async def _add(self, item: Item) -> None:
        if self._open:
            raise InvalidRequest("a document begins before the trailer of the one before")
        item_id = self._rules.item_id(item)
        if item_id in self._unanswered:
            raise InvalidRequest("an item_id is used again before its answer")
        await self._window.acquire()
        memory = await self._memory_for(item)
        self._served.facts["documents"] += 1
        feed = Feed(self._limits) if item.WhichOneof("source") == "upload" else None
        self._open = (item_id, feed) if feed else None
        document = _Document(self._tasks.create_task(self._work(item, feed)), asyncio.Event())
        # Not in the work itself: cancelled before its first step it never runs.
        document.work.add_done_callback(lambda _: memory.close())
        self._unanswered[item_id] = document
        self._tasks.create_task(self._answer(item_id, document, self._newest_answered))
        self._newest_answered = document.answered if self._ordered else None

    async def _memory_for(self, item: Item) -> ExitStack:
        """Meanwhile nothing is read: waiting slows the sender."""
        while True:
            memory = ExitStack()
            try:
                memory.enter_context(self._answering.held(item, self._served.call))
            except Overloaded as error:
                await _patience(error)
            else:
                return memory

    def _opened(self, payload: str) -> Feed:
        if self._open is None:
            raise InvalidRequest(f"a {payload} without a document that takes it")
        return self._open[1]

    def _cancel(self, item_id: str) -> None:
        if self._open and self._open[0] == item_id:
            self._open = None
        if item_id in self._unanswered:
            self._unanswered[item_id].work.cancel()

    async def _work(self, item: Item, feed: Feed | None) -> Result:
        """The document's answer, whatever happens to it; cancelled when the caller gives it up."""
        call = self._served.call
        deadline = min(call.deadline, time.monotonic() + self._limits.max_call_s)
        call = Call(call.caller, deadline, call.traceparent)
        try:
            async with asyncio.timeout(call.left_s):
                self._rules.item(item)
                return Result(item_id=item.item_id, classification=await self._classify(item, feed, call))
        except Exception as error:  # noqa: BLE001  one document must not end the stream
            return self._failure(item.item_id, as_error(error))
        finally:
            if feed:
                feed.close()

    async def _classify(self, item: Item, feed: Feed | None, call: Call) -> classification_pb2.Classification:
        if feed:
            return await self._answering.upload(feed.chunks(), item.upload, lambda: feed.trailer, self._options, call)
        while True:
            try:
                if item.WhichOneof("source") == "text":
                    return await self._answering.text(item.text, self._options, call)
                return await self._answering.content(item.content, self._options, call)
            except Overloaded as error:
                # The window bounds what waits here, and waiting slows the sender, which is all a refusal could do.
                await _patience(error)

    async def _answer(self, item_id: str, document: _Document, before: asyncio.Event | None) -> None:
        await asyncio.wait({document.work})
        if document.work.cancelled():
            result = self._failure(item_id, Cancelled("the document was given up"))
        else:
            result = document.work.result()
        if before:
            await before.wait()
        await self._send(Response(result=result))
        del self._unanswered[item_id]
        if not self._unanswered and not self._open and self._silent_since is not None:
            # Until now the client waited for us.
            self._silent_since = time.monotonic()
        document.answered.set()
        self._window.release()

    def _failure(self, item_id: str, error: HeronError) -> Result:
        self._served.facts["failed"] += 1
        return Result(item_id=item_id, error=status_of(error, self._served.request_id))

    async def _send(self, response: Response) -> None:
        async with self._writing:
            self._unread_since = time.monotonic()
            await self._write(response)
            self._unread_since = None

    async def _all_answered(self) -> None:
        for document in [*self._unanswered.values()]:
            await document.answered.wait()

    async def _watch(self) -> None:
        """Raises DeadlineExceeded when the client sent nothing, or took nothing, for too long."""
        limits = self._limits
        while True:
            await asyncio.sleep(min(limits.chunk_idle_s, limits.bulk_idle_s) / _LOOKS)
            now = time.monotonic()
            if self._unread_since is not None and now - self._unread_since > limits.bulk_idle_s:
                raise DeadlineExceeded(f"no answer was taken for {limits.bulk_idle_s:g} s")
            idle_s = limits.chunk_idle_s if self._open else limits.bulk_idle_s
            waits = self._silent_since is not None and (self._open or not self._unanswered)
            if waits and self._silent_since is not None and now - self._silent_since > idle_s:
                raise DeadlineExceeded(f"no message arrived for {idle_s:g} s")


async def _patience(error: Overloaded) -> None:
    """Waits before what was refused is tried again."""
    await asyncio.sleep(min(error.retry_after_s, _LONGEST_PATIENCE_S) * random.uniform(0.5, 1.0))  # noqa: S311  jitter is no secret
