"""The text layer of a PDF page: words in reading order, with boxes as a viewer shows the page."""

import ctypes
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import Box, Word
from heron_grpc.reading.pdf_meaning import Meaning, meaning_of
from heron_grpc.reading.pdf_order import IsMade, Order, Probe, Span, ToBox, order_of, reading_order
from heron_grpc.reading.pdf_view import PageView

# PDFium's marks for a hyphen at the end of a line, and what has no place in a text.
_REPLACED = {0: " ", 2: "-", 0xFFFE: "-"} | dict.fromkeys((*range(1, 2), *range(3, 9), *range(14, 32)), "\ufffd")
_IS_REPLACED = re.compile("[\x00-\x08\x0e-\x1f\ufffe]")
_MARK = re.compile("\ufffe")
_WORD = re.compile(r"\S+")
# All white space but a single space or line end, which are what they become.
_WIDE_GAP = re.compile(r"\s(?:\s+|(?<![ \n]))")
# Every wide gap of a plain text has one of these: looking for them is ten times as fast as for the pattern.
_RARE_GAPS = ("  ", "\n ", "\n\n", *"\t\r\x0b\x0c\x1c\x1d\x1e\x1f")
# Characters of a page that its text leaves out: to find more takes longer than to ask for every character.
_MOST_LEFT_OUT = 100
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TextLayer:
    """Text, its words, and what it is worth."""

    text: str
    words: tuple[Word, ...]
    meaning: Meaning


def read_text_layer(page: pdfium.PdfPage, max_chars: int, *, with_words: bool) -> TextLayer:
    """At most `max_chars` characters of the page. Without words hardly more than what PDFium itself takes."""
    textpage = page.get_textpage()
    try:
        raw = _characters(textpage, min(textpage.count_chars(), max_chars))
        clean = raw.translate(_REPLACED) if _IS_REPLACED.search(raw) else raw
        meaning = meaning_of(textpage, clean)
        order = Order.MEANT if page.get_rotation() else order_of(clean, *_probes(textpage))
        if not with_words and order is Order.MEANT:
            return TextLayer(_assemble_text(clean), (), meaning)
        to_box = _boxes(page, textpage)
        if rows := reading_order(clean, to_box, order):
            clean, to_box = _reordered(clean, rows, to_box)
        text, words = _assemble(clean, to_box) if with_words else (_assemble_text(clean), ())
        return TextLayer(text, words, meaning)
    finally:
        textpage.close()


def _characters(textpage: pdfium.PdfTextPage, count: int) -> str:
    """The first `count` characters, one code point each, at the places by which PDFium knows them."""
    handle, code = textpage.raw, pdfium_c.FPDFText_GetUnicode
    # PDFium's text leaves characters without a code and some control characters out.
    length = pdfium_c.FPDFText_GetTextIndexFromCharIndex(handle, count - 1) + 1
    if 0 <= count - length <= _MOST_LEFT_OUT:
        units = (ctypes.c_ushort * (count + 1))()
        pdfium_c.FPDFText_GetText(handle, 0, count, units)
        raw = str(memoryview(units).cast("B")[: 2 * length], "utf-16-le", "surrogatepass")
        for place in _left_out(handle, count, count - length):
            raw = raw[:place] + chr(code(handle, place)) + raw[place:]
        # It has one mark for a hyphen at the end of a line and for a character without a code.
        raw = _MARK.sub(lambda mark: chr(code(handle, mark.start())), raw) if "\ufffe" in raw else raw
        if len(raw) == count:
            return raw
    return "".join([chr(code(handle, index)) for index in range(count)])


def _left_out(handle: pdfium_c.FPDF_TEXTPAGE, count: int, missing: int) -> Iterator[int]:
    """The places of so many characters, in order, that are on the page and not in its text; some 10 us each."""
    place = -1
    for before in range(missing):
        place = bisect_left(range(count), True, place + 1, key=partial(_is_behind, handle, before))
        if place < count:
            yield place


def _is_behind(handle: pdfium_c.FPDF_TEXTPAGE, before: int, index: int) -> bool:
    """Whether the character, or one before it beside the first `before`, is left out of the text."""
    return bool(pdfium_c.FPDFText_GetTextIndexFromCharIndex(handle, index) != index - before)


def _probes(textpage: pdfium.PdfTextPage) -> tuple[Probe, IsMade]:
    """Half a microsecond each."""
    handle, rectangle, get = textpage.raw, pdfium_c.FS_RECTF(), pdfium_c.FPDFText_GetLooseCharBox

    def probe(index: int) -> tuple[float, float, float]:
        get(handle, index, rectangle)
        return rectangle.left, rectangle.top, rectangle.right

    return probe, lambda index: pdfium_c.FPDFText_IsGenerated(handle, index) == 1


def _reordered(raw: str, rows: list[list[Span]], to_box: ToBox) -> tuple[str, ToBox]:
    """The characters row by row, and where each of them is."""
    pieces = [(span, " " if last is not span else "\n") for row in rows for last in row[-1:] for span in row]
    starts = list(accumulate((end - start + 1 for (start, end), _ in pieces), initial=0))

    def moved(index: int) -> int:
        piece = bisect_right(starts, index) - 1
        return pieces[piece][0][0] + index - starts[piece]

    text = "".join([raw[start:end] + gap for (start, end), gap in pieces])
    return text, lambda first, last: to_box(moved(first), moved(last))


def _assemble_text(raw: str) -> str:
    """The text that `_assemble` gives."""
    text = raw.replace("\r\n", "\n").replace(" \n", "\n").strip()
    if not text.isascii() or any(each in text for each in _RARE_GAPS):
        text = _WIDE_GAP.sub(lambda white: _gap(white.group()), text)
    return _joined(text)


def _assemble(raw: str, to_box: ToBox) -> tuple[str, tuple[Word, ...]]:
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


def _boxes(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage) -> ToBox:
    """From the first and last character of a word to the box around both, some 2 us."""
    handle, rectangle, get = textpage.raw, pdfium_c.FS_RECTF(), pdfium_c.FPDFText_GetLooseCharBox
    shown = PageView(page).box

    def to_box(first: int, last: int) -> Box | None:
        if not get(handle, first, rectangle):
            return None
        left, bottom, right, top = rectangle.left, rectangle.bottom, rectangle.right, rectangle.top
        if last != first:
            if not get(handle, last, rectangle):
                return None
            left, right = min(left, rectangle.left), max(right, rectangle.right)
            bottom, top = min(bottom, rectangle.bottom), max(top, rectangle.top)
        return shown(left, bottom, right, top)

    return to_box
