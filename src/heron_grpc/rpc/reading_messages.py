"""A reading's steps as messages of a stream, each bounded."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from heron.v1 import reading_pb2
from heron_grpc.domain.document import DocumentWarning, Page, Part, Table, TextSource, Word
from heron_grpc.domain.steps import Metadata, Piece, Step
from heron_grpc.operations.receive_upload import SpooledDocument
from heron_grpc.operations.stream_reading import End, Progress, ReadingStats
from heron_grpc.rpc.convert import fill_duration, language_message, warning_message
from heron_grpc.settings import KIB

# Code points, of up to 4 bytes each.
_MOST_CHARS = 32 * KIB
# Some 45 bytes each; 5 ms of processor time.
_MOST_WORDS = 1024

Message = reading_pb2.ReadUploadResponse

_SOURCES = {
    TextSource.NONE: reading_pb2.TEXT_SOURCE_NONE,
    TextSource.DIGITAL: reading_pb2.TEXT_SOURCE_DIGITAL,
    TextSource.OCR: reading_pb2.TEXT_SOURCE_OCR,
}


class ReadingMessages:
    """Of one document."""

    def __init__(self, document: SpooledDocument) -> None:
        self._document = document
        self._tables = 0

    def of(self, step: Step | Progress | End) -> Iterator[Message]:
        """The messages that carry a step, some 100 KiB each at most; a single cell may make it 512 KiB."""
        match step:
            case Part():
                yield self._part(step)
            case Page():
                yield from (Message(page=page) for page in _pages(step))
            case Table():
                self._tables += 1
                yield from (Message(table=table) for table in _tables(step, self._tables))
            case Metadata():
                yield Message(metadata=reading_pb2.ReadingMetadata(entries=step.entries))
            case DocumentWarning():
                yield Message(warning=warning_message(step))
            case Piece():
                yield Message(pdf_chunk=step.data)
            case Progress():
                yield Message(progress=_progress(step))
            case End():
                yield Message(end=_end(step))

    def _part(self, part: Part) -> Message:
        if part.number:
            return Message(
                part=reading_pb2.Part(
                    number=part.number,
                    mime_type=part.media_type,
                    filename=part.name,
                    container=part.container,
                    size_bytes=part.size_bytes,
                )
            )
        opening = reading_pb2.ReadingOpening(
            mime_type=part.media_type, sha256=self._document.sha256, size_bytes=self._document.size_bytes
        )
        return Message(opening=opening)


def _pages(page: Page) -> Iterator[reading_pb2.Page]:
    """The page with its words, or the page, the rest of its text, and then its words."""
    message = reading_pb2.Page(
        number=page.number,
        width=page.width,
        height=page.height,
        rotation=page.rotation,
        text_source=_SOURCES[page.source],
        text=page.text[:_MOST_CHARS],
        ocr_confidence=page.ocr_confidence,
        quality=page.quality,
        part=page.part,
    )
    if page.language:
        message.language.language_code = page.language
        message.language.confidence = page.language_confidence
    for start in range(_MOST_CHARS, len(page.text), _MOST_CHARS):
        message.continued = True
        yield message
        message = reading_pb2.Page(number=page.number, text=page.text[start : start + _MOST_CHARS])
    line_ends = [at for at, character in enumerate(page.text) if character == "\n"] if page.words else []
    for start in range(0, len(page.words), _MOST_WORDS):
        if start:
            message.continued = True
            yield message
            message = reading_pb2.Page(number=page.number)
        _add_words(message, page.words[start : start + _MOST_WORDS], line_ends)
    yield message


def _add_words(message: reading_pb2.Page, words: Sequence[Word], line_ends: list[int]) -> None:
    """In place: messages handed over are copied."""
    for word in words:
        added = message.words.add(confidence=word.confidence, line=bisect_left(line_ends, word.start))
        added.span.start, added.span.end = word.start, word.end
        box, found = added.box, word.box
        box.x_min, box.y_min, box.x_max, box.y_max = found.x_min, found.y_min, found.x_max, found.y_max


def _tables(table: Table, number: int) -> Iterator[reading_pb2.Table]:
    """In as many messages as its cells' characters need."""
    message = reading_pb2.Table(number=number, page=table.page)
    chars = 0
    for cells in table.rows:
        row = message.rows.add()
        for cell in cells:
            if chars > _MOST_CHARS:
                message.continued = True
                yield message
                message = reading_pb2.Table(number=number, page=table.page, continues_row=True)
                row, chars = message.rows.add(), 0
            row.cells.append(cell)
            chars += len(cell) + 2
        chars += 2
    yield message


def _progress(progress: Progress) -> reading_pb2.ReadingProgress:
    return reading_pb2.ReadingProgress(
        pages_done=progress.pages, pages_total=progress.expected_pages, ocr_pages=progress.ocr_pages
    )


def _end(end: End) -> reading_pb2.ReadingEnd:
    message = reading_pb2.ReadingEnd(languages=map(language_message, end.languages))
    _fill_stats(message.stats, end.stats)
    return message


def _fill_stats(message: reading_pb2.ReadingStats, stats: ReadingStats) -> None:
    fill_duration(message.total, stats.total_s)
    fill_duration(message.queued, stats.queued_s)
    fill_duration(message.ocr, stats.ocr_s)
    message.pages = stats.pages
    message.ocr_pages = stats.ocr_pages
