"""What a PDF file holds beside its pages' content: metadata, and documents inside it."""

import ctypes
from collections.abc import Callable, Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.reading.embedded import Embedded, room, too_large
from heron_grpc.reading.pdf_annotations import wide_text
from heron_grpc.reading.reader import ReadOptions

_LONGEST_VALUE = 1000
# The packet of an XFA form that holds what was filled in (XFA 3.3, part 1, chapter 1).
_FILLED_IN = "datasets"
# Writes so many bytes to a place and their number to another; whether it did.
_Fetch = Callable[[object, int, ctypes.c_ulong], int]


def metadata(document: pdfium.PdfDocument) -> dict[str, str]:
    """The information dictionary with lower-case keys, e.g. "title", "producer", "creationdate", and the language."""
    entries = document.get_metadata_dict(skip_empty=True)
    if language := wide_text(lambda *place: pdfium_c.FPDFCatalog_GetLanguage(document.raw, *place)):
        entries["language"] = language
    return {key.lower(): value[:_LONGEST_VALUE] for key, value in entries.items()}


def documents_inside(
    document: pdfium.PdfDocument, on_pages: list[tuple[int, int]], options: ReadOptions
) -> Iterator[Embedded]:
    """Attached files, those pinned to pages (page and annotation, from 0), and what an XFA form was filled in with."""
    for index in range(document.count_attachments()):
        yield _embedded(pdfium_c.FPDFDoc_GetAttachment(document.raw, index), options)
    for page_index, index in on_pages:
        page = document[page_index]
        annotation = pdfium_c.FPDFPage_GetAnnot(page.raw, index)
        yield _embedded(pdfium_c.FPDFAnnot_GetFileAttachment(annotation), options)
        pdfium_c.FPDFPage_CloseAnnot(annotation)
        page.close()
    if document.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:
        for index in range(pdfium_c.FPDF_GetXFAPacketCount(document.raw)):
            if _packet_name(document, index) == _FILLED_IN:
                yield _packet(document, index, options)


def _embedded(attachment: pdfium_c.FPDF_ATTACHMENT, options: ReadOptions) -> Embedded:
    name = wide_text(lambda *place: pdfium_c.FPDFAttachment_GetName(attachment, *place))
    return Embedded(name, lambda: _content(lambda *place: pdfium_c.FPDFAttachment_GetFile(attachment, *place), options))


def _packet_name(document: pdfium.PdfDocument, index: int) -> str:
    name = ctypes.create_string_buffer(64)
    pdfium_c.FPDF_GetXFAPacketName(document.raw, index, name, len(name))
    return name.value.decode("utf-8", "replace")


def _packet(document: pdfium.PdfDocument, index: int, options: ReadOptions) -> Embedded:
    def fetch(*place: object) -> int:
        return int(pdfium_c.FPDF_GetXFAPacketContent(document.raw, index, *place))

    return Embedded("form.xml", lambda: _content(fetch, options))


def _content(fetch: _Fetch, options: ReadOptions) -> bytes:
    """Raises CorruptDocument, and ReadingLimitExceeded for one that is too large."""
    size = ctypes.c_ulong()
    if not fetch(None, 0, size) or not size.value:
        raise CorruptDocument("it is empty or damaged")
    if size.value > room(options):
        raise too_large()
    content = ctypes.create_string_buffer(size.value)
    if not fetch(content, size.value, size):
        raise CorruptDocument("it is damaged")
    return content.raw
