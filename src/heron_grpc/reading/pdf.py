"""PDF (ISO 32000): the text layer where it is good, with what OCR reads from the page as drawn where it is not."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.document import DocumentWarning, OcrMode, Page, PageLook, Table, TextSource
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Outlook, Step
from heron_grpc.reading.embedded import read_embedded
from heron_grpc.reading.ocr.recognition import PageJob
from heron_grpc.reading.page_look import watched
from heron_grpc.reading.page_selection import STAGE, select_pages
from heron_grpc.reading.pdf_annotations import Annotations, find_annotations
from heron_grpc.reading.pdf_file import PdfFile, open_pdf
from heron_grpc.reading.pdf_inside import documents_inside, metadata
from heron_grpc.reading.pdf_look import is_scan, look_at_page
from heron_grpc.reading.pdf_objects import NOTHING, Drawn, find_drawn
from heron_grpc.reading.pdf_recognition import PdfRecognition
from heron_grpc.reading.pdf_tables import find_tables, has_grid
from heron_grpc.reading.pdf_text import read_text_layer
from heron_grpc.reading.reader import ReadOptions


def read_pdf(path: str, options: ReadOptions) -> Iterator[Step]:
    """Raises CorruptDocument, EncryptedDocument when the password does not open it, and ReaderUnavailable.

    The fields of a form that are filled in are a table of names and values; comments end a page's text.
    """
    with open_pdf(path, options.password) as file:
        if file.is_repaired:
            yield DocumentWarning("DOCUMENT_REPAIRED", "the PDF is cut short: what is left of it was read", STAGE)
        yield Metadata(metadata(file.document))
        numbers, warnings = select_pages(len(file.document), options)
        yield from warnings
        yield Outlook(len(numbers))
        reader = _PageReader(file, options)
        for page in reader.recognition.in_order(map(reader.prepare, numbers, range(len(numbers)))):
            if reader.damaged_pages == len(numbers):
                raise CorruptDocument("no page of the PDF can be loaded")
            yield page
            yield from reader.tables.pop(page.number, ())
        yield from reader.looks
        yield from reader.warnings
        yield from read_embedded(documents_inside(file.document, reader.files, options), len(file.document), options)


class _PageReader:
    """Reads the pages of one document; holds none of them open."""

    def __init__(self, file: PdfFile, options: ReadOptions) -> None:
        self._file = file
        self._options = options
        self._looks_at_pictures = options.ocr is OcrMode.AUTO and file.may_have_pictures()
        self._warnings: list[DocumentWarning] = []
        self.damaged_pages = 0
        # Of the first page, where it is wanted and can be had.
        self.looks: list[PageLook] = []
        # Of pages not yet handed on, by number.
        self.tables: dict[int, list[Table]] = {}
        # Pinned to pages: page and annotation, from 0.
        self.files: list[tuple[int, int]] = []
        self.recognition = PdfRecognition(self._load, options)

    @property
    def warnings(self) -> tuple[DocumentWarning, ...]:
        """What could not be read."""
        return (*self._warnings, *self.recognition.warnings)

    def prepare(self, number: int, index: int) -> Page | PageJob:
        """The page, or what is to be recognised of it; a damaged one is empty, with a warning; `index` from 0."""
        has_boxes = self._options.with_words and index < self._options.settings.max_word_pages
        looks_on = self._options.look_chars > 0 and index == 0 and not self._options.part
        self._file.make_room()
        try:
            page, annotations = self._open(number)
        except pdfium.PdfiumError:
            self._warnings.append(DocumentWarning("PAGE_DAMAGED", "the page cannot be loaded", STAGE, number))
            self.damaged_pages += 1
            return Page(number, "", source=TextSource.NONE)
        with closing(page):
            return self._prepare(page, number, annotations, has_boxes=has_boxes, looks_on=looks_on)

    def _load(self, number: int) -> pdfium.PdfPage:
        return self._file.document[number - 1]

    def _open(self, number: int) -> tuple[pdfium.PdfPage, Annotations]:
        """The page, and what lies on it: what looks like content is drawn onto it, as it is in no text layer."""
        page = self._load(number)
        found = find_annotations(self._file.document, page)
        # Takes all annotations off the page.
        if found.has_text and not found.files and pdfium_c.FPDFPage_Flatten(page.raw, 0) == pdfium_c.FLATTEN_SUCCESS:
            page.close()
            page = self._load(number)
        self.files += [(number - 1, index) for index in found.files]
        return page, found

    def _prepare(
        self, page: pdfium.PdfPage, number: int, annotations: Annotations, *, has_boxes: bool, looks_on: bool
    ) -> Page | PageJob:
        options = self._options
        looks = options.with_tables or self._looks_at_pictures
        drawn = find_drawn(page, with_lines=options.with_tables) if looks else NOTHING
        drawn = self.recognition.unseen(drawn)
        is_grid = has_grid(drawn.lines)
        with_words = has_boxes or is_grid or self.recognition.may_merge(drawn)
        layer = read_text_layer(page, options.settings.max_text_chars + 1, with_words=with_words)
        width, height = page.get_size()
        found = Page(number, layer.text, width, height, layer.words)
        tables = list(find_tables(found, drawn.lines)) if is_grid else []
        if options.with_tables and annotations.fields:
            tables.append(Table(number, tuple(annotations.fields)))
        if tables:
            self.tables[number] = tables
        job = self.recognition.prepare(found, layer.meaning, drawn)
        if looks_on:
            job = self._looked_at(page, found, drawn, job)
        if isinstance(job, Page):
            return _finished(job, annotations.comments, has_boxes=has_boxes)
        finish = job.finish
        return replace(job, finish=lambda page: _finished(finish(page), annotations.comments, has_boxes=has_boxes))

    def _looked_at(self, page: pdfium.PdfPage, found: Page, drawn: Drawn, job: Page | PageJob) -> Page | PageJob:
        """A scan is looked at when it is drawn to be recognised."""
        if isinstance(job, PageJob) and is_scan(found):
            return watched(job, self.looks.append)
        if len(found.text) <= self._options.look_chars:
            self.looks += look_at_page(page, found, drawn, self._options.settings)
        return job


def _finished(page: Page, comments: list[str], *, has_boxes: bool) -> Page:
    """With boxes only where they are wanted, and with comments, which have none."""
    if page.words and not has_boxes:
        page = replace(page, words=())
    if not comments:
        return page
    source = TextSource.DIGITAL if page.source is TextSource.NONE else page.source
    return replace(page, text="\n".join(filter(None, (page.text, *comments))), source=source)
