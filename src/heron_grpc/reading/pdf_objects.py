"""What is drawn on a PDF page beside text: pictures, and the lines of tables."""

import ctypes
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import Box
from heron_grpc.reading.pdf_view import PageView

# Objects and points of lines looked at on a page, and how deep forms may nest: some pages are drawings.
_MOST_OBJECTS, _MOST_POINTS, _DEEPEST = 3000, 8000, 4
# Points: a line is thinner, a side of a cell longer.
_THIN, _SHORT = 0.75, 4.0
# Bytes of a page's pictures up to which they are told from others by their content, not only by their size.
_MOST_HASHED = 1 << 25
_IDENTITY = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
# a, b, c, d, e, f of ISO 32000-2, 8.3.4.
_Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image on a page: where it is seen, its pixels, and what tells it from others."""

    box: Box
    width: int
    height: int
    key: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pictures, and straight lines along the page's sides (boxes without width or height)."""

    pictures: tuple[Picture, ...]
    lines: tuple[Box, ...]

    @property
    def covered(self) -> float:
        """Share of the page under pictures, overlaps counted twice."""
        return sum(area(picture.box) for picture in self.pictures)


NOTHING = Drawn((), ())


def area(box: Box) -> float:
    """As a share of the page's."""
    return (box.x_max - box.x_min) * (box.y_max - box.y_min)


def find_drawn(page: pdfium.PdfPage, *, with_lines: bool) -> Drawn:
    """0.5 us an object, 3 us more for a point of a line."""
    return _Finder(page, with_lines=with_lines).found()


class _Finder:
    def __init__(self, page: pdfium.PdfPage, *, with_lines: bool) -> None:
        self._page = page
        self._view = PageView(page)
        self._with_lines = with_lines
        self._objects_left = _MOST_OBJECTS
        self._points_left = _MOST_POINTS
        self._hashed_left = _MOST_HASHED
        self._pictures: list[Picture] = []
        self._lines: list[Box] = []

    def found(self) -> Drawn:
        count = pdfium_c.FPDFPage_CountObjects(self._page.raw)
        objects = (pdfium_c.FPDFPage_GetObject(self._page.raw, index) for index in range(count))
        self._look_at(objects, _IDENTITY, 0)
        return Drawn(tuple(self._pictures), tuple(self._lines))

    def _look_at(self, objects: Iterator[pdfium_c.FPDF_PAGEOBJECT], matrix: _Matrix, depth: int) -> None:
        for item in objects:
            self._objects_left -= 1
            if self._objects_left < 0:
                return
            kind = pdfium_c.FPDFPageObj_GetType(item)
            if kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
                self._add_picture(item, matrix)
            elif kind == pdfium_c.FPDF_PAGEOBJ_PATH and self._with_lines:
                self._add_lines(item, matrix)
            elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
                count = pdfium_c.FPDFFormObj_CountObjects(item)
                inside = (pdfium_c.FPDFFormObj_GetObject(item, index) for index in range(count))
                self._look_at(inside, _times(_matrix(item), matrix), depth + 1)

    def _add_picture(self, item: pdfium_c.FPDF_PAGEOBJECT, matrix: _Matrix) -> None:
        edges = tuple(ctypes.c_float() for _ in range(4))
        width, height = ctypes.c_uint(), ctypes.c_uint()
        if not pdfium_c.FPDFPageObj_GetBounds(item, *edges):
            return
        pdfium_c.FPDFImageObj_GetImagePixelSize(item, width, height)
        left, bottom, right, top = (edge.value for edge in edges)
        box = self._shown(_at(matrix, left, bottom), _at(matrix, right, top))
        if area(box) > 0:
            self._pictures.append(Picture(box, width.value, height.value, self._key(item)))

    def _key(self, item: pdfium_c.FPDF_PAGEOBJECT) -> int:
        """The same for the same picture on another page."""
        size: int = pdfium_c.FPDFImageObj_GetImageDataRaw(item, None, 0)
        self._hashed_left -= size
        if self._hashed_left < 0:
            return size
        content = ctypes.create_string_buffer(size)
        pdfium_c.FPDFImageObj_GetImageDataRaw(item, content, size)
        return zlib.crc32(content)

    def _add_lines(self, item: pdfium_c.FPDF_PAGEOBJECT, matrix: _Matrix) -> None:
        """The sides of a path that is filled or stroked."""
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDFPath_GetDrawMode(item, fill, stroke)
        if not (fill.value or stroke.value):
            return
        matrix = _times(_matrix(item), matrix)
        x, y = ctypes.c_float(), ctypes.c_float()
        first = last = (0.0, 0.0)
        for index in range(min(pdfium_c.FPDFPath_CountSegments(item), max(self._points_left, 0))):
            self._points_left -= 1
            segment = pdfium_c.FPDFPath_GetPathSegment(item, index)
            pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
            point = _at(matrix, x.value, y.value)
            kind = pdfium_c.FPDFPathSegment_GetType(segment)
            if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
                first = point
            elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
                self._add_line(last, point)
            if pdfium_c.FPDFPathSegment_GetClose(segment):
                self._add_line(point, first)
            last = point

    def _add_line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        across, up = abs(start[0] - end[0]), abs(start[1] - end[1])
        if min(across, up) <= _THIN and max(across, up) >= _SHORT:
            self._lines.append(self._shown(start, end))

    def _shown(self, one: tuple[float, float], other: tuple[float, float]) -> Box:
        return self._view.box(
            min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])
        )


def _matrix(item: pdfium_c.FPDF_PAGEOBJECT) -> _Matrix:
    found = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFPageObj_GetMatrix(item, found):
        return _IDENTITY
    return (found.a, found.b, found.c, found.d, found.e, found.f)


def _times(inner: _Matrix, outer: _Matrix) -> _Matrix:
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (g * a + h * c, g * b + h * d, i * a + j * c, i * b + j * d, k * a + m * c + e, k * b + m * d + f)


def _at(matrix: _Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return (a * x + c * y + e, b * x + d * y + f)
