"""Workbooks: sheets, kinds of cells, what stands beside cells, and what is made to hurt."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from PIL import Image

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded
from heron_grpc.reading.ole_properties import summary
from workbooks import biff, compound, number, ods, relations, rows, text, xls, xlsb, xlsx, zipped

Read = Callable[..., Reading]
NEAR_ROW = '<row r="1"><c r="A1"><v>1</v></c></row>'
FAR = f'<sheetData>{NEAR_ROW}<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData>'


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def test_each_sheet_is_a_page_under_its_name_and_a_table(read: Read) -> None:
    reading = read(xlsx({"First": rows([text("a"), number(1)]), "Second": rows([text("b"), number(2)])}))
    assert [page.text for page in reading.pages] == ["First\na\t1", "Second\nb\t2"]
    assert [(table.page, table.rows) for table in reading.tables] == [(1, (("a", "1"),)), (2, (("b", "2"),))]


def test_hidden_sheets_are_read_and_told(read: Read) -> None:
    reading = read(xlsx({"Open": rows([number(1)]), "Shut": rows([number(2)])}, hidden=["Shut"]))
    assert reading.metadata["hidden_sheets"] == "Shut"
    assert reading.pages[1].text == "Shut\n2"


@pytest.mark.parametrize(
    ("cell", "code", "shown"),
    [
        (number(0.30000000000000004), "", "0.3"),
        (number(1234567890123456), "", "1234567890123456"),
        (number(1e-9), "", "1e-09"),
        (number(0.19, 1), "0%", "19%"),
        (number(0.1925, 1), "0.0%", "19.3%"),
        (number(-1234.5, 1), '#,##0.00\\ "€";[Red]\\-#,##0.00\\ "€"', "-1234.50 €"),
        (number(12.3, 1), "_-[$£-809]* #,##0.00_-", "£12.30"),
        (number(1234, 1), "00000", "01234"),
        (number(1.5, 1), "0.0##", "1.5"),
        (number(1234, 1), "0.00E+00", "1234"),
        (number(2.5, 1), "# ?/?", "2.5"),
        (number(45000, 1), "dd.mm.yyyy", "2023-03-15"),
        (number(45000.25, 1), "dd.mm.yyyy hh:mm", "2023-03-15 06:00"),
        (number(0.5, 1), "hh:mm", "12:00"),
        (number(1.5, 1), "[h]:mm", "36:00"),
        ('t="b"|<v>1</v>', "", "TRUE"),
        ('t="e"|<v>#DIV/0!</v>', "", "#DIV/0!"),
        ('t="e"|<f>1/0</f><v>#N/A</v>', "", "#N/A"),
        ('t="str"|<f>A2</f><v>found</v>', "", "found"),
        ('t="s"|<v>0</v>', "", "shared"),
    ],
)
def test_cells_are_shown_as_in_the_workbook(read: Read, cell: str, code: str, shown: str) -> None:
    workbook = xlsx({"S": rows([text("x"), cell])}, formats=[code] if code else [], strings=["shared"])
    assert read(workbook).tables[0].rows == (("x", shown),)


def test_rows_and_columns_without_anything_are_left_out(read: Read) -> None:
    reading = read(xlsx({"S": rows([], ["", text("a"), "", text("b")], [], ["", text("c")])}))
    assert reading.tables[0].rows == (("a", "b"), ("c",))
    assert reading.text == "S\na\tb\nc"


def test_a_sheet_whose_cells_lie_too_far_apart_is_said_and_the_others_are_read(read: Read) -> None:
    reading = read(xlsx({"Far": FAR, "Near": rows([text("here")])}))
    assert codes(reading) == ["SHEET_UNREADABLE"]
    assert reading.warnings[0].page == 1
    assert [page.text for page in reading.pages] == ["Far", "Near\nhere"]


@pytest.mark.parametrize(
    "cell", ["<x:c  r='XFD1048576'  ><x:v>2</x:v></x:c>", '<c s="0" r="XFD1048576"><f>1</f><v>2</v></c>']
)
def test_no_way_to_write_a_far_cell_escapes(read: Read, cell: str) -> None:
    sheet = f'<sheetData xmlns:x="http://x">{NEAR_ROW}<row r="1048576">{cell}</row></sheetData>'
    assert codes(read(xlsx({"S": sheet}))) == ["SHEET_UNREADABLE"]


def test_cells_that_only_have_a_style_are_not_far(read: Read) -> None:
    sheet = '<sheetData><row r="1"><c r="A1"><v>7</v></c><c r="XFD1" s="0"/></row><row r="1048576"/></sheetData>'
    assert read(xlsx({"S": sheet})).tables[0].rows == (("7",),)


def test_a_long_text_repeated_without_end_is_refused(read: Read) -> None:
    cells = rows(*[['t="s"|<v>0</v>']] * 3_000)
    with pytest.raises(ReadingLimitExceeded):
        read(xlsx({"S": cells}, strings=["words " * 20_000]))


def test_sheets_beyond_the_text_limit_are_cut_with_a_warning(read: Read) -> None:
    reading = read(xlsx({"S": rows(*[[text("some words"), number(1)]] * 500)}), max_text_chars=1_000)
    assert "TEXT_TRUNCATED" in codes(reading)
    assert len(reading.text) == 1_000


def test_what_stands_beside_the_cells_is_read(read: Read) -> None:
    drawing = (
        '<d:wsDr xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        "<a:p><a:r><a:t>In a box</a:t></a:r></a:p></d:wsDr>"
    )
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    comments = f"<comments {main}><comment><text><r><t>A remark</t></r></text></comment></comments>"
    header = '<headerFooter><oddHeader>&amp;L&amp;"Arial,Bold"&amp;14Heron &amp;&amp; Sons&amp;RPage &amp;P</oddHeader>'
    header += "</headerFooter>"
    picture = io.BytesIO()
    Image.new("L", (200, 100), 255).save(picture, "PNG")
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(
            drawing="../drawings/drawing1.xml", comments="../comments1.xml"
        ),
        "xl/drawings/drawing1.xml": drawing,
        "xl/drawings/_rels/drawing1.xml.rels": relations(image="../media/image1.png"),
        "xl/comments1.xml": comments,
        "xl/media/image1.png": picture.getvalue(),
    }
    reading = read(xlsx({"S": rows([text("cell")]) + header}, parts=parts))
    assert reading.pages[0].text == "Heron & Sons\tPage\nS\ncell\nIn a box\nA remark"
    assert [(part.name, part.media_type) for part in reading.parts] == [("image1.png", "image/png")]


def test_damage_beside_the_cells_does_not_cost_them(read: Read) -> None:
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(drawing="../drawing1.xml", comments="../comments1.xml"),
        "xl/drawing1.xml": "<d:wsDr",
        "xl/comments1.xml": "<comments",
    }
    reading = read(xlsx({"S": rows([text("cell")])}, parts=parts))
    assert reading.text == "S\ncell"
    assert codes(reading) == ["DOCUMENT_INCOMPLETE"]


def test_properties_are_metadata(read: Read) -> None:
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Prices</dc:title></cp:coreProperties>'
    )
    assert read(xlsx({"S": rows([number(1)])}, parts={"docProps/core.xml": core})).metadata["title"] == "Prices"


def test_a_truncated_workbook_is_refused(read: Read) -> None:
    with pytest.raises(CorruptDocument):
        read(xlsx({"S": rows([number(1)])})[:900])


def test_a_damaged_sheet_is_said_and_the_others_are_read(read: Read) -> None:
    reading = read(xlsx({"Bad": "<sheetData><row r='1'><c r='A1'><v>1</v>", "Good": rows([text("fine")])}))
    assert reading.pages[-1].text == "Good\nfine"


def test_an_encrypted_package_asks_for_its_password(read: Read) -> None:
    with pytest.raises(EncryptedDocument):
        read(compound("EncryptedPackage", b"secret" * 1000))


def test_xlsb_is_read(read: Read) -> None:
    reading = read(xlsb([["rods", 12.5], ["lines", 3.0]]))
    assert reading.media_type.endswith("binary.macroenabled.12")
    assert reading.tables[0].rows == (("rods", "12.5"), ("lines", "3"))


def test_xlsb_with_a_far_cell_is_said(read: Read) -> None:
    assert codes(read(xlsb([["rods", 12.5]], last=(1_048_575, 16_383)))) == ["SHEET_UNREADABLE"]


def test_xlsb_with_a_record_cut_short_is_said(read: Read) -> None:
    whole = zipfile.ZipFile(io.BytesIO(xlsb([["rods", 12.5]])))
    parts = {name: whole.read(name) for name in whole.namelist()}
    sheet = "xl/worksheets/sheet1.bin"
    parts[sheet] = parts[sheet].replace(b"\x05\x10", b"\x00\x00\x05\x10")
    assert codes(read(zipped(parts))) == ["SHEET_UNREADABLE"]


def cell(kind: int, row: int, column: int, content: bytes, style: int = 0) -> bytes:
    return biff(kind, struct.pack("<HHH", row, column, style) + content)


def test_xls_is_read_with_formats_and_errors(read: Read) -> None:
    code = '0.00" EUR"'
    formats = biff(0x41E, struct.pack("<HHB", 164, len(code), 0) + code.encode())
    styles = biff(0xE0, struct.pack("<HH16s", 0, 0, b"")) + biff(0xE0, struct.pack("<HH16s", 0, 164, b""))
    label = cell(0x204, 0, 0, struct.pack("<HB", 4, 0) + b"rods")
    price = cell(0x203, 0, 1, struct.pack("<d", 12.5), 1)
    error = cell(0x205, 0, 2, b"\x07\x01")
    reading = read(xls(label + price + error, globals_=formats + styles))
    assert reading.media_type == "application/vnd.ms-excel"
    assert reading.tables[0].rows == (("rods", "12.50 EUR", "#DIV/0!"),)


def test_xls_with_a_far_cell_is_refused(read: Read) -> None:
    near, far = cell(0x203, 0, 0, struct.pack("<d", 1)), cell(0x203, 65_535, 65_000, struct.pack("<d", 2))
    with pytest.raises(ReadingLimitExceeded):
        read(xls(near + far))


def test_xls_that_promises_very_many_cells_is_refused(read: Read) -> None:
    promise = biff(0x200, struct.pack("<IIHHH", 0, 2**32 - 1, 0, 2**16 - 1, 0))
    with pytest.raises(ReadingLimitExceeded):
        read(xls(promise + cell(0x203, 0, 0, struct.pack("<d", 1))))


def test_an_encrypted_xls_asks_for_its_password(read: Read) -> None:
    with pytest.raises(EncryptedDocument):
        read(xls(b"", globals_=biff(0x2F, b"\1\0" + bytes(52))))


def test_ods_is_read_as_shown_with_dates_in_iso(read: Read) -> None:
    sheet = (
        '<table:table table:name="Prices" table:style-name="shut"><table:table-row>'
        "<table:table-cell><text:p>rods</text:p></table:table-cell>"
        '<table:table-cell office:value-type="currency" office:value="12.5"><text:p>12,50 €</text:p></table:table-cell>'
        '<table:table-cell office:date-value="2024-03-01"><text:p>01.03.24</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="7"/>'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row></table:table>'
    )
    style = '<style:style style:name="shut"><style:table-properties table:display="false"/></style:style>'
    reading = read(ods(sheet, style))
    assert reading.text == "Prices\nrods\t12,50 €\t2024-03-01\t7"
    assert reading.tables[0].rows == (("rods", "12,50 €", "2024-03-01", "7"),)
    assert reading.metadata == {"hidden_sheets": "Prices"}


def test_ods_without_sheets_is_refused(read: Read) -> None:
    with pytest.raises(CorruptDocument):
        read(zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"}))


def test_ods_that_repeats_a_row_without_end_is_bounded(read: Read) -> None:
    cell = "<table:table-cell><text:p>x</text:p></table:table-cell>"
    row = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
    assert codes(read(ods(f'<table:table table:name="S">{row}</table:table>'))) == ["TABLE_INCOMPLETE"]


def test_the_summary_of_a_compound_file_is_metadata_and_bounded() -> None:
    def properties(count: int) -> bytes:
        title = struct.pack("<II", 30, 6) + "Prices".encode("cp1252")
        places = struct.pack("<II", 2, 8 + 16) + struct.pack("<II", 1, 8 + 16 + 14)
        section = struct.pack("<II", 64, count) + places + title + struct.pack("<IH", 2, 1252)
        return bytes(28) + bytes(16) + struct.pack("<I", 48) + section

    assert summary(properties(2)) == {"title": "Prices"}
    assert summary(properties(2**32 - 1))["title"] == "Prices"
    assert summary(b"") == {}
