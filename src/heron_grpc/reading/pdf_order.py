"""Reading order of a PDF page whose content is in another: columns written across, lines in disorder.

The order of the content is almost always the one meant, in tables and forms too. A page is put in order only when that
cannot be.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, pairwise
from statistics import median

from heron_grpc.domain.document import Box
from heron_grpc.reading.pdf_view import around

# Places of characters on the page, first and one behind the last.
Span = tuple[int, int]
ToBox = Callable[[int, int], Box | None]
# Left, upper and right edge of a character in points of the page as written, whose origin is the lower left.
Probe = Callable[[int], tuple[float, float, float]]
# Whether a character is none of the page's but stands for a distance.
IsMade = Callable[[int], bool]

# Not only of white space.
_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")
_WORD = re.compile(r"\S+")
_SPACES = re.compile(r" +(?=\S)")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Lines asked where they begin. The share that begin above the one before, and how often they jump up the height of the
# text in all, which together mean disorder; and the share that means that they run from the bottom to the top.
_ASKED, _FEWEST_LINES = 16, 8
_ABOVE, _DISTANCE, _ALL_ABOVE = 0.34, 1.8, 0.8
_SLIGHT = 4.0
# Lines asked for a wide gap, how many must have one at the same place, and the spaces in a line worth asking.
_ASKED_FOR_GAPS, _AGREEING, _FEWEST_SPACES = 5, 4, 5
# A wide gap in mean characters, and how far apart gaps at the same place may end: points, and as a share of the page.
_WIDE, _APART_POINTS, _APART = 1.6, 3.5, 0.006
# Prose fills its column: words and rows, and the share of the column that half the rows fill.
_COLUMN_WORDS, _COLUMN_ROWS, _FILLED = 3, 6, 0.7
_MOST_COLUMNS = 6


class Order(Enum):
    """What the order of a page's content seems to be."""

    MEANT = "meant"
    # Lines may run across columns.
    ACROSS = "across"
    NONE = "none"


def order_of(raw: str, probe: Probe, is_made: IsMade) -> Order:
    """From a few lines of a page that is not turned; 25 us."""
    starts = _sampled_lines(raw)
    if len(starts) < _FEWEST_LINES:
        return Order.MEANT
    if _is_disordered(starts, probe):
        return Order.NONE
    return Order.ACROSS if _may_run_across(raw, starts, probe, is_made) else Order.MEANT


def reading_order(raw: str, to_box: ToBox, order: Order) -> list[list[Span]] | None:
    """Rows as a reader takes them, each the pieces of `raw` that stand on it; None when `raw` is in order."""
    if order is Order.MEANT or _RIGHT_TO_LEFT.search(raw):
        return None
    lines = _LINE.finditer(raw)
    rows = _rows([piece for line in lines for piece in _pieces(raw, line.span(), to_box)])
    ordered = _by_columns(rows, _MOST_COLUMNS)
    if order is Order.ACROSS and ordered == rows:
        return None
    return [[piece.span for piece in row] for row in ordered]


def _sampled_lines(raw: str) -> list[int]:
    """Where lines begin, a few of them, spread over the text."""
    places = range(0, len(raw), len(raw) // _ASKED + 1)
    starts = dict.fromkeys(raw.find("\n", place) + 1 for place in places)
    starts.pop(0, None)
    return [start for start in starts if start < len(raw)]


def _is_disordered(starts: Sequence[int], probe: Probe) -> bool:
    """Whether lines jump up the page more often and further than columns and headings explain."""
    tops = [probe(start)[1] for start in starts]
    jumps = [after - before for before, after in pairwise(tops) if after - before > _SLIGHT]
    share = len(jumps) / len(starts)
    return share > _ALL_ABOVE or (share > _ABOVE and sum(jumps) > _DISTANCE * (max(tops) - min(tops)))


def _may_run_across(raw: str, starts: Sequence[int], probe: Probe, is_made: IsMade) -> bool:
    """Whether several of a few lines have a wide gap that ends at the same place."""
    lines = [(start, raw.find("\n", start) % (len(raw) + 1)) for start in starts]
    asked = [line for line in lines if raw.count(" ", *line) >= _FEWEST_SPACES][:_ASKED_FOR_GAPS]
    ends: list[float] = []
    agreeing = 0
    for left, line in zip(range(len(asked), 0, -1), asked, strict=True):
        if agreeing + left < _AGREEING:
            return False
        ends += _gap_ends(raw, line, probe, is_made)
        agreeing = max((sum(abs(one - other) <= _APART_POINTS for other in ends) for one in ends), default=0)
    return agreeing >= _AGREEING


def _gap_ends(raw: str, line: Span, probe: Probe, is_made: IsMade) -> list[float]:
    """Where wide gaps in the middle of a line end."""
    ends = []
    first = probe(line[0])[0]
    quarter = (line[1] - line[0]) // 4
    for spaces in _SPACES.finditer(raw, line[0] + quarter, line[1] - quarter):
        start, end = spaces.span()
        if end - start > 1 or is_made(start):
            before, after = probe(start - 1)[2], probe(end)[0]
            if after - before > _WIDE * (before - first) / (start - line[0]):
                ends.append(after)
    return ends


@dataclass(frozen=True, slots=True)
class _Piece:
    """Words that stand side by side without a wide gap."""

    span: Span
    box: Box
    words: int


_Row = list[_Piece]


def _pieces(raw: str, span: Span, to_box: ToBox) -> Iterator[_Piece]:
    """A line, cut at its wide gaps."""
    last: _Piece | None = None
    for match in _WORD.finditer(raw, *span):
        start, end = match.span()
        if not (box := to_box(start, end - 1)):
            continue
        gap = _WIDE * (box.x_max - box.x_min) / (end - start)
        if last and abs(box.x_min - last.box.x_max) <= gap:
            last = _Piece((last.span[0], end), around((last.box, box)), last.words + 1)
            continue
        if last:
            yield last
        last = _Piece((start, end), box, 1)
    if last:
        yield last


def _rows(pieces: Sequence[_Piece]) -> list[_Row]:
    """Pieces whose middles are on one height, from left to right; rows from top to bottom."""
    rows: list[_Row] = []
    for piece in sorted(pieces, key=lambda piece: _middle(piece.box)):
        last = rows[-1][-1].box if rows else None
        if last and last.y_min < _middle(piece.box) < last.y_max:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.box.x_min) for row in rows]


def _by_columns(rows: list[_Row], most: int) -> list[_Row]:
    """Columns of prose one after the other, between the rows that run across them."""
    at = _column_edge(rows)
    if most == 1 or at is None:
        return rows
    bands = groupby(rows, lambda row: any(piece.box.x_min < at < piece.box.x_max for piece in row))
    return [row for runs_across, band in bands for row in (band if runs_across else _split(list(band), at, most))]


def _column_edge(rows: Sequence[_Row]) -> float | None:
    """Where most pieces begin that stand right of another."""
    edges = [right.box.x_min for row in rows for _, right in pairwise(row)]
    if not edges:
        return None
    ((place, _),) = Counter(round(edge / _APART) for edge in edges).most_common(1)
    return (place - 1) * _APART


def _split(band: list[_Row], at: float, most: int) -> list[_Row]:
    columns = [
        [side for row in band if (side := [piece for piece in row if (piece.box.x_min < at) is is_left])]
        for is_left in (True, False)
    ]
    if not all(map(_is_prose, columns)):
        return band
    return [row for column in columns for row in _by_columns(column, most - 1)]


def _is_prose(column: Sequence[_Row]) -> bool:
    if len(column) < _COLUMN_ROWS or median([sum(piece.words for piece in row) for row in column]) < _COLUMN_WORDS:
        return False
    left = min(row[0].box.x_min for row in column)
    right = max(row[-1].box.x_max for row in column)
    filled = [sum(piece.box.x_max - piece.box.x_min for piece in row) for row in column]
    return median(filled) >= _FILLED * (right - left)


def _middle(box: Box) -> float:
    return (box.y_min + box.y_max) / 2
