"""Uploads are spooled into files without a name; every format is read from /proc/PID/fd/N."""

import io
import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

import office_files as office
from heron_grpc.domain.document import ReadRequest
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.registry import media_types

MakePool = Callable[..., ReadingPool]

MAIL = b"From: ada@heron.example\r\nTo: bo@heron.example\r\nSubject: herons\r\nMIME-Version: 1.0\r\n\r\nA note\r\n"
CELL = "<row><c t='inlineStr' r='A1'><is><t>herons</t></is></c></row>"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
# Signed data that holds a text (RFC 5652).
SIGNED = bytes.fromhex("3080 0609 2a864886f70d010702 a080 3080 020101 3100 3080 0609 2a864886f70d010701 a080") + (
    b"\x04\x23A short note about herons and reeds" + bytes(4) + b"\x31\0" + bytes(6)
)
# Its records are as good as undocumented; where workbooks are tested, one is made.
MADE_ELSEWHERE = {"application/vnd.ms-excel.sheet.binary.macroenabled.12"}


def workbook() -> bytes:
    relations = {"rId1": ("worksheet", "worksheets/sheet1.xml")}
    return office.packed(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": office.relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
            "xl/workbook.xml": f"<workbook xmlns='{SHEET}' {office.NAMESPACES}><sheets>"
            "<sheet name='Sheet' sheetId='1' r:id='rId1'/></sheets></workbook>",
            "xl/_rels/workbook.xml.rels": office.relations(relations),
            "xl/worksheets/sheet1.xml": f"<worksheet xmlns='{SHEET}'><sheetData>{CELL}</sheetData></worksheet>",
        }
    )


def binary_workbook() -> bytes:
    """Of one cell (MS-XLS)."""

    def record(kind: int, content: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def beginning(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 6))

    name = b"\x05\0Sheet"
    start = len(beginning(5)) + len(record(0x0085, bytes(6) + name)) + len(record(0x000A))
    cell = record(0x0204, struct.pack("<HHHHB", 0, 0, 0, 6, 0) + b"herons")
    book = beginning(5) + record(0x0085, struct.pack("<IH", start, 0) + name) + record(0x000A)
    return office.compound({"Workbook": book + beginning(0x10) + cell + record(0x000A)})


def pictures(picture: Image.Image) -> dict[str, bytes]:
    pillow_heif.register_heif_opener()
    kinds = {"jpeg": "JPEG", "png": "PNG", "tiff": "TIFF", "webp": "WEBP", "heic": "HEIF", "bmp": "BMP", "gif": "GIF"}
    packed = {}
    for name, kind in kinds.items():
        content = io.BytesIO()
        picture.convert("RGB").save(content, kind)
        packed[f"image/{name}"] = content.getvalue()
    return packed


@pytest.fixture
def documents(text_pdf: Path, simple_docx: Path, draw: Callable[..., Image.Image]) -> dict[str, tuple[bytes, str]]:
    """Content and a word of it, by media type."""
    opened, oasis = "application/vnd.openxmlformats-officedocument", "application/vnd.oasis.opendocument"
    narrow = "herons".encode("utf-16-le")
    cell = '<table:table-cell office:value-type="string"><text:p>herons</text:p></table:table-cell>'
    row = f'<table:table table:name="Sheet"><table:table-row>{cell}</table:table-row></table:table>'
    made = {
        "application/json": b'{"about": "herons"}',
        "application/mbox": b"From ada@heron.example Mon Mar  4 10:00:00 2024\n" + MAIL,
        "application/msword": office.binary_word({"body": "herons\r"}),
        "application/pkcs7-mime": SIGNED,
        "application/rtf": rb"{\rtf1\ansi A note about herons}",
        "application/vnd.ms-excel": binary_workbook(),
        "application/vnd.ms-outlook": office.compound(
            {"__properties_version1.0": bytes(32), "__substg1.0_1000001F": narrow, "__nameid_version1.0/a": b""}
        ),
        f"{oasis}.presentation": office.odf(
            "<draw:page><draw:frame><draw:text-box><text:p>herons</text:p></draw:text-box></draw:frame></draw:page>",
            kind="presentation",
        ),
        f"{oasis}.spreadsheet": office.odf(row, kind="spreadsheet"),
        f"{oasis}.text": office.odf("<text:p>herons</text:p>"),
        f"{opened}.presentationml.presentation": office.slides([office.shape("herons")]),
        f"{opened}.spreadsheetml.sheet": workbook(),
        "application/xml": b'<?xml version="1.0"?><note>herons</note>',
        "application/zip": office.packed({"note.txt": "A note about herons"}),
        "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg"><text>herons</text></svg>',
        "message/rfc822": MAIL,
        "text/html": b"<!doctype html><p>A note about herons",
        "text/plain": b"A short note about herons",
    }
    return {
        **{media_type: (content, "herons") for media_type, content in made.items()},
        **{
            kind: (content, "INVOICE") for kind, content in pictures(draw(("INVOICE number 4711",), (700, 150))).items()
        },
        "application/pdf": (text_pdf.read_bytes(), "INVOICE"),
        f"{opened}.wordprocessingml.document": (simple_docx.read_bytes(), "table"),
        "text/csv": (b"item,price\nrod,99.00\nline,12.50\n", "rod"),
        "text/markdown": (b"# Note\n\nAbout *herons*", "herons"),
    }


@pytest.mark.parametrize("media_type", sorted(set(media_types()) - MADE_ELSEWHERE))
async def test_a_file_without_a_name_is_read(
    make_pool: MakePool, documents: dict[str, tuple[bytes, str]], media_type: str
) -> None:
    content, word = documents[media_type]
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        path = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        name = "note.md" if media_type == "text/markdown" else ""
        reading = (await make_pool().read(ReadRequest(path, name))).reading
    assert reading.media_type == media_type
    assert word in reading.text
