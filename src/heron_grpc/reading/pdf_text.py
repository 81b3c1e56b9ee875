"""The text layer of a PDF page: words in the order of the content, with boxes as a viewer shows the page."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import Box, Word

# PDFium's marks for a hyphen at the end of a line, and what has no place in a text.
_REPLACED = {0: " ", 2: "-", 0xFFFE: "-"} | dict.fromkeys((*range(1, 2), *range(3, 9), *range(14, 32)), "\ufffd")
_WORD = re.compile(r"\S+")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Characters looked at for missing Unicode maps.
_SAMPLE_CHARS = 2000
_UNMAPPED_SHARE = 0.3
_ODD_SHARE = 0.2
_ODD_CATEGORIES = frozenset({"Co", "Cn", "Cc", "Cs"})
_VOWELS = frozenset("aeiouyäöüáéíóúàèìòùâêîôûåæøœãõ")
# Shares of vowels in the letters of texts in Latin script: below, letters have been exchanged for others.
_FEWEST_VOWELS, _MOST_VOWELS = 0.2, 0.65
_ENOUGH_LETTERS = 20


@dataclass(frozen=True, slots=True)
class TextLayer:
    """Text, its words, and whether the text is what a reader would see."""

    text: str
    words: tuple[Word, ...]
    garbled: bool


def read_text_layer(page: pdfium.PdfPage, max_chars: int, *, with_words: bool) -> TextLayer:
    """At most `max_chars` characters of the page. About 3 ms for a page of 650 characters."""
    textpage = page.get_textpage()
    try:
        count = min(textpage.count_chars(), max_chars)
        code = pdfium_c.FPDFText_GetUnicode
        raw = "".join(map(chr, (code(textpage.raw, index) for index in range(count)))).translate(_REPLACED)
        to_box = _boxes(page, textpage) if with_words else None
        text, words = _assemble(raw, to_box)
        return TextLayer(text, words, _unmapped_share(textpage, raw) > _UNMAPPED_SHARE and not is_plausible(text))
    finally:
        textpage.close()


def is_plausible(text: str) -> bool:
    """Whether this could be language, or figures; meant for texts whose characters are in doubt."""
    marks = [char for char in text if not char.isspace()]
    odd = sum(char == "\ufffd" or unicodedata.category(char) in _ODD_CATEGORIES for char in marks)
    if odd > _ODD_SHARE * len(marks):
        return False
    latin = [char for char in text.lower() if char.isalpha() and char < "\u0250"]
    if len(latin) < _ENOUGH_LETTERS:
        return True
    return _FEWEST_VOWELS <= sum(char in _VOWELS for char in latin) / len(latin) <= _MOST_VOWELS


def _assemble(raw: str, to_box: Callable[[int, int], Box | None] | None) -> tuple[str, tuple[Word, ...]]:
    """Words joined by one space, line end or empty line, and where they stand in that text."""
    pieces: list[str] = []
    words: list[Word] = []
    length = end = 0
    for match in _WORD.finditer(raw):
        gap = _gap(raw[end : match.start()]) if pieces else ""
        token = _joined(match.group())
        start = length + len(gap)
        end, length = match.end(), start + len(token)
        pieces += (gap, token)
        if to_box and (box := to_box(match.start(), end - 1)):
            words.append(Word(start, length, box))
    return "".join(pieces), tuple(words)


def _gap(white: str) -> str:
    breaks = white.count("\n") or white.count("\r")
    return "\n" * min(breaks, 2) if breaks else " "


def _joined(token: str) -> str:
    """PDFium gives characters beyond the basic plane as two halves."""
    if not _SURROGATE.search(token):
        return token
    return token.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _boxes(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage) -> Callable[[int, int], Box | None]:
    """From the first and last character of a word to its box on the page as shown: cropped and turned."""
    left, bottom, right, top = page.get_bbox()
    width, height = (right - left) or 1.0, (top - bottom) or 1.0
    turn = _TURNS[page.get_rotation() % 360]
    rectangle, get = pdfium_c.FS_RECTF(), pdfium_c.FPDFText_GetLooseCharBox

    def to_box(first: int, last: int) -> Box | None:
        corners = []
        for index in {first, last}:
            if not get(textpage.raw, index, rectangle):
                return None
            corners.append(turn((rectangle.left - left) / width, (top - rectangle.top) / height))
            corners.append(turn((rectangle.right - left) / width, (top - rectangle.bottom) / height))
        across, down = sorted(x for x, _ in corners), sorted(y for _, y in corners)
        return Box(_clamp(across[0]), _clamp(down[0]), _clamp(across[-1]), _clamp(down[-1]))

    return to_box


# From fractions of the page as written to fractions of the page as shown, by clockwise degrees.
_TURNS: dict[int, Callable[[float, float], tuple[float, float]]] = {
    0: lambda x, y: (x, y),
    90: lambda x, y: (1 - y, x),
    180: lambda x, y: (1 - x, 1 - y),
    270: lambda x, y: (y, 1 - x),
}


def _clamp(value: float) -> float:
    """Into 0 to 1; what is no number becomes 0."""
    return min(max(0.0, value), 1.0)


def _unmapped_share(textpage: pdfium.PdfTextPage, raw: str) -> float:
    """Share of the characters for which the font does not say what they are."""
    has_error = pdfium_c.FPDFText_HasUnicodeMapError
    sample = list(_sampled(raw))
    return sum(has_error(textpage.raw, index) == 1 for index in sample) / len(sample) if sample else 0.0


def _sampled(raw: str) -> Iterator[int]:
    step = max(1, len(raw) // _SAMPLE_CHARS)
    return (index for index in range(0, len(raw), step) if not raw[index].isspace())
