"""A file in, a reading out: detect, read, bound, and never an empty answer without a reason."""

import re
from dataclasses import replace

from heron_grpc.domain.document import DocumentWarning, Page, Reading, ReadRequest, Table, Word
from heron_grpc.domain.errors import UnsupportedMediaType
from heron_grpc.reading import media_types as types
from heron_grpc.reading.detect import detect
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.registry import find_reader
from heron_grpc.reading.soundness import LONGEST_CELL, MOST_CELLS, has_sound_size, is_sound_word
from heron_grpc.settings import ReadingSettings

# Neither JSON nor protobuf carries surrogates; NUL ends strings in too many places.
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_MOST_WARNINGS = 100
_MOST_METADATA = 100
_LONGEST_METADATA = 1000


def read_document(request: ReadRequest, settings: ReadingSettings) -> Reading:
    """Blocks; to be called where it can be killed. Raises DocumentError, and what parsers of foreign bytes raise."""
    media_type = detect(request.path, request.filename)
    reader = find_reader(media_type)
    if reader is None:
        raise UnsupportedMediaType(_refusal(media_type), {"media_type": media_type})
    options = ReadOptions(media_type, settings, request.ocr, request.languages, request.page_ranges, request.with_words)
    reading = _with_bounded_tables(_sendable(reader.read(request.path, options)))
    if not request.with_words:
        reading = replace(reading, pages=tuple(_without_words(page) for page in reading.pages))
    return _explained(_bounded(reading, settings.max_text_chars))


def _refusal(media_type: str) -> str:
    if media_type == types.UNKNOWN:
        return "the document is of no known type (application/octet-stream)"
    return f"documents of type {media_type} are not read yet"


def _sendable(reading: Reading) -> Reading:
    """Characters that cannot travel are replaced one for one, so that word positions stay true."""
    metadata = list(reading.metadata.items())[:_MOST_METADATA]
    return replace(
        reading,
        pages=tuple(_sound(replace(page, text=_clean(page.text))) for page in reading.pages),
        tables=tuple(_clean_table(table) for table in reading.tables),
        warnings=_first(reading.warnings),
        metadata={_clean(key)[:100]: _clean(value)[:_LONGEST_METADATA] for key, value in metadata},
    )


def _sound(page: Page) -> Page:
    """Without a size or words that cannot be: a damaged page may be of any size."""
    if not has_sound_size(page):
        page = replace(page, width=0.0, height=0.0)
    if not page.words:
        return page
    return replace(page, words=tuple(word for word in page.words if is_sound_word(word, len(page.text))))


def _without_words(page: Page) -> Page:
    return replace(page, words=()) if page.words else page


def _with_bounded_tables(reading: Reading) -> Reading:
    """The tables up to the first row that is too much."""
    tables: list[Table] = []
    left = MOST_CELLS
    for table in reading.tables:
        for at, row in enumerate(table.rows):
            left -= len(row)
            if left < 0 or any(len(cell) > LONGEST_CELL for cell in row):
                tables.append(replace(table, rows=table.rows[:at]))
                message = f"only the first {at} rows of the table were kept: the limit"
                warning = DocumentWarning("TABLE_INCOMPLETE", message, STAGE, table.page)
                return replace(reading, tables=tuple(tables), warnings=(*reading.warnings, warning))
        tables.append(table)
    return reading


def _first(warnings: tuple[DocumentWarning, ...]) -> tuple[DocumentWarning, ...]:
    """A document of damaged pages has one for each."""
    left_out = len(warnings) - _MOST_WARNINGS
    if left_out <= 0:
        return warnings
    return (*warnings[:_MOST_WARNINGS], DocumentWarning("WARNINGS_LEFT_OUT", f"{left_out} more warnings", STAGE))


def _clean(text: str) -> str:
    # Asking twice is ten times as fast as looking at each character of a page.
    return text if text.isascii() and "\0" not in text else _UNSENDABLE.sub("\ufffd", text)


def _clean_table(table: Table) -> Table:
    return replace(table, rows=tuple(tuple(map(_clean, row)) for row in table.rows))


def _bounded(reading: Reading, max_chars: int) -> Reading:
    """The first `max_chars` code points, page separators included."""
    if len(reading.text) <= max_chars:
        return reading
    pages: list[Page] = []
    left = max_chars
    for page in reading.pages:
        if left <= 0:
            break
        pages.append(page if len(page.text) <= left else _cut(page, left))
        left -= len(page.text) + 1
    warning = DocumentWarning("TEXT_TRUNCATED", f"only the first {max_chars} characters were kept: the limit", STAGE)
    return replace(reading, pages=tuple(pages), warnings=(*reading.warnings, warning))


def _cut(page: Page, chars: int) -> Page:
    words: tuple[Word, ...] = tuple(word for word in page.words if word.end <= chars)
    return replace(page, text=page.text[:chars], words=words)


def _explained(reading: Reading) -> Reading:
    """A reader that found nothing and did not say why is helped out."""
    if reading.warnings or reading.text.strip():
        return reading
    return replace(reading, warnings=(DocumentWarning("NO_TEXT_FOUND", "the document holds no text", STAGE),))
