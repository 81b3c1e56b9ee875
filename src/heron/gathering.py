"""A document that is being read: what has arrived of it, who is told, and whether it may be asked again."""

from collections.abc import Callable
from typing import BinaryIO

import grpc

from heron.calls import LogicalCall
from heron.documents import Document, Source
from heron.errors import HeronServiceError, local_error
from heron.reading_assembly import Message, Page, Reading, ReadingAssembly
from heron.results import ReadProgress
from heron.retry import RetryPolicy

Progress = Callable[[ReadProgress], None]


class Gathering:
    """All attempts at one document."""

    def __init__(
        self,
        document: Document,
        asked: LogicalCall,
        retry: RetryPolicy,
        progress: Progress | None = None,
        pdf: BinaryIO | None = None,
    ) -> None:
        """`pdf` takes the searchable PDF."""
        self.document = document
        self.source = Source(document.source)
        self.asked = asked
        self.wants_pdf = pdf is not None
        self._pdf = pdf
        self._retry = retry
        self._progress = progress
        self._attempts = 0
        self._assembly = ReadingAssembly()
        # Something is in the caller's hands that another attempt would give again.
        self._is_given = False
        self._sent_bytes = 0
        self._total_bytes: int | None = None

    @property
    def reading(self) -> Reading:
        """What has arrived beside the pages."""
        return self._assembly.reading

    def begin(self, total_bytes: int) -> None:
        """An attempt begins; `total_bytes` is 0 when it is not known."""
        self._attempts += 1
        self._assembly = ReadingAssembly()
        self._total_bytes = total_bytes or None

    def sent(self, sent_bytes: int) -> None:
        """So much of the document was handed to gRPC."""
        self._sent_bytes = sent_bytes
        self._report()

    def add(self, message: Message) -> Page | None:
        """The page that the message completes, if it does."""
        page = self._assembly.add(message)
        if message.pdf_chunk and self._pdf:
            self._is_given = True
            self._pdf.write(message.pdf_chunk)
        if page or message.HasField("progress"):
            self._report()
        return page

    def give(self, page: Page) -> Page:
        """The page, from now on the caller's."""
        self._is_given = True
        return page

    def end(self) -> None:
        """The stream has ended. Raises HeronServiceError when the reading is not whole."""
        if not self._assembly.is_whole:
            raise local_error(grpc.StatusCode.UNAVAILABLE, "the answer was lost", self.asked.request_id)

    def wait_s(self, error: HeronServiceError) -> float:
        """How long to wait before another attempt. Raises `error` when there is to be none."""
        may_repeat = self.source.can_be_read and not self._is_given
        wait_s = self._retry.repeat_after_s(self._attempts, error) if may_repeat else None
        if wait_s is None or not self.asked.has_time_for(wait_s):
            raise error
        return wait_s

    def _report(self) -> None:
        if self._progress:
            progress = self._assembly.progress
            self._progress(
                ReadProgress(
                    self._sent_bytes, self._total_bytes, progress.pages_done, progress.pages_total, progress.ocr_pages
                )
            )
