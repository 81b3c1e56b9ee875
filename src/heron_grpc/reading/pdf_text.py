"""The text layer of a PDF page: words in the order of the content, with boxes as a viewer shows the page."""

import ctypes
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import Box, Word

# PDFium's marks for a hyphen at the end of a line, and what has no place in a text.
_REPLACED = {0: " ", 2: "-", 0xFFFE: "-"} | dict.fromkeys((*range(1, 2), *range(3, 9), *range(14, 32)), "\ufffd")
_IS_REPLACED = re.compile("[\x00-\x08\x0e-\x1f\ufffe]")
_MARK = re.compile("\ufffe")
_WORD = re.compile(r"\S+")
# All white space but a single space or line end, which are what they become.
_WIDE_GAP = re.compile(r"\s(?:\s+|(?<![ \n]))")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Characters looked at for missing Unicode maps: a few first, which settle it for almost every page.
_FEW_CHARS, _SAMPLE_CHARS = 50, 2000
_UNMAPPED_SHARE, _SUSPICIOUS_SHARE = 0.3, 0.05
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
    """At most `max_chars` characters of the page. Without words hardly more than what PDFium itself takes."""
    textpage = page.get_textpage()
    try:
        raw = _characters(textpage, min(textpage.count_chars(), max_chars))
        clean = raw.translate(_REPLACED) if _IS_REPLACED.search(raw) else raw
        text, words = _assemble(clean, _boxes(page, textpage)) if with_words else (_assemble_text(clean), ())
        return TextLayer(text, words, _is_unmapped(textpage, clean) and not is_plausible(text))
    finally:
        textpage.close()


def _characters(textpage: pdfium.PdfTextPage, count: int) -> str:
    """The first `count` characters, one code point each, at the places by which PDFium knows them."""
    handle, code = textpage.raw, pdfium_c.FPDFText_GetUnicode
    text_index = pdfium_c.FPDFText_GetTextIndexFromCharIndex
    # PDFium's text leaves some control characters out; then places in the text differ from those on the page.
    if count and text_index(handle, 0) == 0 and text_index(handle, count - 1) == count - 1:
        units = (ctypes.c_ushort * (count + 1))()
        pdfium_c.FPDFText_GetText(handle, 0, count, units)
        raw = str(memoryview(units).cast("B")[: 2 * count], "utf-16-le", "surrogatepass")
        # The text has one mark for a hyphen at the end of a line and for a character without a code.
        raw = _MARK.sub(lambda mark: chr(code(handle, mark.start())), raw) if "\ufffe" in raw else raw
        if len(raw) == count:
            return raw
    return "".join([chr(code(handle, index)) for index in range(count)])


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


def _assemble_text(raw: str) -> str:
    """The text that `_assemble` gives."""
    text = _WIDE_GAP.sub(lambda white: _gap(white.group()), raw.replace("\r\n", "\n").strip())
    return _joined(text)


def _assemble(raw: str, to_box: Callable[[int, int], Box | None]) -> tuple[str, tuple[Word, ...]]:
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
        if box := to_box(match.start(), end - 1):
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


def _is_unmapped(textpage: pdfium.PdfTextPage, raw: str) -> bool:
    """Whether for too many of the characters the font does not say what they are."""
    few = _unmapped_share(textpage, raw, _FEW_CHARS)
    return few > _SUSPICIOUS_SHARE and _unmapped_share(textpage, raw, _SAMPLE_CHARS) > _UNMAPPED_SHARE


def _unmapped_share(textpage: pdfium.PdfTextPage, raw: str, chars: int) -> float:
    """Of about so many characters, or all if there are fewer."""
    has_error = pdfium_c.FPDFText_HasUnicodeMapError
    sample = list(_sampled(raw, chars))
    return sum(has_error(textpage.raw, index) == 1 for index in sample) / len(sample) if sample else 0.0


def _sampled(raw: str, chars: int) -> Iterator[int]:
    step = max(1, len(raw) // chars)
    return (index for index in range(0, len(raw), step) if not raw[index].isspace())
