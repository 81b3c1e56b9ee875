"""Words as invisible text on the pages of a PDF.

They are in Tesseract's glyphless font (glyphless.ttf, from tesseract-ocr 5, Apache-2.0): every code unit of UTF-16 is
drawn by the same empty glyph and stands for itself when copied, whatever the script.
"""

import ctypes
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import sub
from statistics import median
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import Page, Word
from heron_grpc.domain.errors import ReaderUnavailable

# In ems: the width of the glyph, and the height PDFium and others give it.
_GLYPH_WIDTH, _GLYPH_HEIGHT = 0.5, 1.0
# PDFium maps whole numbers of the page as shown to points of the page as written.
_SHOWN_SIDE = 1_000_000
# A line is at most so many times as high as its words, whose letters reach more or less far up and down; else it slopes
# or has an initial.
_MOST_HEIGHTS = 1.8
# Arabic and other right-to-left numbers run from left to right all the same.
_NUMBER = re.compile(r"\d[\d.,:/-]*")
# A fraction of the page as shown, turned by clockwise degrees from where it stands on the upright page.
_TURNS = {
    0: lambda x, y: (x, y),
    90: lambda x, y: (1 - y, x),
    180: lambda x, y: (1 - x, 1 - y),
    270: lambda x, y: (y, 1 - x),
}


class InvisibleWords:
    """Of one document; its font is in it once."""

    def __init__(self, document: pdfium.PdfDocument) -> None:
        self._document = document
        self._font = _load_font(document)

    def close(self) -> None:
        """To be called before the document is saved or closed."""
        pdfium_c.FPDFFont_Close(self._font)

    def write(self, page: pdfium.PdfPage, read: Page, rotation: int) -> None:
        """The words of `read` onto the page that it was read from, which is shown turned by `rotation` degrees."""
        for word in _along_lines(read):
            text = read.text[word.start : word.end]
            # Beyond the word's box: what reads the PDF by its text alone must find the words apart.
            gap = " " if read.text[word.end : word.end + 1].isspace() else ""
            self._write(page, text, gap, [_place(page, *corner, rotation) for corner in _corners(word)])
        page.gen_content()

    def _write(self, page: pdfium.PdfPage, text: str, gap: str, corners: Sequence[tuple[float, float]]) -> None:
        (x, y), (right_x, right_y), (top_x, top_y) = corners
        units = _units(_as_drawn(text))
        across, up = 1 / (_GLYPH_WIDTH * len(units)), 1 / _GLYPH_HEIGHT
        matrix = ((right_x - x) * across, (right_y - y) * across, (top_x - x) * up, (top_y - y) * up, x, y)
        item = pdfium_c.FPDFPageObj_CreateTextObj(self._document.raw, self._font, 1.0)
        units += _units(gap)
        pdfium_c.FPDFText_SetCharcodes(item, (ctypes.c_uint32 * len(units))(*units), len(units))
        pdfium_c.FPDFTextObj_SetTextRenderMode(item, pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE)
        pdfium_c.FPDFPageObj_SetMatrix(item, pdfium_c.FS_MATRIX(*matrix))
        pdfium_c.FPDFPage_InsertObject(page.raw, item)


def _along_lines(read: Page) -> Iterator[Word]:
    """The words, those of a line of one height: what reads a PDF tells lines apart by where words begin and end."""
    for _, line in groupby(read.words, key=lambda word: read.text.count("\n", 0, word.start)):
        words = tuple(line)
        tops, bottoms = [word.box.y_min for word in words], [word.box.y_max for word in words]
        top, bottom = min(tops), max(bottoms)
        middle_height = median(map(sub, bottoms, tops))
        is_level = max(tops) < min(bottoms) and bottom - top <= _MOST_HEIGHTS * middle_height
        for word in words:
            yield replace(word, box=replace(word.box, y_min=top, y_max=bottom)) if is_level else word


def _corners(word: Word) -> tuple[tuple[float, float], ...]:
    """Lower left, lower right, upper left."""
    box = word.box
    return (box.x_min, box.y_max), (box.x_max, box.y_max), (box.x_min, box.y_min)


def _place(page: pdfium.PdfPage, x: float, y: float, rotation: int) -> tuple[float, float]:
    """A fraction of the upright page in points of the page as written, whatever it is cropped to and turned by."""
    x, y = _TURNS[rotation](x, y)
    found_x, found_y = ctypes.c_double(), ctypes.c_double()
    shown = round(x * _SHOWN_SIDE), round(y * _SHOWN_SIDE)
    pdfium_c.FPDF_DeviceToPage(page.raw, 0, 0, _SHOWN_SIDE, _SHOWN_SIDE, 0, *shown, found_x, found_y)
    return found_x.value, found_y.value


def _as_drawn(text: str) -> str:
    """From left to right: what reads a PDF turns right-to-left letters round, as they are drawn in all others."""
    if not any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text):
        return text
    return _NUMBER.sub(lambda number: number[0][::-1], text)[::-1]


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]


def _load_font(document: pdfium.PdfDocument) -> Any:
    font, to_unicode, to_glyph = _font_file(), _to_unicode(), b"\x00\x01" * 65_536
    font_bytes, glyph_bytes = _as_array(font), _as_array(to_glyph)
    loaded = pdfium_c.FPDFText_LoadCidType2Font(
        document.raw, font_bytes, len(font), to_unicode, glyph_bytes, len(to_glyph)
    )
    if not loaded:
        raise ReaderUnavailable("the font of searchable PDFs cannot be loaded")
    return loaded


def _as_array(data: bytes) -> Any:
    return (ctypes.c_uint8 * len(data)).from_buffer_copy(data)


@cache
def _font_file() -> bytes:
    return files("heron_grpc.reading").joinpath("glyphless.ttf").read_bytes()


@cache
def _to_unicode() -> bytes:
    """Every code stands for itself; a range may not leave its first byte (Adobe technical note 5014)."""
    ranges = [f"<{high:02X}00> <{high:02X}FF> <{high:02X}00>" for high in range(256)]
    blocks = [ranges[at : at + 100] for at in range(0, len(ranges), 100)]
    mapping = "\n".join(f"{len(block)} beginbfrange\n" + "\n".join(block) + "\nendbfrange" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{mapping}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
