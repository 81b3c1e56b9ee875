"""PDF (ISO 32000): the text layer where it is good, else what OCR reads from the page as drawn."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import DocumentWarning, OcrMode, Page, TextSource
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReaderUnavailable
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.ocr.page_image import MOST_PIXELS
from heron_grpc.reading.ocr.recognition import PageImage, Recognition
from heron_grpc.reading.page_selection import STAGE, select_pages
from heron_grpc.reading.pdf_text import TextLayer, read_text_layer
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import MIB

_POINTS_PER_INCH = 72
_OCR_DPI = 300
# Fewer characters than this are a page number or a stamp on a picture.
_NO_TEXT = 5
# With this much of the page covered by pictures, the text has to be longer to be the page's own.
_COVERED = 0.6
_SHORT_TEXT = 400
_MOST_OBJECTS = 3000
_LONGEST_VALUE = 1000
_SMALL_FILE = 4 * MIB


def read_pdf(path: str, options: ReadOptions) -> Iterator[Step]:
    """Raises CorruptDocument, EncryptedDocument when the empty password does not open it, and ReaderUnavailable."""
    content = _small_file(path)
    with closing(_open(path, content)) as document:
        if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
            document.init_forms()
        yield Metadata(_metadata(document))
        numbers, warnings = select_pages(len(document), options)
        yield from warnings
        reader = _PageReader(document, options)
        for index, number in enumerate(numbers):
            page = reader.read(number, with_words=options.with_words and index < options.settings.max_word_pages)
            if reader.damaged_pages == len(numbers):
                raise CorruptDocument("no page of the PDF can be loaded")
            yield page
        yield from reader.warnings


def _small_file(path: str) -> bytes:
    """The whole file, which PDFium then reads without asking the system for each piece; empty for a large one."""
    with Path(path).open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size <= _SMALL_FILE else b""
    return content if len(content) == size else b""


def _open(path: str, content: bytes) -> pdfium.PdfDocument:
    """From its content, which must outlive the document, or else from its path."""
    if content:
        handle = pdfium_c.FPDF_LoadMemDocument64(content, len(content), None)
    else:
        # The binding's own opening resolves the path first, and a spooled file has no name to resolve to.
        handle = pdfium_c.FPDF_LoadDocument(os.fsencode(path) + b"\0", None)
    if not handle:
        reason = pdfium_c.FPDF_GetLastError()
        if reason == pdfium_c.FPDF_ERR_FILE:
            raise ReaderUnavailable("the spooled document cannot be opened")
        if reason in {pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY}:
            raise EncryptedDocument("the document is protected by a password")
        raise CorruptDocument("the PDF is damaged beyond repair")
    document = pdfium.PdfDocument(handle)
    if not len(document):
        document.close()
        raise CorruptDocument("the PDF has no pages")
    return document


class _PageReader:
    """Reads the pages of one document."""

    def __init__(self, document: pdfium.PdfDocument, options: ReadOptions) -> None:
        self._document = document
        self._options = options
        self._warnings: list[DocumentWarning] = []
        self.damaged_pages = 0
        self.recognition = Recognition(options)

    @property
    def warnings(self) -> tuple[DocumentWarning, ...]:
        """What could not be read."""
        return (*self._warnings, *self.recognition.warnings)

    def read(self, number: int, *, with_words: bool) -> Page:
        """One page; a damaged one is empty, with a warning."""
        try:
            page = self._load(number)
        except pdfium.PdfiumError:
            self._warn("PAGE_DAMAGED", "the page cannot be loaded", number)
            self.damaged_pages += 1
            return Page(number, "", source=TextSource.NONE)
        with closing(page):
            return self._read(page, number, with_words=with_words)

    def _load(self, number: int) -> pdfium.PdfPage:
        """The page, the values of filled-in form fields drawn onto it: they are in no text layer otherwise."""
        page = self._document[number - 1]
        if self._document.formenv and page.flatten() == pdfium_c.FLATTEN_SUCCESS:
            page.close()
            page = self._document[number - 1]
        return page

    def _read(self, page: pdfium.PdfPage, number: int, *, with_words: bool) -> Page:
        layer = read_text_layer(page, self._options.settings.max_text_chars + 1, with_words=with_words)
        width, height = page.get_size()
        digital = Page(number, layer.text, width, height, layer.words)
        if layer.garbled:
            self._warn("TEXT_GARBLED", "the text layer does not say what the page shows", number)
            digital = replace(digital, text="", words=())
        if not digital.text:
            digital = replace(digital, source=TextSource.NONE)
        if not self._needs_ocr(page, layer) or not self.recognition.may_read(number):
            return digital
        recognised = self._recognise(page, number, with_words=with_words)
        return recognised if len(recognised.text) > len(digital.text) or self._is_forced else digital

    @property
    def _is_forced(self) -> bool:
        return self._options.ocr is OcrMode.ALWAYS

    def _needs_ocr(self, page: pdfium.PdfPage, layer: TextLayer) -> bool:
        """No text, a text that is garbage, or a short one beside a picture that covers the page."""
        if self._is_forced or layer.garbled or len(layer.text) < _NO_TEXT:
            return True
        return self._options.ocr is OcrMode.AUTO and len(layer.text) < _SHORT_TEXT and _covered(page) > _COVERED

    def _recognise(self, page: pdfium.PdfPage, number: int, *, with_words: bool) -> Page:
        try:
            found = self.recognition.read(lambda: _render(page), number, page.get_size())
        except (pdfium.PdfiumError, ValueError):
            self._warn("PAGE_DAMAGED", "the page cannot be drawn", number)
            return Page(number, "", source=TextSource.NONE)
        return found if with_words else replace(found, words=())

    def _warn(self, code: str, message: str, number: int) -> None:
        self._warnings.append(DocumentWarning(code, message, STAGE, number))


def _render(page: pdfium.PdfPage) -> PageImage:
    """The page in grey at 300 dpi, less where it is too large for that."""
    width, height = page.get_size()
    most = (MOST_PIXELS / max(width * height, 1.0)) ** 0.5
    scale = min(_OCR_DPI / _POINTS_PER_INCH, most)
    bitmap = page.render(scale=scale, grayscale=True)
    with closing(bitmap):
        return PageImage(bitmap.to_pil().convert("L").copy(), round(scale * _POINTS_PER_INCH))


def _covered(page: pdfium.PdfPage) -> float:
    """Share of the page under pictures, overlaps counted twice; 0.3 ms a page."""
    left, bottom, right, top = page.get_bbox()
    area = 0.0
    edges = tuple(ctypes.c_float() for _ in range(4))
    for index in range(min(pdfium_c.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)):
        item = pdfium_c.FPDFPage_GetObject(page.raw, index)
        if pdfium_c.FPDFPageObj_GetType(item) == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            pdfium_c.FPDFPageObj_GetBounds(item, *edges)
            x_min, y_min, x_max, y_max = (edge.value for edge in edges)
            area += max(0.0, min(right, x_max) - max(left, x_min)) * max(0.0, min(top, y_max) - max(bottom, y_min))
    page_area: float = (right - left) * (top - bottom)
    return area / max(page_area, 1.0)


def _metadata(document: pdfium.PdfDocument) -> dict[str, str]:
    """The information dictionary with lower-case keys, e.g. "title", "producer", "creationdate"."""
    entries = document.get_metadata_dict(skip_empty=True)
    return {key.lower(): value[:_LONGEST_VALUE] for key, value in entries.items()}
