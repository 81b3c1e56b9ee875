"""Word's binary documents, 6 to 2003: body with its tables, headers, footers, notes, comments and text boxes."""

import re
import struct
from collections.abc import Iterator

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.doc_file import DocFile
from heron_grpc.reading.inside import read_inside
from heron_grpc.reading.office_art import pictures
from heron_grpc.reading.ole_storage import attached_files, ole_metadata, open_ole, stream
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.paragraph_stream import ParagraphStream
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.symbol_fonts import PRIVATE_USE

# Marks of fields (begin, result, end), cells, pages and paragraphs, and the text between them.
_TOKEN = re.compile("[\x13\x14\x15\x07\x0c\r]|[^\x13\x14\x15\x07\x0c\r]+")
_PARAGRAPH_END = re.compile("[\x07\r]")
_FIELD, _RESULT, _FIELD_END, _CELL, _PAGE, _PARAGRAPH = "\x13\x14\x15\x07\x0c\r"
# Line breaks and hyphens; the places of pictures, notes and comments, and what was deleted, are no text.
_CHARACTERS = {0x0B: "\n", 0x0E: "\n", 0x1E: "-", **dict.fromkeys((0, 1, 2, 3, 4, 5, 6, 8, 0x1F)), **PRIVATE_USE}
_BODY, _FOOTNOTES, _HEADERS, _MACROS = range(4)
# Separators of notes come before the headers and footers of the sections, six of them each.
_SEPARATORS, _A_SECTION, _OF_HEADERS = 6, 6, frozenset({0, 1, 4})


def read_doc(path: str, options: ReadOptions) -> Iterator[Step]:
    """Pages end where breaks are set. Raises CorruptDocument and EncryptedDocument."""
    with open_ole(path) as ole:
        document = stream(ole, "WordDocument")
        tables = (stream(ole, "0Table"), stream(ole, "1Table"))
        flow = PageFlow()
        try:
            file = DocFile(document, tables)
            _Text(file, flow).read()
        except struct.error as error:
            raise CorruptDocument("the Word document is damaged") from error
        yield Metadata(ole_metadata(ole))
        if file.is_cut:
            yield DocumentWarning("DOCUMENT_INCOMPLETE", "the document breaks off: what followed is missing", STAGE)
        yield from flow.steps(options)
        inside = [*pictures((stream(ole, "Data"), document, *tables)), *attached_files(ole)]
    yield from read_inside(inside, flow.count, options)


class _Text:
    def __init__(self, file: DocFile, flow: PageFlow) -> None:
        self._file, self._flow = file, flow
        self._text = file.text()
        self._continued = file.ends_of_continued_sections()

    def read(self) -> None:
        """Fills the flow: headers first, notes, comments and text boxes last."""
        starts = [0]
        for count in self._file.counts:
            starts.append(starts[-1] + max(count, 0))
        self._headers(starts[_HEADERS], starts[_MACROS])
        self._story(starts[_BODY], starts[_FOOTNOTES])
        self._flow.note(self._captured(starts[_FOOTNOTES], starts[_HEADERS]))
        for first, last in zip(starts[_MACROS + 1 :], starts[_MACROS + 2 :], strict=False):
            self._flow.note(self._captured(first, last))

    def _headers(self, start: int, end: int) -> None:
        """Different ones once each."""
        told: set[str] = set()
        ends = self._file.header_ends() if start < end else []
        for number, (first, last) in enumerate(zip(ends[_SEPARATORS - 1 :], ends[_SEPARATORS:], strict=False)):
            text = self._captured(start + first, min(start + last, end)) if first < last <= end - start else ""
            if text and text not in told:
                told.add(text)
                (self._flow.head if number % _A_SECTION in _OF_HEADERS else self._flow.foot)(text)
        if start < end and not ends:
            self._flow.note(self._captured(start, end))

    def _captured(self, start: int, end: int) -> str:
        return self._flow.captured(lambda: self._story(start, end)) if start < end else ""

    def _story(self, start: int, end: int) -> None:
        """Paragraphs and tables between two positions; what a field is made of is no text, what it shows is."""
        stream = ParagraphStream(self._flow)
        text = self._text[start:end]
        has_fields = text.count(_FIELD) == text.count(_FIELD_END)
        # For every field around the place: whether it is within what the field is made of.
        fields: list[bool] = []
        for token in _TOKEN.finditer(text):
            piece = token[0]
            if piece in {_FIELD, _RESULT, _FIELD_END}:
                _meet(piece, fields)
            elif has_fields and any(fields):
                continue
            elif piece in {_CELL, _PAGE, _PARAGRAPH}:
                self._end(stream, piece, start + token.end())
            else:
                stream.add(piece.translate(_CHARACTERS))
        stream.end()

    def _end(self, stream: ParagraphStream, mark: str, position: int) -> None:
        offset = self._file.end_offset(position)
        if mark == _CELL:
            self._end_cell(stream, position, offset)
        elif mark == _PAGE and position in self._continued:
            stream.end_paragraph()
        elif mark == _PAGE:
            stream.table_depth = int(self._is_in_table(position))
            stream.end_page()
            stream.table_depth = 0
        else:
            stream.table_depth = int(offset in self._file.ends_in_table)
            stream.end_paragraph()
            stream.table_depth = 0

    def _is_in_table(self, position: int) -> bool:
        """Whether the paragraph that goes on there is within a table; the mark that ends it says so."""
        end = _PARAGRAPH_END.search(self._text, position)
        return end is not None and (end[0] == _CELL or self._file.end_offset(end.end()) in self._file.ends_in_table)

    def _end_cell(self, stream: ParagraphStream, position: int, offset: int) -> None:
        """Cells and rows end with the same mark; without properties, a row is what ends right after a cell."""
        is_row = offset in self._file.ends_of_rows
        if not self._file.ends_of_rows:
            is_row = self._text[position - 2 : position - 1] == _CELL and stream.has_cells
        if is_row:
            stream.end_row()
        else:
            stream.end_cell()


def _meet(mark: str, fields: list[bool]) -> None:
    if mark == _FIELD:
        fields.append(True)
    elif fields and mark == _RESULT:
        fields[-1] = False
    elif fields:
        fields.pop()
