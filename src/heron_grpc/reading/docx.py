"""Word documents (ECMA-376): body in reading order with its tables, headers, footers, notes and text boxes."""

from collections.abc import Iterator
from itertools import chain

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement

from heron_grpc.domain.document import Page, Table
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.office_package import check_package
from heron_grpc.reading.page_selection import select_pages
from heron_grpc.reading.reader import ReadOptions

_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT_BOX = qn("w:txbxContent")
# Text boxes are written twice, the second time for old programs.
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_TEXT = qn("w:t")
_NOTES = ("/word/footnotes.xml", "/word/endnotes.xml")
_NOTE_TEXT = (qn("w:footnote"), qn("w:endnote"))
_PROPERTIES = ("title", "subject", "author", "keywords", "comments", "category", "last_modified_by")


def read_docx(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page: where Word breaks pages is not written down.

    Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded.
    """
    check_package(path, options.settings)
    document = _open(path)
    tables: list[Table] = []
    parts = chain(
        _headers(document, "header"),
        _blocks(document.element.body, tables),
        _notes(document),
        _headers(document, "footer"),
    )
    text = "\n".join(part for part in parts if part.strip())
    numbers, warnings = select_pages(1, options)
    yield Metadata(_metadata(document))
    yield from warnings
    if numbers:
        yield Page(1, text)
        yield from tables


def _open(path: str) -> Document:
    try:
        return docx.Document(path)
    except (PackageNotFoundError, KeyError, ValueError, SyntaxError, AttributeError) as error:
        # What python-docx raises for missing parts, wrong types and broken XML.
        raise CorruptDocument("the Word document is damaged") from error


def _blocks(container: BaseOxmlElement, tables: list[Table]) -> Iterator[str]:
    """Texts of the paragraphs and tables in a container, wherever content controls and the like have put them.

    python-docx's own iteration misses what stands in content controls, insertions and text boxes.
    """
    for element in container.iterchildren():
        if element.tag == _PARAGRAPH:
            yield from _paragraph(element, tables)
        elif element.tag == _TABLE:
            yield _table(element, tables)
        elif element.tag != _FALLBACK:
            yield from _blocks(element, tables)


def _paragraph(element: BaseOxmlElement, tables: list[Table]) -> Iterator[str]:
    """The paragraph, then its text boxes."""
    pieces: list[str] = []
    boxes: list[BaseOxmlElement] = []
    _collect(element, pieces, boxes)
    yield "".join(pieces)
    for box in boxes:
        yield from _blocks(box, tables)


def _collect(element: BaseOxmlElement, pieces: list[str], boxes: list[BaseOxmlElement]) -> None:
    for child in element.iterchildren():
        if child.tag == _TEXT:
            pieces.append(child.text or "")
        elif child.tag in _BREAKS:
            pieces.append(_BREAKS[child.tag])
        elif child.tag == _TEXT_BOX:
            boxes.append(child)
        elif child.tag != _FALLBACK:
            _collect(child, pieces, boxes)


def _table(element: BaseOxmlElement, tables: list[Table]) -> str:
    """The table as lines of tab-separated cells; tables inside it are kept on their own too."""
    rows = tuple(tuple(_cells(row, tables)) for row in _within(element, _ROW))
    tables.append(Table(1, rows))
    return "\n".join("\t".join(cell.replace("\n", " ") for cell in row) for row in rows)


def _cells(row: BaseOxmlElement, tables: list[Table]) -> Iterator[str]:
    return ("\n".join(part for part in _blocks(cell, tables) if part).strip() for cell in _within(row, _CELL))


def _within(element: BaseOxmlElement, tag: str) -> Iterator[BaseOxmlElement]:
    """Children of that tag, through content controls."""
    for child in element.iterchildren():
        if child.tag == tag:
            yield child
        elif child.tag not in {_TABLE, _PARAGRAPH}:
            yield from _within(child, tag)


def _headers(document: Document, kind: str) -> Iterator[str]:
    """Distinct headers (or footers) of all sections: usual, first page, even pages."""
    seen: set[str] = set()
    for section in document.sections:
        for name in (kind, f"first_page_{kind}", f"even_page_{kind}"):
            story = getattr(section, name)
            if story.is_linked_to_previous:
                continue
            text = "\n".join(part for part in _blocks(story._element, []) if part.strip())  # noqa: SLF001  no public way
            if text not in seen:
                seen.add(text)
                yield text


def _notes(document: Document) -> Iterator[str]:
    for part in document.part.package.iter_parts():
        if str(part.partname) in _NOTES:
            for note in parse_xml(part.blob).iterchildren(*_NOTE_TEXT):
                yield from _blocks(note, [])


def _metadata(document: Document) -> dict[str, str]:
    properties = document.core_properties
    return {name: value for name in _PROPERTIES if (value := str(getattr(properties, name, "") or ""))}
