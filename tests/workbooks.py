"""Workbooks made on the spot: xlsx, xlsb, xls and ods without a library that writes them."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_OFFICE}"'
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def relations(**targets: str) -> str:
    """Relations by id; the kind is the id without figures."""
    each = (
        f'<Relationship Id="{key}" Type="{_OFFICE}/{key.rstrip("0123456789")}" Target="{target}"/>'
        for key, target in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(each)}</Relationships>'


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def xlsx(
    sheets: Mapping[str, str],
    *,
    formats: Sequence[str] = (),
    strings: Sequence[str] = (),
    hidden: Sequence[str] = (),
    parts: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """Sheets are the XML within their root; a cell of style n has the nth of the formats, from 1."""
    numbers = {name: number for number, name in enumerate(sheets, 1)}
    shut = dict.fromkeys(hidden, ' state="hidden"')
    tags = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="worksheet{number}"{shut.get(name, "")}/>'
        for name, number in numbers.items()
    )
    codes = "".join(
        f'<numFmt numFmtId="{163 + at}" formatCode="{escape(code)}"/>' for at, code in enumerate(formats, 1)
    )
    styles = "".join(f'<xf numFmtId="{163 + at if at else 0}"/>' for at in range(len(formats) + 1))
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    overrides = f'<Override PartName="/xl/workbook.xml" ContentType="{_MAIN_TYPE}"/>'
    targets = {f"worksheet{number}": f"worksheets/sheet{number}.xml" for number in numbers.values()}
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{overrides}</Types>',
            "_rels/.rels": relations(officeDocument="xl/workbook.xml"),
            "xl/workbook.xml": f"<workbook {_MAIN}><sheets>{tags}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": relations(styles="styles.xml", sharedStrings="sharedStrings.xml", **targets),
            "xl/styles.xml": f"<styleSheet {_MAIN}><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>",
            "xl/sharedStrings.xml": f"<sst {_MAIN}>{shared}</sst>",
            **{
                f"xl/worksheets/sheet{number}.xml": f"<worksheet {_MAIN}>{sheets[name]}</worksheet>"
                for name, number in numbers.items()
            },
            **(parts or {}),
        }
    )


def rows(*cells: Sequence[str]) -> str:
    """Rows of cells, each the XML of a cell without its place: attributes, a bar, content."""
    lines = []
    for row, line in enumerate(cells, 1):
        tags = []
        for column, cell in enumerate(line):
            attributes, _, content = cell.rpartition("|")
            if cell:
                tags.append(f'<c r="{chr(65 + column)}{row}" {attributes}>{content}</c>')
        lines.append(f'<row r="{row}">{"".join(tags)}</row>')
    return f"<sheetData>{''.join(lines)}</sheetData>"


def number(value: object, style: int = 0) -> str:
    return f's="{style}"|<v>{value}</v>'


def text(value: str) -> str:
    return f't="inlineStr"|<is><t>{escape(value)}</t></is>'


def ods(tables: str, styles: str = "") -> bytes:
    names = ("office", "table", "text", "style")
    spaces = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in names)
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})


def xlsb(values: Sequence[Sequence[float | str]], *, last: tuple[int, int] | None = None) -> bytes:
    """One sheet of numbers and texts (MS-XLSB 2.1.7.62); `last` is the place of one more number."""

    def record(kind: int, content: bytes = b"") -> bytes:
        head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size = len(content)
        return head + (bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])) + content

    def wide(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    def row(index: int) -> bytes:
        return record(0, struct.pack("<IIHBBBI", index, 0, 300, 0, 0, 0, 0))

    def cell(column: int, value: float | str) -> bytes:
        place = struct.pack("<II", column, 0)
        return record(6, place + wide(value)) if isinstance(value, str) else record(5, place + struct.pack("<d", value))

    end = last or (len(values) - 1, len(values[0]) - 1)
    lines = [b"".join(cell(column, value) for column, value in enumerate(line)) for line in values]
    body = b"".join(row(at) + line for at, line in enumerate(lines))
    if last:
        body += row(last[0]) + cell(last[1], 1.0)
    size = record(148, struct.pack("<IIII", 0, end[0], 0, end[1]))
    sheet = record(129) + size + record(145) + body + record(146) + record(130)
    bundle = record(156, struct.pack("<II", 0, 1) + wide("worksheet1") + wide("Binary"))
    workbook = record(131) + record(143) + bundle + record(144) + record(132)
    kind = '<Default Extension="bin" ContentType="application/vnd.ms-excel"/>'
    types = f'<Types xmlns="{_PACKAGE}/content-types">{kind}</Types>'
    return zipped(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": relations(officeDocument="xl/workbook.bin"),
            "xl/workbook.bin": workbook,
            "xl/_rels/workbook.bin.rels": relations(worksheet1="worksheets/sheet1.bin"),
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def xls(cells: bytes, *, globals_: bytes = b"") -> bytes:
    """One sheet of these records in a compound file (MS-XLS, MS-CFB)."""
    begin = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    name = b"Sheet"
    length = len(begin) + len(globals_) + 4 + 8 + len(name) + 4
    bound = biff(0x85, struct.pack("<IBBBB", length, 0, 0, len(name), 0) + name)
    sheet = biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + cells + biff(0x0A)
    return compound("Workbook", begin + globals_ + bound + biff(0x0A) + sheet)


def biff(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def compound(name: str, content: bytes) -> bytes:
    """A compound file with one stream, above the size of those kept in the small sectors."""
    content = content.ljust(4096, b"\0")
    content += b"\0" * (-len(content) % 512)
    count = len(content) // 512
    chain = [*range(1, count), 0xFFFFFFFE, 0xFFFFFFFE, 0xFFFFFFFD]
    assert len(chain) <= 128
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        encoded = title.encode("utf-16-le") + b"\0\0"
        return struct.pack(
            "<64sHBBIII16sIQQIQ",
            *(encoded, len(encoded), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child, b"", 0, 0, 0, start, size),
        )

    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 0, len(content)) + bytes(256)
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, 1, count, 0, 4096),
        *(0xFFFFFFFE, 0, 0xFFFFFFFE, 0, count + 1),
    )
    return head.ljust(512, b"\xff") + content + directory + table
