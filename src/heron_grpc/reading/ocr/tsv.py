"""Tesseract's TSV as a page: the output both engines share."""

from collections.abc import Iterator
from dataclasses import dataclass

from heron_grpc.domain.document import Box, Page, TextSource, Word

# Level of a word among page, block, paragraph, line and word.
_WORD_LEVEL = "5"
# Below this Tesseract sees letters in creases and pictures.
_LEAST_CONFIDENCE = 0.15
_LEAST_CONFIDENCE_SIGN = 0.5


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    box: Box
    confidence: float
    # Block, paragraph and line.
    place: tuple[str, str, str]


def page_from_tsv(tsv: str, number: int, width: int, height: int) -> Page:
    """A page `width` x `height` pixels large; a line of text for each line, an empty one before each paragraph."""
    pieces: list[str] = []
    words: list[Word] = []
    length = 0
    before: tuple[str, str, str] | None = None
    for entry in _entries(tsv, width, height):
        gap = _gap(before, entry.place)
        pieces += (gap, entry.text)
        start = length + len(gap)
        length = start + len(entry.text)
        words.append(Word(start, length, entry.box, entry.confidence))
        before = entry.place
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    source = TextSource.OCR if words else TextSource.NONE
    text = "".join(pieces)
    return Page(number, text, width, height, tuple(words), source=source, ocr_confidence=confidence)


def _gap(before: tuple[str, str, str] | None, place: tuple[str, str, str]) -> str:
    if before is None:
        return ""
    if before == place:
        return " "
    return "\n" if before[:2] == place[:2] else "\n\n"


def _entries(tsv: str, width: int, height: int) -> Iterator[_Entry]:
    for line in tsv.splitlines():
        fields = line.split("\t", 11)
        if len(fields) < 12 or fields[0] != _WORD_LEVEL:
            continue
        # Split again: a recognised word holds no white space.
        text = "".join(fields[11].split())
        confidence = max(0.0, float(fields[10]) / 100)
        if text and _is_credible(text, confidence):
            box = _box(fields[6:10], width, height)
            yield _Entry(text, box, min(confidence, 1.0), (fields[2], fields[3], fields[4]))


def _is_credible(text: str, confidence: float) -> bool:
    least = _LEAST_CONFIDENCE if any(char.isalnum() for char in text) else _LEAST_CONFIDENCE_SIGN
    return confidence >= least


def _box(fields: list[str], width: int, height: int) -> Box:
    """From left, top, width and height in pixels."""
    left, top, wide, high = map(int, fields)
    right, bottom = min(left + wide, width), min(top + high, height)
    return Box(max(left, 0) / width, max(top, 0) / height, right / width, bottom / height)
