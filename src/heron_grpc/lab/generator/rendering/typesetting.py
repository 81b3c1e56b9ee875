"""Sets the lines of a document on pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from heron_grpc.domain.document import Box
from heron_grpc.lab.generator.rendering.lines import Cells, Piece, blocks_of, is_table
from heron_grpc.lab.generator.rendering.typefaces import BOLD, REGULAR, drawable, width

# Points: 1/72 inch.
A4, LETTER = (595.0, 842.0), (612.0, 792.0)
# ISO/IEC 7810 ID-1 at twice its size, and the paper roll of a till.
CARD, SLIP = (486.0, 306.0), (227.0, 900.0)
_SMALLEST = 5.0
_LEADING = 1.35
_GAP = 8.0
# A short line at the top is a title.
_TITLE_CHARS, _TITLE_LINES = 60, 4
_AMOUNT_SIGNS = frozenset("0123456789.,-+()' €$£%")


@dataclass(frozen=True, slots=True)
class Style:
    """How a document looks; lengths in points."""

    page: tuple[float, float]
    margin: float
    size: float
    # How much larger titles are.
    title: float
    ruled: bool
    # Amounts at the right edge of their column.
    amounts_right: bool

    @classmethod
    def draw(cls, page: tuple[float, float], random: Random) -> "Style":
        """One of many looks."""
        is_small = page in (CARD, SLIP)
        return cls(
            page=page,
            margin=12.0 if is_small else random.uniform(36, 76),
            size=random.uniform(8.5, 11.0),
            title=random.uniform(1.0, 1.25 if is_small else 1.9),
            ruled=not is_small and random.random() < 0.4,
            amounts_right=random.random() < 0.6,
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line; x and y of its top left corner, in points from that of the page."""

    page: int
    x: float
    y: float
    piece: Piece
    face: str
    size: float


@dataclass(slots=True)
class SetPages:
    """A document on pages, which count from 0."""

    style: Style
    # Width and height of each, in points.
    size: tuple[float, float]
    runs: list[Run] = field(default_factory=list)
    # Page, x and y of both ends.
    rules: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    pages: int = 1

    def boxes(self, start: int, end: int) -> Iterator[tuple[int, Box]]:
        """Where a part of the clean text stands: a page and box for each line of it."""
        page_width, page_height = self.size
        for run in self.runs:
            first, last = max(start - run.piece.start, 0), min(end - run.piece.start, len(run.piece.text))
            if first < last:
                text = drawable(run.piece.text)
                left = run.x + width(text[:first], run.face, run.size)
                right = run.x + width(text[:last], run.face, run.size)
                top, bottom = run.y / page_height, (run.y + run.size * 1.2) / page_height
                yield run.page, Box(left / page_width, top, min(right / page_width, 1.0), min(bottom, 1.0))


def set_pages(lines: Sequence[Cells], style: Style) -> SetPages:
    """Every line on a page, long ones wrapped; columns aligned in tables."""
    setter = _Setter(SetPages(style, style.page))
    opening = next((at for at, cells in enumerate(lines) if len(cells) != 1), len(lines))
    for cells in lines[: min(opening, _TITLE_LINES)]:
        setter.title(cells)
    for block in blocks_of(tuple(lines[min(opening, _TITLE_LINES) :])):
        if is_table(block):
            setter.table(block)
        else:
            for cells in block:
                setter.line(cells)
    return setter.finished()


class _Setter:
    def __init__(self, pages: SetPages) -> None:
        self.pages = pages
        self._style = pages.style
        self._width = self._style.page[0] - 2 * self._style.margin
        self._y = self._style.margin

    def title(self, cells: Cells) -> None:
        """A line of the head; a short one is large."""
        is_short = len(cells[0].text) <= _TITLE_CHARS
        size = self._style.size * (self._style.title if is_short else 1.0)
        self._wrapped(cells[0], BOLD if is_short else REGULAR, size)

    def line(self, cells: Cells) -> None:
        """A paragraph, an empty line, or cells next to each other."""
        if not cells:
            self._y += self._style.size * 0.7
        elif len(cells) == 1:
            self._wrapped(cells[0], REGULAR, self._style.size)
        else:
            self.table((cells,))

    def table(self, rows: Sequence[Cells]) -> None:
        """Rows of as many cells, small enough to fit the page; wrapped where none are that small."""
        size = self._style.size
        columns = self._columns(rows, size)
        natural = sum(columns) + _GAP * (len(columns) - 1)
        if natural > self._width:
            size *= self._width / natural
        if size < _SMALLEST:
            for piece in (cell for row in rows for cell in row):
                self._wrapped(piece, REGULAR, self._style.size)
            return
        columns = self._columns(rows, size)
        spare = max(self._width - sum(columns) - _GAP * (len(columns) - 1), 0.0)
        spread = spare / max(len(columns) - 1, 1) if len(rows) > 1 else min(spare, 24.0)
        lefts = [self._style.margin + sum(columns[:at]) + at * (_GAP + spread) for at in range(len(columns))]
        for number, row in enumerate(rows):
            self._row(row, lefts, columns, size, ruled=self._style.ruled and len(rows) > 1 and number < 2)
        self._y += size * 0.4

    def finished(self) -> SetPages:
        """The pages; a slip is cut off where its text ends."""
        if self._style.page == SLIP and self.pages.pages == 1:
            self.pages.size = (SLIP[0], self._y + self._style.margin)
        return self.pages

    def _columns(self, rows: Sequence[Cells], size: float) -> list[float]:
        return [max(width(drawable(row[at].text), REGULAR, size) for row in rows) for at in range(len(rows[0]))]

    def _row(self, row: Cells, lefts: list[float], columns: list[float], size: float, *, ruled: bool) -> None:
        self._need(size)
        for cell, left, column in zip(row, lefts, columns, strict=True):
            is_right = self._style.amounts_right and set(cell.text) <= _AMOUNT_SIGNS
            room = column - width(drawable(cell.text), REGULAR, size) if is_right else 0.0
            self._put(left + room, cell, REGULAR, size)
        if ruled:
            top = self._y - size * 0.15
            self.pages.rules.append(
                (self.pages.pages - 1, self._style.margin, top, self._style.margin + self._width, top)
            )
        self._y += size * _LEADING

    def _wrapped(self, piece: Piece, face: str, size: float) -> None:
        for part in _parts(piece, face, size, self._width):
            self._need(size)
            self._put(self._style.margin, part, face, size)
            self._y += size * _LEADING

    def _put(self, x: float, piece: Piece, face: str, size: float) -> None:
        self.pages.runs.append(Run(self.pages.pages - 1, x, self._y, piece, face, size))

    def _need(self, size: float) -> None:
        """Goes to a new page where the line has no room."""
        if self._y + size * _LEADING > self._style.page[1] - self._style.margin:
            self.pages.pages += 1
            self._y = self._style.margin


def _parts(piece: Piece, face: str, size: float, available: float) -> Iterator[Piece]:
    """What fits a line each, broken between words."""
    words = list(piece.words())
    breaks = [0]
    used = 0.0
    for at, (before, word) in enumerate(pairwise([words[0], *words])):
        length = width(drawable(word.text), face, size)
        space = width(" " * (word.start - before.start - len(before.text)), face, size) if at > breaks[-1] else 0.0
        if at > breaks[-1] and used + space + length > available:
            breaks.append(at)
            used = length
        else:
            used += space + length
    for first, last in pairwise([*breaks, len(words)]):
        start, end = words[first].start, words[last - 1].start + len(words[last - 1].text)
        yield Piece(piece.text[start - piece.start : end - piece.start], start)
