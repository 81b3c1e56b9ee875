"""Columns of prose that were recognised across: read one after the other instead."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil, floor
from statistics import median

from heron_grpc.domain.document import Page
from heron_grpc.reading.ocr.layout import PlacedWord, page_of_rows

Row = Sequence[PlacedWord]

# A gap between columns, in heights of words; how many rows must have it; places looked at across the page,
# and how many of them.
_WIDE, _FEWEST_ROWS, _PLACES, _LIKELIEST = 0.8, 6, 100, 8
# Prose fills its column: words in a row, without a wide gap, and the share of the column's width, that most rows have.
_WORDS, _FILLED, _MOST = 3, 0.8, 0.6


def in_columns(page: Page) -> Page:
    """The page, its prose column by column; tables and forms stay row by row."""
    if len(page.words) < 2 * _WORDS * _FEWEST_ROWS or not page.width:
        return page
    rows = _rows(page)
    height = median(word.box.y_max - word.box.y_min for word in page.words)
    ordered = _ordered(rows, _WIDE * height * page.height / page.width)
    if ordered is rows:
        return page
    found = page_of_rows(ordered, page.number, (page.width, page.height))
    return replace(page, text=found.text, words=found.words)


def _rows(page: Page) -> list[Row]:
    rows: list[list[PlacedWord]] = []
    end = 0
    for word in page.words:
        if not rows or "\n" in page.text[end : word.start]:
            rows.append([])
        rows[-1].append(PlacedWord(page.text[word.start : word.end], word.box, word.confidence))
        end = word.end
    return list(rows)


def _ordered(rows: list[Row], wide: float) -> list[Row]:
    """The same list when there are no columns in it; `wide` is a gap between columns as a share of the width."""
    for place in _likely_gaps(rows, wide):
        first, last = _longest_run(rows, place)
        left, right = _sides(rows[first:last], place)
        if _is_prose(left, wide) and _is_prose(right, wide):
            parts = (rows[:first], left, right, rows[last:])
            return [row for part in parts for row in _ordered(part, wide)]
    return rows


def _likely_gaps(rows: list[Row], wide: float) -> list[float]:
    """Where wide gaps are in many rows, the likeliest first."""
    gaps: Counter[int] = Counter()
    for row in rows:
        for one, other in pairwise(row):
            if other.box.x_min - one.box.x_max > wide:
                gaps.update(range(ceil(one.box.x_max * _PLACES), floor(other.box.x_min * _PLACES) + 1))
    return [place / _PLACES for place, count in gaps.most_common(_LIKELIEST) if count >= _FEWEST_ROWS]


def _longest_run(rows: list[Row], place: float) -> tuple[int, int]:
    """The most rows in succession of which no word lies across the place: first, and one behind the last."""
    best = first = 0, 0
    for at, row in enumerate(rows):
        crosses = any(word.box.x_min < place < word.box.x_max for word in row)
        first = (at + 1, at + 1) if crosses else (first[0], at + 1)
        best = max(best, first, key=lambda run: run[1] - run[0])
    return best


def _sides(rows: list[Row], place: float) -> tuple[list[Row], list[Row]]:
    left = [[word for word in row if word.box.x_max <= place] for row in rows]
    right = [[word for word in row if word.box.x_max > place] for row in rows]
    return [row for row in left if row], [row for row in right if row]


def _is_prose(column: list[Row], wide: float) -> bool:
    if len(column) < _FEWEST_ROWS:
        return False
    width = max(row[-1].box.x_max for row in column) - min(row[0].box.x_min for row in column)
    full = [
        len(row) >= _WORDS
        and row[-1].box.x_max - row[0].box.x_min >= _FILLED * width
        and all(other.box.x_min - one.box.x_max <= wide for one, other in pairwise(row))
        for row in column
    ]
    return sum(full) >= _MOST * len(column)
