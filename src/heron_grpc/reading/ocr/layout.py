"""Recognised words as a page: rows from top to bottom, each from left to right."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from heron_grpc.domain.document import Box, Page, TextSource, Word

# Share of the lower height by which a word overlaps those of its row.
_SAME_ROW = 0.5
# Rows further apart than this many of their heights begin a paragraph.
_PARAGRAPH = 1.0


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A recognised word; its box in pixels or in fractions of the page."""

    text: str
    box: Box
    # 0 to 1.
    confidence: float


def page_of_rows(rows: Iterable[Sequence[PlacedWord]], number: int, size: tuple[float, float]) -> Page:
    """A page of that width and height; boxes are fractions of it. An empty line stands before a wide gap."""
    pieces: list[str] = []
    words: list[Word] = []
    length = 0
    above: Sequence[PlacedWord] = ()
    for row in rows:
        for word in row:
            gap = " " if word is not row[0] else _break(above, row)
            start = length + len(gap)
            length = start + len(word.text)
            pieces += (gap, word.text)
            words.append(Word(start, length, word.box, word.confidence))
        above = row
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    source = TextSource.OCR if words else TextSource.NONE
    return Page(number, "".join(pieces), *size, words=tuple(words), source=source, ocr_confidence=confidence)


def rows_of(words: Iterable[PlacedWord]) -> Iterator[list[PlacedWord]]:
    """Words that stand beside each other; lines are taken for level."""
    row: list[PlacedWord] = []
    for word in sorted(words, key=lambda word: word.box.y_min + word.box.y_max):
        if row and not _is_beside(word.box, row):
            yield sorted(row, key=lambda word: word.box.x_min)
            row = []
        row.append(word)
    if row:
        yield sorted(row, key=lambda word: word.box.x_min)


def _is_beside(box: Box, row: Sequence[PlacedWord]) -> bool:
    top, bottom = median(word.box.y_min for word in row), median(word.box.y_max for word in row)
    shared = min(bottom, box.y_max) - max(top, box.y_min)
    return shared > _SAME_ROW * min(bottom - top, box.y_max - box.y_min)


def _break(above: Sequence[PlacedWord], row: Sequence[PlacedWord]) -> str:
    if not above:
        return ""
    bottom, top = median(word.box.y_max for word in above), median(word.box.y_min for word in row)
    height = median(word.box.y_max - word.box.y_min for word in row)
    return "\n\n" if top - bottom > _PARAGRAPH * height else "\n"
