"""Tesseract's TSV as a page, with the spaces of its plain text: the output both engines share."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from heron_grpc.domain.document import Box, Page, TextSource, Word

# Level of a word among page, block, paragraph, line and word.
_WORD_LEVEL = "5"
# Below this Tesseract sees letters in creases and pictures.
_LEAST_CONFIDENCE = 0.15
_LEAST_CONFIDENCE_SIGN = 0.5
# So many letters in succession are a word, however unsure: creases make short ones.
_LONG_WORD = 6
_UNSPACED = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
# Characters of plain text before the next word: white space, marks of the writing's direction.
_FARTHEST = 20


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    box: Box
    confidence: float
    # Block, paragraph and line.
    place: tuple[str, str, str]
    # Whether a space stands before it, unless it begins a line.
    is_apart: bool


def page_from_tsv(tsv: str, plain: str, number: int, size: tuple[int, int]) -> Page:
    """A page of that width and height in pixels; a line of text for each line, an empty one before each paragraph.

    Only the plain text tells which words stand together without a space; where there is none, Chinese and Japanese
    ones do.
    """
    pieces: list[str] = []
    words: list[Word] = []
    length = 0
    before: tuple[str, str, str] | None = None
    for entry in _entries(tsv, plain, size):
        gap = _gap(before, entry.place) or (" " if before and entry.is_apart else "")
        pieces += (gap, entry.text)
        start = length + len(gap)
        length = start + len(entry.text)
        words.append(Word(start, length, entry.box, entry.confidence))
        before = entry.place
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    source = TextSource.OCR if words else TextSource.NONE
    text = "".join(pieces)
    return Page(number, text, *size, words=tuple(words), source=source, ocr_confidence=confidence)


def _gap(before: tuple[str, str, str] | None, place: tuple[str, str, str]) -> str:
    if before is None or before == place:
        return ""
    return "\n" if before[:2] == place[:2] else "\n\n"


def _entries(tsv: str, plain: str, size: tuple[int, int]) -> Iterator[_Entry]:
    end, before = 0, ""
    for line in tsv.splitlines():
        fields = line.split("\t", 11)
        if len(fields) < 12 or fields[0] != _WORD_LEVEL:
            continue
        # Split again: a recognised word holds no white space.
        text = "".join(fields[11].split())
        start = plain.find(text, end, end + len(text) + _FARTHEST)
        is_apart = start != end if plain else not (_UNSPACED.match(text) and _UNSPACED.match(before))
        before = text[-1:]
        end = start + len(text) if start >= 0 else end
        confidence = max(0.0, float(fields[10]) / 100)
        if text and _is_credible(text, confidence):
            box = _box(fields[6:10], *size)
            yield _Entry(text, box, min(confidence, 1.0), (fields[2], fields[3], fields[4]), is_apart)


def _is_credible(text: str, confidence: float) -> bool:
    if len(text) >= _LONG_WORD and text.isalpha():
        return True
    least = _LEAST_CONFIDENCE if any(char.isalnum() for char in text) else _LEAST_CONFIDENCE_SIGN
    return confidence >= least


def _box(fields: list[str], width: int, height: int) -> Box:
    """From left, top, width and height in pixels."""
    left, top, wide, high = map(int, fields)
    right, bottom = min(left + wide, width), min(top + high, height)
    return Box(max(left, 0) / width, max(top, 0) / height, right / width, bottom / height)
