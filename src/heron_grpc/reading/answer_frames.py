"""A child's answer in small frames, and the answer again from frames that anybody may have written.

Decoding holds the interpreter lock from the first byte to the last, in a thread too: 2.7 MB of words in one piece stop
the event loop for 87 ms. A frame takes about 1 ms; who receives lets the loop turn between two of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from itertools import islice
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from heron_grpc.domain.document import DocumentWarning, Page, Part, Reading, Table, Word
from heron_grpc.domain.errors import CorruptDocument, ProtocolError
from heron_grpc.reading.soundness import LONGEST_CELL, is_sound_page, is_sound_word
from heron_grpc.reading.wire import Answer, Failure
from heron_grpc.settings import KIB

# Twice the characters of a piece, each a six-byte escape, and room for the rest.
MOST_FRAME_BYTES = 256 * KIB
_PIECE_CHARS = 16 * KIB
# Some 100 bytes each.
_FRAME_WORDS = 256
# Metadata of 1,000 characters, warnings.
_FRAME_ENTRIES = 20
_QUOTES = 3

_T = TypeVar("_T")


class Joint(Enum):
    """How a frame's rows go on after those of the frame before."""

    ROW = "row"
    # The first row continues the last one.
    CELL = "cell"
    # So does its first cell.
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class Frame:
    """A step of an answer; `reading` (all but its parts) or `failure` is the last."""

    # Opens a page with the beginning of its text; `text` and `words` go on with it, text first.
    page: Page | None = None
    text: str = ""
    words: tuple[Word, ...] = ()
    parts: tuple[Part, ...] = ()
    # Opens a table on that page; `rows` go on with it.
    table: int | None = None
    rows: tuple[tuple[str, ...], ...] = ()
    joint: Joint = Joint.ROW
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: tuple[DocumentWarning, ...] = ()
    reading: Reading | None = None
    failure: Failure | None = None


def encode_answer(answer: Answer) -> Iterator[bytes]:
    """The answer's frames, without their lengths.

    Raises CorruptDocument for a text that JSON cannot say, such as a lone surrogate.
    """
    try:
        for frame in _frames(answer):
            yield _adapter().dump_json(frame, exclude_defaults=True)
    except PydanticSerializationError as error:
        raise CorruptDocument("the document's text cannot be sent") from error


class Assembly:
    """Frames back into an answer, each looked at before the next is asked for."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._texts: list[str] = []
        self._chars = 0
        self._words: list[Word] = []
        self._tables: list[Table] = []
        self._parts: list[Part] = []
        self._rows: list[tuple[str, ...]] = []
        self._row: list[str] | None = None
        self._metadata: dict[str, str] = {}
        self._warnings: list[DocumentWarning] = []

    def add(self, payload: bytes | bytearray) -> Answer | None:
        """The answer, when this was its last frame; about 1 ms, at most 10. Raises ProtocolError for what is none."""
        try:
            frame = _adapter().validate_json(payload)
        except ValidationError as error:
            raise _refused() from error
        if frame.failure:
            return Answer(failure=frame.failure)
        self._add_text(frame)
        self._add_rows(frame)
        self._parts += frame.parts
        self._metadata |= frame.metadata
        self._warnings += frame.warnings
        return Answer(reading=self._finish(frame.reading)) if frame.reading else None

    def _add_text(self, frame: Frame) -> None:
        if frame.page:
            before = self._pages[-1].number if self._pages else 0
            _require(is_sound_page(frame.page) and frame.page.number > before and not frame.page.words)
            self._close_page()
            self._pages.append(frame.page)
            self._texts, self._words = [frame.page.text], []
            self._chars = len(frame.page.text)
        if frame.text or frame.words:
            _require(bool(self._pages))
            self._texts.append(frame.text)
            self._chars += len(frame.text)
            _require(all(is_sound_word(word, self._chars) for word in frame.words))
            self._words += frame.words

    def _add_rows(self, frame: Frame) -> None:
        if frame.table is not None:
            _require(frame.table >= 1)
            self._close_table()
            self._tables.append(Table(frame.table, ()))
        if frame.rows:
            _require(bool(self._tables))
            first, *others = frame.rows
            if frame.joint is Joint.ROW:
                self._open_row(first)
            else:
                self._continue_row(first, frame.joint)
            for row in others:
                self._open_row(row)

    def _open_row(self, cells: Iterable[str]) -> None:
        self._close_row()
        self._row = []
        self._continue_row(cells, Joint.CELL)

    def _continue_row(self, cells: Iterable[str], joint: Joint) -> None:
        if self._row is None:
            raise _refused()
        if joint is Joint.PIECE:
            _require(bool(self._row))
            cells = [self._row.pop() + piece if at == 0 else piece for at, piece in enumerate(cells)]
        _require(all(len(cell) <= LONGEST_CELL for cell in cells))
        self._row += cells

    def _close_row(self) -> None:
        if self._row is not None:
            self._rows.append(tuple(self._row))
            self._row = None

    def _close_table(self) -> None:
        self._close_row()
        if self._tables:
            self._tables[-1] = replace(self._tables[-1], rows=tuple(self._rows))
        self._rows = []

    def _close_page(self) -> None:
        if self._pages:
            self._pages[-1] = replace(self._pages[-1], text="".join(self._texts), words=tuple(self._words))

    def _finish(self, reading: Reading) -> Reading:
        _require(not (reading.pages or reading.tables or reading.parts or reading.metadata or reading.warnings))
        _require(0 <= reading.ocr_s < float("inf"))
        self._close_page()
        self._close_table()
        return replace(
            reading,
            pages=tuple(self._pages),
            tables=tuple(self._tables),
            parts=tuple(self._parts),
            metadata=self._metadata,
            warnings=tuple(self._warnings),
        )


def _frames(answer: Answer) -> Iterator[Frame]:
    if not answer.reading:
        yield Frame(failure=answer.failure)
        return
    reading = answer.reading
    for parts in _batches(reading.parts, _FRAME_ENTRIES):
        yield Frame(parts=parts)
    for page in reading.pages:
        yield from _page_frames(page)
    for table in reading.tables:
        yield from _table_frames(table)
    end = Reading(reading.media_type, (), ocr_s=reading.ocr_s)
    if len(reading.metadata) + len(reading.warnings) <= _FRAME_ENTRIES:
        yield Frame(metadata=dict(reading.metadata), warnings=reading.warnings, reading=end)
        return
    for entries in _batches(reading.metadata.items(), _FRAME_ENTRIES):
        yield Frame(metadata=dict(entries))
    for warnings in _batches(reading.warnings, _FRAME_ENTRIES):
        yield Frame(warnings=warnings)
    yield Frame(reading=end)


def _page_frames(page: Page) -> Iterator[Frame]:
    yield Frame(page=replace(page, text=page.text[:_PIECE_CHARS], words=()))
    for start in range(_PIECE_CHARS, len(page.text), _PIECE_CHARS):
        yield Frame(text=page.text[start : start + _PIECE_CHARS])
    for words in _batches(page.words, _FRAME_WORDS):
        yield Frame(words=words)


def _table_frames(table: Table) -> Iterator[Frame]:
    yield Frame(table=table.page)
    rows: list[list[str]] = []
    size, joint = 0, Joint.ROW
    for row in table.rows:
        if size >= _PIECE_CHARS:
            yield _row_frame(rows, joint)
            rows, size, joint = [], 0, Joint.ROW
        rows.append([])
        size += _QUOTES
        for cell in row:
            for start in range(0, max(len(cell), 1), _PIECE_CHARS):
                if size >= _PIECE_CHARS:
                    yield _row_frame(rows, joint)
                    rows, size, joint = [[]], 0, Joint.PIECE if start else Joint.CELL
                rows[-1].append(cell[start : start + _PIECE_CHARS])
                size += len(rows[-1][-1]) + _QUOTES
    if rows:
        yield _row_frame(rows, joint)


def _row_frame(rows: list[list[str]], joint: Joint) -> Frame:
    return Frame(rows=tuple(map(tuple, rows)), joint=joint)


def _batches(items: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


def _require(condition: bool) -> None:
    if not condition:
        raise _refused()


def _refused() -> ProtocolError:
    return ProtocolError("the reader answered what it must not")


@cache
def _adapter() -> TypeAdapter[Frame]:
    return TypeAdapter(Frame)
