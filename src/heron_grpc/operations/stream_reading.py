"""What a document says, step by step as it is read; and what one of its pages looks like."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import Page, Part, PictureRequest, ReadRequest, TextSource
from heron_grpc.domain.errors import ProtocolError
from heron_grpc.domain.languages import LanguageShare, LanguageTally
from heron_grpc.domain.steps import Effort, Outlook, Picture, Piece, Step
from heron_grpc.operations.counting import counted
from heron_grpc.operations.origin import Origin, doubts
from heron_grpc.operations.process_document import Pipeline
from heron_grpc.operations.receive_upload import SpooledDocument

# Pages between two reports, where none was recognised: those take long.
_PAGES_A_REPORT = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """Pages given so far, those to come as far as is known (0 when it is not), and how many were recognised."""

    pages: int = 0
    expected_pages: int = 0
    ocr_pages: int = 0


@dataclass(frozen=True, slots=True)
class ReadingStats:
    """Seconds in all, of that waiting for a child and recognising text; pages."""

    total_s: float = 0.0
    queued_s: float = 0.0
    ocr_s: float = 0.0
    pages: int = 0
    ocr_pages: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """The reading is whole."""

    languages: tuple[LanguageShare, ...]
    stats: ReadingStats


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page's picture."""

    size: Picture
    data: bytes


async def stream_reading(
    pipeline: Pipeline, document: SpooledDocument, origin: Origin, request: ReadRequest, call: Call
) -> AsyncGenerator[Step | Progress | End]:
    """The steps of a spooled file's reading, within the call's deadline; End is the last. To be closed.

    `request` says how to read; the file and its origin are filled in. Raises DocumentError, Overloaded, Unavailable,
    DeadlineExceeded, and Cancelled when the steps are not taken.
    """
    request = replace(
        request,
        path=document.path,
        filename=origin.filename,
        password=origin.password,
        sha256=document.sha256,
    )
    account = _Account()
    with counted(pipeline.metrics, document.size_bytes):
        async with aclosing(pipeline.pool.stream(request, call)) as steps:
            async for step in steps:
                account.add(step)
                if not isinstance(step, Outlook | Effort):
                    yield step
                if isinstance(step, Part) and not step.number:
                    for warning in doubts(origin, step.media_type):
                        yield warning
                if progress := account.report(step):
                    yield progress
    end = account.end()
    pipeline.metrics.observe_reading(end.stats.total_s, end.stats.queued_s, end.stats.pages, end.stats.ocr_pages)
    yield end


async def draw_page(
    pipeline: Pipeline, document: SpooledDocument, origin: Origin, picture: PictureRequest, call: Call
) -> Drawing:
    """A page of a spooled file, drawn in a child within the call's deadline.

    Raises as `stream_reading` does, NotFound for a page the document does not have, and UnsupportedMediaType for a
    format without pages to look at.
    """
    request = ReadRequest(
        document.path, origin.filename, password=origin.password, picture=picture, sha256=document.sha256
    )
    size, pieces = None, []
    with counted(pipeline.metrics, document.size_bytes):
        async with aclosing(pipeline.pool.stream(request, call)) as steps:
            async for step in steps:
                if isinstance(step, Picture):
                    size = step
                elif isinstance(step, Piece):
                    pieces.append(step.data)
    if size is None:
        raise ProtocolError("the reader answered what it must not")
    return Drawing(size, b"".join(pieces))


class _Account:
    """What a reading has come to so far."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._queued_s: float | None = None
        self._ocr_s = 0.0
        self._tally = LanguageTally()
        self._progress = Progress()

    def add(self, step: Step) -> None:
        if self._queued_s is None:
            self._queued_s = time.monotonic() - self._started
        match step:
            case Page():
                self._tally.add(step)
                ocr_pages = self._progress.ocr_pages + (step.source is TextSource.OCR)
                self._progress = replace(self._progress, pages=self._progress.pages + 1, ocr_pages=ocr_pages)
            case Outlook():
                self._progress = replace(self._progress, expected_pages=step.pages)
            case Effort():
                self._ocr_s += step.ocr_s

    def report(self, step: Step) -> Progress | None:
        """Where the reading is, if the step is worth telling it."""
        is_telling = isinstance(step, Outlook) or (
            isinstance(step, Page) and (step.source is TextSource.OCR or self._progress.pages % _PAGES_A_REPORT == 0)
        )
        return self._progress if is_telling else None

    def end(self) -> End:
        total_s = time.monotonic() - self._started
        pages, ocr_pages = self._progress.pages, self._progress.ocr_pages
        stats = ReadingStats(total_s, self._queued_s or 0.0, self._ocr_s, pages, ocr_pages)
        return End(self._tally.shares(), stats)
