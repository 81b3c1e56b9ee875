"""What binary workbooks tell about their cells before they are read (MS-XLS, MS-XLSB): reach, formats, errors."""

import struct
from collections.abc import Iterator, Mapping

import olefile

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.reading.number_format import BUILT_IN, number_format
from heron_grpc.reading.office_package import OfficePackage
from heron_grpc.reading.ole_properties import summary
from heron_grpc.reading.xlsx_cells import SheetOutline

# Records of xls (MS-XLS 2.3), and where cells have their row, column and style: the first six bytes.
_BOUND_SHEET, _FILE_PASS, _FORMAT, _EXTENDED_FORMAT, _END = 0x85, 0x2F, 0x41E, 0xE0, 0x0A
_DIMENSIONS, _BEGIN = 0x200, 0x809
_ENDLESS = 2**32
_BOOLEAN_OR_ERROR, _FORMULA, _MANY_NUMBERS = 0x205, 0x06, 0xBD
_CELLS = frozenset({0x203, 0x27E, _MANY_NUMBERS, 0xFD, 0x204, 0xD6, _FORMULA, _BOOLEAN_OR_ERROR})
_CELL = struct.Struct("<HHH")
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
# Records of xlsb (MS-XLSB 2.3): the row header, then cells from 1 (blank) to 11 (formula with an error).
_ROW_HEADER, _LAST_CELL, _ERROR_CELLS = 0, 11, frozenset({3, 11})
_LEAST_CELL = 8
_BINARY_FORMAT, _STYLES_BEGIN, _STYLES_END, _STYLE, _SHEET = 44, 617, 618, 47, 156
_STREAMS = ("Workbook", "Book")
_SUMMARY = "\x05SummaryInformation"
# What olefile raises for damaged files.
_DAMAGE = (OSError, ValueError, IndexError, TypeError, AttributeError, struct.error)


def xls_stream(path: str) -> tuple[str, bytes]:
    """Name and content of the stream that holds the workbook. Raises CorruptDocument."""
    try:
        with olefile.OleFileIO(path) as ole:
            name = next((name for name in _STREAMS if ole.exists(name)), _STREAMS[0])
            return name, bytes(ole.openstream(name).read())
    except _DAMAGE as error:
        raise CorruptDocument("the workbook is damaged") from error


def xls_outlines(data: bytes) -> list[SheetOutline]:
    """Of every sheet of a workbook's stream, in its order. Raises EncryptedDocument."""
    starts, codes, styles = [], dict(BUILT_IN), []
    for kind, at, size in _records(data, 0):
        if kind == _FILE_PASS:
            raise EncryptedDocument("the document is protected by a password")
        if kind == _BOUND_SHEET and size >= 4:
            starts.append(int.from_bytes(data[at : at + 4], "little"))
        elif kind == _FORMAT and size > 5:
            codes[int.from_bytes(data[at : at + 2], "little")] = _format_code(data[at + 2 : at + size])
        elif kind == _EXTENDED_FORMAT and size >= 4:
            styles.append(int.from_bytes(data[at + 2 : at + 4], "little"))
        elif kind == _END:
            break
    formats = _understood(codes, styles)
    return [_xls_outline(data, start, formats) for start in starts]


def xls_metadata(path: str) -> dict[str, str]:
    """What the document says about itself; nothing where that is damaged."""
    try:
        with olefile.OleFileIO(path) as ole:
            return summary(ole.openstream(_SUMMARY).read()) if ole.exists(_SUMMARY) else {}
    except _DAMAGE:
        return {}


def xlsb_outlines(package: OfficePackage) -> list[SheetOutline]:
    """Of every sheet, in the workbook's order. Raises CorruptDocument."""
    main = package.main_part("xl/workbook.bin")
    relations = package.relations(main)
    targets = {relation.kind: relation.target for relation in relations.values()}
    styles = targets.get("styles", "xl/styles.bin")
    formats = _binary_formats(package.content(styles)) if styles in package else {}
    outlines = []
    for _, record in _binary_records(package.content(main), {_SHEET}):
        relation = relations.get(_wide_string(record, 8))
        part = relation.target if relation and relation.target in package else ""
        outlines.append(_binary_outline(package.content(part), part, formats) if part else SheetOutline())
    return outlines


def _records(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind of each record, and where its content begins and how long it is."""
    end = len(data) - 3
    while 0 <= at < end:
        kind, size = data[at] | data[at + 1] << 8, data[at + 2] | data[at + 3] << 8
        yield kind, at + 4, size
        at += 4 + size


def _xls_outline(data: bytes, start: int, formats: Mapping[int, str]) -> SheetOutline:
    outline = SheetOutline()
    depth = 0
    for kind, at, size in _records(data, start):
        if kind == _BEGIN:
            # A chart on the sheet is a sheet within.
            depth += 1
        elif kind == _END:
            depth -= 1
            if depth <= 0:
                break
        elif kind == _DIMENSIONS and size >= 10:
            rows, columns = _promised(data[at : at + size].ljust(size, b"\0"))
            outline.rows, outline.columns = max(outline.rows, rows), max(outline.columns, columns)
        elif kind in _CELLS and size >= 6 and at + 6 <= len(data):
            _add_cell(outline, kind, data[at : at + size], formats)
    return outline


def _promised(record: bytes) -> tuple[int, int]:
    """Rows and columns calamine makes room for; endless where the last would come before the first."""
    first_row, rows, first_column, columns = struct.unpack_from("<IIHH" if len(record) >= 14 else "<HHHH", record)
    if (rows and rows <= first_row) or (columns and columns <= first_column):
        return _ENDLESS, _ENDLESS
    return rows, columns


def _add_cell(outline: SheetOutline, kind: int, record: bytes, formats: Mapping[int, str]) -> None:
    row, column, style = _CELL.unpack_from(record)
    last = column
    if kind == _MANY_NUMBERS:
        last = max(column, int.from_bytes(record[-2:], "little"))
        for at, place in enumerate(range(4, len(record) - 2, 6)):
            if code := formats.get(int.from_bytes(record[place : place + 2], "little")):
                outline.formats[row, column + at] = code
    elif code := formats.get(style):
        outline.formats[row, column] = code
    if kind == _BOOLEAN_OR_ERROR and record[7:8] == b"\1":
        outline.texts[row, column] = _ERRORS.get(record[6], "")
    elif kind == _FORMULA and record[6:7] == b"\2" and record[12:14] == b"\xff\xff":
        outline.texts[row, column] = _ERRORS.get(record[8], "")
    outline.rows = max(outline.rows, row + 1)
    outline.columns = max(outline.columns, last + 1)


def _format_code(content: bytes) -> str:
    """A string with its length before it, in one or two bytes a character (MS-XLS 2.5.294)."""
    length, is_wide = int.from_bytes(content[:2], "little"), content[2] & 1
    return content[3 : 3 + length * (1 + is_wide)].decode("utf-16-le" if is_wide else "latin-1", "replace")


def _understood(codes: Mapping[int, str], styles: list[int]) -> dict[int, str]:
    return {at: codes[style] for at, style in enumerate(styles) if number_format(codes.get(style, ""))}


def _binary_records(data: bytes, kinds: set[int] | frozenset[int]) -> Iterator[tuple[int, bytes]]:
    """Records of these kinds: kind in one or two bytes, size in one to four, seven bits each (MS-XLSB 2.1.4)."""
    at, end = 0, len(data)
    while at < end:
        kind = data[at]
        at += 1
        if kind & 0x80 and at < end:
            kind = kind & 0x7F | (data[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while at < end and shift < 28:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if kind in kinds:
            yield kind, data[at : at + size]
        at += size


def _binary_outline(data: bytes, part: str, formats: Mapping[int, str]) -> SheetOutline:
    outline = SheetOutline(part=part)
    row = 0
    for kind, record in _binary_records(data, frozenset(range(_LAST_CELL + 1))):
        number = int.from_bytes(record[:4], "little")
        if len(record) < _LEAST_CELL:
            # calamine would take what is missing from the record before.
            return SheetOutline(_ENDLESS, _ENDLESS)
        if kind == _ROW_HEADER:
            row = number
            continue
        if kind == 1:
            continue
        outline.rows, outline.columns = max(outline.rows, row + 1), max(outline.columns, number + 1)
        if code := formats.get(int.from_bytes(record[4:7], "little")):
            outline.formats[row, number] = code
        if kind in _ERROR_CELLS and len(record) > 8:
            outline.texts[row, number] = _ERRORS.get(record[8], "")
    return outline


def _binary_formats(data: bytes) -> dict[int, str]:
    codes, styles, is_cells = dict(BUILT_IN), [], False
    for kind, record in _binary_records(data, {_BINARY_FORMAT, _STYLES_BEGIN, _STYLES_END, _STYLE}):
        if kind == _BINARY_FORMAT:
            codes[int.from_bytes(record[:2], "little")] = _wide_string(record, 2)
        elif kind == _STYLE and is_cells:
            styles.append(int.from_bytes(record[2:4], "little"))
        else:
            is_cells = kind == _STYLES_BEGIN
    return _understood(codes, styles)


def _wide_string(record: bytes, at: int) -> str:
    length = int.from_bytes(record[at : at + 4], "little")
    return record[at + 4 : at + 4 + 2 * length].decode("utf-16-le", "replace")
