"""The bulk call of the blocking client: threads around a ledger."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc

from heron.documents import Document, as_document
from heron.errors import service_error
from heron.flight import Item
from heron.ledger import Ledger
from heron.messages import BulkRequest, ItemMessages, bulk_cancel
from heron.results import BulkProgress, BulkResult

# How long the end of a stream that did its work is waited for.
_LINGER_S = 1.0


class BlockingBulk:
    """One bulk call: a thread advances the caller's iterable, one runs the streams, one of gRPC's sends."""

    def __init__(
        self,
        ledger: Ledger,
        documents: Iterable[Document | Path],
        start: BulkRequest,
        open_stream: Callable[[Iterator[BulkRequest]], Any],
        report: Callable[[BulkProgress], None] | None,
    ) -> None:
        self._ledger = ledger
        self._documents = documents
        self._start = start
        self._open_stream = open_stream
        self._report = report
        self._changed = threading.Condition()
        self._stream: _Stream | None = None
        # Whether the caller's iterable is making a document, which nothing can end.
        self._is_pulling = False
        self._runner = threading.Thread(target=self._run, name="heron-bulk", daemon=True)
        self._feeder = threading.Thread(target=self._feed, name="heron-bulk-feeder", daemon=True)

    def results(self) -> Iterator[BulkResult]:
        """Results as they arrive; leaving the loop ends the call."""
        reported = None
        self._runner.start()
        self._feeder.start()
        try:
            while True:
                result, progress = self._next(reported)
                if self._report and progress != reported:
                    self._report(progress)
                    reported = progress
                if result is not None:
                    yield result
                elif self._ledger.is_over:
                    break
        finally:
            self._close()
        if failure := self._ledger.failure():
            raise failure

    def _next(self, reported: BulkProgress | None) -> tuple[BulkResult | None, BulkProgress]:
        """Waits for a result, for the end, or for progress worth a report."""
        with self._changed:
            while True:
                result = self._ledger.result()
                progress = self._ledger.progress()
                news = self._report is not None and progress != reported
                if result is not None or news or self._ledger.is_over:
                    # Room for the next document.
                    self._changed.notify_all()
                    return result, progress
                self._wait()

    def _close(self) -> None:
        with self._changed:
            ended_well = self._ledger.is_done and not self._ledger.is_given_up
            self._ledger.close()
            self._changed.notify_all()
        # A stream that did its work is half-closed, and the service ends it.
        if ended_well:
            self._runner.join(_LINGER_S)
        if self._stream:
            self._stream.call.cancel()
        self._runner.join()
        if not self._is_pulling:
            self._feeder.join()

    def _feed(self) -> None:
        failure: Exception | None = None
        try:
            documents = map(as_document, self._documents)
            while self._has_room():
                document = next(documents, None)
                if document is None:
                    break
                with self._changed:
                    self._is_pulling = False
                    self._ledger.take(document)
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001  whatever the caller's iterable raises is raised to the caller
            failure = error
        with self._changed:
            self._ledger.no_more(failure)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        """Waits for room; False when no more documents are wanted."""
        with self._changed:
            while not self._ledger.has_room():
                if self._ledger.is_given_up:
                    return False
                self._wait()
            self._is_pulling = True
            return True

    def _run(self) -> None:
        try:
            while self._wants_stream():
                self._run_stream()
        except Exception as error:  # noqa: BLE001  a thread has nobody to raise to: the caller is to have it
            with self._changed:
                self._ledger.fail(error)
                self._changed.notify_all()

    def _wants_stream(self) -> bool:
        """Waits until there is something to send; False when there never will be."""
        with self._changed:
            while not self._ledger.wants_stream():
                if self._ledger.is_done:
                    return False
                self._wait()
            self._ledger.stream_began()
            return True

    def _run_stream(self) -> None:
        stream = _Stream(self._changed, self._messages)
        stream.call = self._open_stream(stream)
        with self._changed:
            self._stream = stream
            given_up = self._ledger.is_given_up
        if given_up:
            stream.call.cancel()
        error = None
        try:
            for response in stream.call:
                with self._changed:
                    self._ledger.receive(response)
                    self._changed.notify_all()
        except grpc.RpcError as broken:
            error = service_error(broken, self._ledger.request_id)
        stream.end(lambda: self._ledger.is_given_up)
        with self._changed:
            self._ledger.stream_ended(error)
            self._changed.notify_all()

    def _messages(self, stream: "_Stream") -> Generator[BulkRequest, None, None]:
        """What a stream sends, asked for by a thread of gRPC's."""
        yield self._start
        while True:
            item, cancel = self._claimed(stream)
            if cancel is not None:
                yield bulk_cancel(cancel)
            elif item is not None:
                yield from self._item_messages(stream, item)
            else:
                return

    def _claimed(self, stream: "_Stream") -> tuple[Item | None, str | None]:
        """Waits for a document to send or to give up; neither when the stream can be half-closed."""
        with self._changed:
            while not stream.is_over:
                cancel = self._ledger.claim_cancel()
                item = None if cancel is not None else self._ledger.claim()
                if item is not None or cancel is not None or self._ledger.is_done:
                    self._changed.notify_all()
                    return item, cancel
                self._wait()
            return None, None

    def _item_messages(self, stream: "_Stream", item: Item) -> Iterator[BulkRequest]:
        item_id = item.item_id
        messages = ItemMessages(item_id, item.document, item.source)
        stream.item = item
        try:
            while self._is_wanted(stream, item_id) and (message := self._read(item, messages)) is not None:
                # Counted first: its answer may be there before gRPC asks for the next message.
                with self._changed:
                    self._ledger.sent_bytes += messages.new_bytes()
                    self._changed.notify_all()
                yield message
                yield from self._cancels(stream)
            if messages.is_open:
                yield bulk_cancel(item_id)
        finally:
            messages.close()
            with self._changed:
                stream.item = None
                if not messages.has_begun and not stream.is_over:
                    self._ledger.unsent(item_id)
                self._changed.notify_all()

    def _is_wanted(self, stream: "_Stream", item_id: str) -> bool:
        with self._changed:
            return not stream.is_over and self._ledger.is_wanted(item_id)

    def _read(self, item: Item, messages: ItemMessages) -> BulkRequest | None:
        """The document's next message; None after the last, and when it cannot be read."""
        try:
            return messages.next()
        except Exception as error:  # noqa: BLE001  whatever reading a document raises is that document's result
            with self._changed:
                self._ledger.unreadable(item, error)
                self._changed.notify_all()
            return None

    def _cancels(self, stream: "_Stream") -> Iterator[BulkRequest]:
        """Documents to give up, told between the chunks of another one."""
        while True:
            with self._changed:
                cancel = None if stream.is_over else self._ledger.claim_cancel()
            if cancel is None:
                return
            yield bulk_cancel(cancel)

    def _wait(self) -> None:
        """Waits until something may have changed."""
        if not self._ledger.tick():
            self._changed.wait(self._ledger.wait_s())
            return
        if self._ledger.is_stalled and self._stream and not self._stream.is_over:
            self._stream.call.cancel()
        self._changed.notify_all()


class _Stream:
    """One stream, and its messages as gRPC's thread asks for them."""

    def __init__(
        self, changed: threading.Condition, messages: Callable[["_Stream"], Generator[BulkRequest, None, None]]
    ) -> None:
        self._changed = changed
        self._messages = messages(self)
        self._is_busy = False
        self.call: Any = None
        self.is_over = False
        # The document being sent.
        self.item: Item | None = None

    def __iter__(self) -> Iterator[BulkRequest]:
        return self

    def __next__(self) -> BulkRequest:
        with self._changed:
            if self.is_over:
                raise StopIteration
            self._is_busy = True
        try:
            return next(self._messages)
        finally:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def end(self, hurried: Callable[[], bool]) -> None:
        """Waits until the document being sent is left alone: the next stream may have to read it.

        One that takes longer to read than it may is not asked again and not waited for; nor is any when `hurried`.
        """
        with self._changed:
            self.is_over = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: not self._is_busy or hurried() or (self.item is not None and self.item.settled)
            )
            is_left = not self._is_busy
        if is_left:
            self._messages.close()
