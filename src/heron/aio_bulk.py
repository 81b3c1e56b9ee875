"""The bulk call of the asyncio client: tasks around a ledger."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import grpc

from heron.aio_streams import Ending, in_thread, written
from heron.documents import Document, as_document
from heron.errors import HeronServiceError, local_error
from heron.flight import Item
from heron.ledger import Ledger
from heron.messages import BulkRequest, ItemMessages, bulk_cancel
from heron.results import BulkProgress, BulkResult

# How long the end of a stream that did its work is waited for.
_LINGER_S = 1.0


class AsyncBulk:
    """One bulk call: a task advances the caller's iterable, one runs the streams, one of its own sends on each."""

    def __init__(
        self,
        ledger: Ledger,
        documents: Iterable[Document | Path] | AsyncIterable[Document | Path],
        start: BulkRequest,
        open_stream: Callable[[], Any],
        report: Callable[[BulkProgress], None] | None,
    ) -> None:
        self._ledger = ledger
        self._documents = documents
        self._start = start
        self._open_stream = open_stream
        self._report = report
        self._changed = asyncio.Event()
        self._stream: _Stream | None = None
        self._writers: set[asyncio.Task[None]] = set()

    async def results(self) -> AsyncIterator[BulkResult]:
        """Results as they arrive; leaving the loop ends the call."""
        reported = None
        runner = asyncio.create_task(self._run(), name="heron-bulk")
        feeder = asyncio.create_task(self._feed(), name="heron-bulk-feeder")
        try:
            while True:
                result, progress = await self._next(reported)
                if self._report and progress != reported:
                    self._report(progress)
                    reported = progress
                if result is not None:
                    yield result
                elif self._ledger.is_over:
                    break
        finally:
            await self._close(runner, feeder)
        if failure := self._ledger.failure():
            raise failure

    async def _next(self, reported: BulkProgress | None) -> tuple[BulkResult | None, BulkProgress]:
        """Waits for a result, for the end, or for progress worth a report."""
        while True:
            result = self._ledger.result()
            progress = self._ledger.progress()
            news = self._report is not None and progress != reported
            if result is not None or news or self._ledger.is_over:
                # Room for the next document.
                self._notify()
                return result, progress
            await self._wait()

    async def _close(self, runner: asyncio.Task[None], feeder: asyncio.Task[None]) -> None:
        ended_well = self._ledger.is_done and not self._ledger.is_given_up
        self._ledger.close()
        self._notify()
        feeder.cancel()
        # A stream that did its work is half-closed, and the service ends it.
        if ended_well:
            await asyncio.wait({runner}, timeout=_LINGER_S)
        # Takes the call with it.
        runner.cancel()
        for writer in self._writers:
            writer.cancel()
        # A document that takes long to read holds its task up, and should not hold the caller.
        await asyncio.wait({runner, feeder, *self._writers}, timeout=_LINGER_S)

    async def _feed(self) -> None:
        failure: Exception | None = None
        documents = _advanced(self._documents)
        try:
            while await self._has_room():
                document = await anext(documents, None)
                if document is None:
                    break
                self._ledger.take(document)
                self._notify()
        except Exception as error:  # noqa: BLE001  whatever the caller's iterable raises is raised to the caller
            failure = error
        finally:
            await documents.aclose()
        self._ledger.no_more(failure)
        self._notify()

    async def _has_room(self) -> bool:
        """Waits for room; False when no more documents are wanted."""
        while not self._ledger.has_room():
            if self._ledger.is_given_up:
                return False
            await self._wait()
        return True

    async def _run(self) -> None:
        try:
            while await self._wants_stream():
                await self._run_stream()
        except Exception as error:  # noqa: BLE001  nobody awaits this task: the caller is to have it
            self._ledger.fail(error)
            self._notify()

    async def _wants_stream(self) -> bool:
        """Waits until there is something to send; False when there never will be."""
        while not self._ledger.wants_stream():
            if self._ledger.is_done:
                return False
            await self._wait()
        self._ledger.stream_began()
        return True

    async def _run_stream(self) -> None:
        self._stream = stream = _Stream(self._open_stream())
        writer = asyncio.create_task(self._send(stream), name="heron-bulk-sender")
        self._writers.add(writer)
        writer.add_done_callback(self._left)
        error = await self._received(stream)
        stream.is_over = True
        self._notify()
        # A document that is still being read must not be read by the next stream as well; one that takes longer to
        # read than it may is not asked again.
        while not writer.done() and not (stream.item is not None and stream.item.settled):
            await self._wait()
        self._ledger.stream_ended(error)
        self._notify()

    def _left(self, writer: asyncio.Task[None]) -> None:
        self._writers.discard(writer)
        if not writer.cancelled() and (error := writer.exception()):
            self._ledger.fail(error if isinstance(error, Exception) else RuntimeError(str(error)))
        self._notify()

    async def _received(self, stream: "_Stream") -> HeronServiceError | None:
        """Hands in what the stream answers; gives what it ended with."""
        try:
            async for response in stream.call:
                self._ledger.receive(response)
                self._notify()
        except grpc.aio.AioRpcError as error:
            return await stream.ending.error(error, self._ledger.request_id)
        except asyncio.CancelledError:
            # gRPC raises the same for a call that was cancelled here, as a stalled one is.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return local_error(grpc.StatusCode.CANCELLED, "the stream was given up", self._ledger.request_id)
        return None

    async def _send(self, stream: "_Stream") -> None:
        is_open = await written(stream.call, self._start)
        while is_open:
            item, cancel = await self._claimed(stream)
            if cancel is not None:
                is_open = await written(stream.call, bulk_cancel(cancel))
            elif item is not None:
                is_open = await self._send_item(stream, item)
            else:
                await stream.call.done_writing()
                return

    async def _claimed(self, stream: "_Stream") -> tuple[Item | None, str | None]:
        """Waits for a document to send or to give up; neither when the stream can be half-closed."""
        while not stream.is_over:
            cancel = self._ledger.claim_cancel()
            item = None if cancel is not None else self._ledger.claim()
            if item is not None or cancel is not None or self._ledger.is_done:
                self._notify()
                return item, cancel
            await self._wait()
        return None, None

    async def _send_item(self, stream: "_Stream", item: Item) -> bool:
        """Sends a document; False when the stream has ended."""
        item_id = item.item_id
        messages = ItemMessages(item_id, item.document, item.source)
        stream.item = item
        try:
            while not stream.is_over and self._ledger.is_wanted(item_id):
                message = await self._read(item, messages)
                if message is None:
                    break
                if not await self._written(stream, messages, message):
                    return False
            return await written(stream.call, bulk_cancel(item_id)) if messages.is_open else True
        finally:
            messages.close()
            stream.item = None
            if not messages.has_begun and not stream.is_over:
                self._ledger.unsent(item_id)
            self._notify()

    async def _written(self, stream: "_Stream", messages: ItemMessages, message: BulkRequest) -> bool:
        """Sends a message of a document, and which others to give up; False when the stream has ended."""
        # Counted first: its answer may be there before the write returns.
        self._ledger.sent_bytes += messages.new_bytes()
        self._notify()
        if not await written(stream.call, message):
            return False
        while not stream.is_over and (cancel := self._ledger.claim_cancel()) is not None:
            if not await written(stream.call, bulk_cancel(cancel)):
                return False
        return True

    async def _read(self, item: Item, messages: ItemMessages) -> BulkRequest | None:
        """The document's next message; None after the last, and when it cannot be read."""
        try:
            return await in_thread(messages.next) if messages.reads else messages.next()
        except Exception as error:  # noqa: BLE001  whatever reading a document raises is that document's result
            self._ledger.unreadable(item, error)
            self._notify()
            return None

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self) -> None:
        """Waits until something may have changed."""
        if self._ledger.tick():
            if self._ledger.is_stalled and self._stream and not self._stream.is_over:
                self._stream.call.cancel()
            self._notify()
            return
        changed = self._changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._ledger.wait_s()):
                await changed.wait()


class _Stream:
    """One stream."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.ending = Ending(call)
        self.is_over = False
        # The document being sent.
        self.item: Item | None = None


async def _advanced(
    documents: Iterable[Document | Path] | AsyncIterable[Document | Path],
) -> AsyncGenerator[Document, None]:
    if isinstance(documents, AsyncIterable):
        async for document in documents:
            yield as_document(document)
    else:
        for document in documents:
            yield as_document(document)
