"""Opening a PDF file: from memory when it is small, with its password, and repaired when it is cut short."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from heron_grpc.domain.errors import CorruptDocument, DocumentError, EncryptedDocument, ReaderUnavailable
from heron_grpc.reading.heap import heap_bytes
from heron_grpc.reading.pdf_repair import repaired
from heron_grpc.settings import MIB

_IS_LOCKED = re.compile(rb"/Encrypt\b|/Filter\s*/Standard\b")
_SMALL_FILE = 4 * MIB
# Bytes parsed pages may hold; a document of 1,500 invoices came to 270 MB.
_MOST_KEPT = 16 * MIB
# Repairing takes the file into memory three times.
_MOST_REPAIRED = 64 * MIB


@contextmanager
def open_pdf(path: str, password: str) -> Iterator["PdfFile"]:
    """No page may be open at the end. Raises CorruptDocument, EncryptedDocument and ReaderUnavailable."""
    file = PdfFile(path, password)
    try:
        yield file
    finally:
        file.document.close()


class PdfFile:
    """An open document, its forms set up."""

    def __init__(self, path: str, password: str) -> None:
        self._path = path
        self._password = password
        self._content = _content(path, _SMALL_FILE)
        # Whether the list of its pages was lost.
        self.is_repaired = False
        try:
            self.document = self._opened()
        except CorruptDocument:
            self._content = _repaired(path)
            self.is_repaired = True
            self.document = self._opened()
        self._heap_bytes = heap_bytes()

    def may_have_pictures(self) -> bool:
        """Whether a page may show an image: its dictionary is never packed (ISO 32000-2, 7.5.7)."""
        # Beside /ImageB, /ImageC and /ImageI, which say nothing. A pattern takes ten times as long.
        return not self._content or any(rest[:1] not in b"BCI" for rest in self._content.split(b"/Image")[1:])

    def make_room(self) -> None:
        """Opens the document anew when its pages have taken much memory: PDFium keeps all it has parsed.

        To be called while no page is open; what was changed is lost.
        """
        if heap_bytes() - self._heap_bytes > _MOST_KEPT:
            self.document.close()
            self.document = self._opened()
            self._heap_bytes = heap_bytes()

    def _opened(self) -> pdfium.PdfDocument:
        document = _document(self._path, self._content, self._password)
        if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
            # Of every XFA form it says that it is none it can draw.
            logging.getLogger("pypdfium2").setLevel(logging.ERROR)
            document.init_forms()
        return document


def _content(path: str, most: int) -> bytes:
    """The whole file, which PDFium then reads without asking the system for each piece; empty for a large one."""
    with Path(path).open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size <= most else b""
    return content if len(content) == size else b""


def _document(path: str, content: bytes, password: str) -> pdfium.PdfDocument:
    """From its content, which must outlive the document, or else from its path."""
    secret = password.encode() + b"\0" if password else None
    if content:
        handle = pdfium_c.FPDF_LoadMemDocument64(content, len(content), secret)
    else:
        # The binding's own opening resolves the path first, and a spooled file has no name to resolve to.
        handle = pdfium_c.FPDF_LoadDocument(os.fsencode(path) + b"\0", secret)
    if not handle:
        raise _error(pdfium_c.FPDF_GetLastError(), password)
    document = pdfium.PdfDocument(handle)
    if not len(document):
        document.close()
        raise CorruptDocument("the PDF has no pages")
    return document


def _error(reason: int, password: str) -> DocumentError | ReaderUnavailable:
    if reason == pdfium_c.FPDF_ERR_FILE:
        return ReaderUnavailable("the spooled document cannot be opened")
    if reason in {pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY}:
        return EncryptedDocument(
            "the password does not open the document" if password else "the document is protected by a password"
        )
    return CorruptDocument("the PDF is damaged beyond repair")


def _repaired(path: str) -> bytes:
    content = _content(path, _MOST_REPAIRED)
    # Without its end nothing says how an encrypted document is to be deciphered.
    found = None if _IS_LOCKED.search(content) else repaired(content)
    if not found:
        raise CorruptDocument("the PDF is damaged beyond repair")
    return found
