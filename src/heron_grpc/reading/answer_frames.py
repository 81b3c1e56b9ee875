"""A reading's steps in small frames, and the steps again from frames that anybody may have written.

Decoding holds the interpreter lock from the first byte to the last, in a thread too: 2.7 MB of words in one piece stop
the event loop for 87 ms. A frame takes about 1 ms; who receives lets the loop turn between two of them.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import islice
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from heron_grpc.domain.document import LOOK_LENGTH, DocumentWarning, Page, PageLook, Part, Table, Word
from heron_grpc.domain.errors import CorruptDocument, ProtocolError
from heron_grpc.domain.steps import Effort, Metadata, Outlook, Picture, Piece, Step
from heron_grpc.reading.soundness import LONGEST_CELL, MOST_PAGES, is_sound_page, is_sound_word
from heron_grpc.reading.wire import Failure
from heron_grpc.settings import KIB

# Twice the characters of a piece, each a six-byte escape, and room for the rest.
MOST_FRAME_BYTES = 256 * KIB
_PIECE_CHARS = 16 * KIB
# Base64 makes four bytes of three.
_PIECE_BYTES = 128 * KIB
# Some 100 bytes each.
_FRAME_WORDS = 256
# Metadata of 1,000 characters, warnings.
_FRAME_ENTRIES = 12
_QUOTES = 3

_T = TypeVar("_T")


class Joint(Enum):
    """How a frame's rows go on after those of the frame before."""

    ROW = "row"
    # The first row continues the last one.
    CELL = "cell"
    # So does its first cell.
    PIECE = "piece"


# Steps that are never cut in pieces.
Small = Part | DocumentWarning | Metadata | Effort | Outlook | PageLook | Picture


@dataclass(frozen=True, slots=True)
class Frame:
    """Small steps, then a page or table or a piece of one, or a Piece's bytes."""

    # Bytes are no text in JSON.
    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    small: tuple[Small, ...] = ()
    # Opens a page with the beginning of its text; `text` and `words` go on with it, text first.
    page: Page | None = None
    text: str = ""
    words: tuple[Word, ...] = ()
    # Opens a table on that page; `rows` go on with it.
    table: int | None = None
    rows: tuple[tuple[str, ...], ...] = ()
    joint: Joint = Joint.ROW
    data: bytes = b""
    # The open page or table is complete.
    whole: bool = False
    # The last of an answer is one of these.
    end: bool = False
    failure: Failure | None = None


def encode_steps(steps: Iterable[Step], *, promptly: bool = False) -> Iterator[bytes]:
    """The frames of a reading, without their lengths: as few as will do, or each step's as soon as it is there.

    Raises CorruptDocument for a text that JSON cannot say, such as a lone surrogate, and what `steps` raises.
    """
    small: list[Small] = []
    for step in steps:
        if isinstance(step, Page | Table | Piece):
            for frame in _large_frames(step):
                yield _encoded(replace(frame, small=tuple(small)) if small else frame)
                small.clear()
            continue
        for piece in _pieces(step):
            small.append(piece)
            if promptly or _weight(small) >= _FRAME_ENTRIES:
                yield _encoded(Frame(tuple(small)))
                small.clear()
    yield _encoded(Frame(tuple(small), end=True))


def encode_failure(failure: Failure) -> bytes:
    """The frame that ends an answer, whatever came before it."""
    return _encoded(Frame(failure=failure))


class Assembly:
    """Frames back into steps, each looked at before the next is asked for."""

    def __init__(self) -> None:
        self._page: Page | None = None
        self._texts: list[str] = []
        self._chars = 0
        self._words: list[Word] = []
        self._table: Table | None = None
        self._rows: list[tuple[str, ...]] = []
        self._row: list[str] | None = None
        # The numbers of the last part and the last page.
        self._last_part = -1
        self._last_page = 0
        # Whether the last frame has come, and why there is no reading or no more of it.
        self.is_over = False
        self.failure: Failure | None = None

    def add(self, payload: bytes | bytearray) -> list[Step]:
        """The steps this frame completes; about 1 ms, at most 10. Raises ProtocolError for what is no frame."""
        try:
            frame = _adapter().validate_json(payload)
        except ValidationError as error:
            raise _refused() from error
        if frame.failure:
            self.failure, self.is_over = frame.failure, True
            return []
        steps: list[Step] = [*frame.small]
        for step in frame.small:
            self._check(step)
        self._add_text(frame)
        self._add_rows(frame)
        if frame.whole:
            steps.append(self._close())
        if frame.data:
            steps.append(Piece(frame.data))
        if frame.end:
            _require(not self._page and not self._table and self._last_part >= 0)
            self.is_over = True
        return steps

    def _check(self, step: Small) -> None:
        if isinstance(step, Part):
            _require(step.number == self._last_part + 1 and 0 <= step.container <= max(self._last_part, 0))
            self._last_part += 1
        elif isinstance(step, Effort):
            _require(0 <= step.ocr_s < float("inf"))
        elif isinstance(step, Outlook):
            _require(0 <= step.pages <= MOST_PAGES)
        elif isinstance(step, PageLook):
            _require(len(step.values) == LOOK_LENGTH and all(map(math.isfinite, step.values)))
        elif isinstance(step, Picture):
            _require(min(step.width, step.height) > 0 and 1 <= step.page_count <= MOST_PAGES)

    def _add_text(self, frame: Frame) -> None:
        if page := frame.page:
            _require(not self._page and not self._table and not page.words)
            _require(is_sound_page(page) and page.number > self._last_page and page.part <= self._last_part)
            self._page, self._last_page = page, page.number
            self._texts, self._words = [page.text], []
            self._chars = len(page.text)
        if frame.text or frame.words:
            _require(bool(self._page))
            self._texts.append(frame.text)
            self._chars += len(frame.text)
            _require(all(is_sound_word(word, self._chars) for word in frame.words))
            self._words += frame.words

    def _add_rows(self, frame: Frame) -> None:
        if frame.table is not None:
            _require(not self._page and not self._table and frame.table >= 1)
            self._table, self._rows = Table(frame.table, ()), []
        if frame.rows:
            _require(bool(self._table))
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

    def _close(self) -> Step:
        """The page or table that was open."""
        if page := self._page:
            self._page = None
            return replace(page, text="".join(self._texts), words=tuple(self._words))
        if self._table is None:
            raise _refused()
        self._close_row()
        table, self._table = self._table, None
        return replace(table, rows=tuple(self._rows))


def _pieces(step: Small) -> Iterator[Small]:
    if isinstance(step, Metadata):
        yield from (Metadata(dict(entries)) for entries in _batches(step.entries.items(), _FRAME_ENTRIES))
    else:
        yield step


def _weight(small: Iterable[Small]) -> int:
    return sum(len(step.entries) if isinstance(step, Metadata) else 1 for step in small)


def _large_frames(step: Page | Table | Piece) -> Iterator[Frame]:
    match step:
        case Page():
            yield from _page_frames(step)
        case Table():
            yield from _table_frames(step)
        case Piece():
            for start in range(0, len(step.data), _PIECE_BYTES):
                yield Frame(data=step.data[start : start + _PIECE_BYTES])


def _page_frames(page: Page) -> Iterator[Frame]:
    first = Frame(page=replace(page, text=page.text[:_PIECE_CHARS], words=()))
    if len(page.text) <= _PIECE_CHARS and len(page.words) <= _FRAME_WORDS:
        yield replace(first, words=page.words, whole=True)
        return
    yield first
    for start in range(_PIECE_CHARS, len(page.text), _PIECE_CHARS):
        yield Frame(text=page.text[start : start + _PIECE_CHARS])
    for words in _batches(page.words, _FRAME_WORDS):
        yield Frame(words=words)
    yield Frame(whole=True)


def _table_frames(table: Table) -> Iterator[Frame]:
    first = Frame(table=table.page)
    rows: list[list[str]] = []
    size, joint = 0, Joint.ROW
    for row in table.rows:
        if size >= _PIECE_CHARS:
            yield _row_frame(first, rows, joint)
            first, rows, size, joint = Frame(), [], 0, Joint.ROW
        rows.append([])
        size += _QUOTES
        for cell in row:
            for start in range(0, max(len(cell), 1), _PIECE_CHARS):
                if size >= _PIECE_CHARS:
                    yield _row_frame(first, rows, joint)
                    first, rows, size, joint = Frame(), [[]], 0, Joint.PIECE if start else Joint.CELL
                rows[-1].append(cell[start : start + _PIECE_CHARS])
                size += len(rows[-1][-1]) + _QUOTES
    yield replace(_row_frame(first, rows, joint), whole=True)


def _row_frame(frame: Frame, rows: list[list[str]], joint: Joint) -> Frame:
    return replace(frame, rows=tuple(map(tuple, rows)), joint=joint)


def _batches(items: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


def _encoded(frame: Frame) -> bytes:
    try:
        return _adapter().dump_json(frame, exclude_defaults=True)
    except PydanticSerializationError as error:
        raise CorruptDocument("the document's text cannot be sent") from error


def _require(condition: bool) -> None:
    if not condition:
        raise _refused()


def _refused() -> ProtocolError:
    return ProtocolError("the reader answered what it must not")


@cache
def _adapter() -> TypeAdapter[Frame]:
    return TypeAdapter(Frame)
