"""Office documents and archives that swell, overlap, nest and point elsewhere."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterable

from hostile.hostile_file import ODD, REFUSED, HostileFile, Outcome

TYPES = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Default Extension="xml" ContentType="application/xml"/>'
    b'<Override PartName="/%b" ContentType="application/vnd.openxmlformats-officedocument.%b+xml"/></Types>'
)
RELATIONS = b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="%b"' % OFFICE
P = b'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="%b"' % OFFICE
A = b'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY l0 "ha">'
    + b"".join(b'<!ENTITY l%d "%b">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>'
NETWORK = b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd" [<!ENTITY % p SYSTEM "http://192.0.2.1/y.dtd"> %p;]>'
NOISE = random.Random(5).randbytes(20_000)

Entries = Iterable[tuple[str, bytes]]


def archive(entries: Entries, method: int = zipfile.ZIP_DEFLATED, level: int = 1) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method, compresslevel=level) as file:
        for name, content in entries:
            file.writestr(name, content)
    return packed.getvalue()


def related(target: bytes, kind: bytes = b"officeDocument", number: int = 1, mode: bytes = b"") -> bytes:
    return b'<Relationship Id="rId%d" Type="%b/%b" Target="%b"%b/>' % (number, OFFICE, kind, target, mode)


def docx(body: bytes, prologue: bytes = b"", more: Entries = (), relations: bytes = b"") -> bytes:
    main = b"wordprocessingml.document.main"
    document = b'<?xml version="1.0"?>%b<w:document %b><w:body>%b</w:body></w:document>' % (prologue, W, body)
    return archive(
        [
            ("[Content_Types].xml", TYPES % (b"word/document.xml", main)),
            ("_rels/.rels", RELATIONS + related(b"word/document.xml") + b"</Relationships>"),
            ("word/document.xml", document),
            ("word/_rels/document.xml.rels", RELATIONS + relations + b"</Relationships>"),
            *more,
        ]
    )


def paragraph(text: bytes) -> bytes:
    return b"<w:p><w:r><w:t>%b</w:t></w:r></w:p>" % text


def xlsx(
    rows: bytes, prologue: bytes = b"", more: Entries = (), names: bytes = b'<sheet name="S" sheetId="1" r:id="rId1"/>'
) -> bytes:
    book = b'<?xml version="1.0"?><workbook %b><sheets>%b</sheets></workbook>' % (S, names)
    sheet = b'<?xml version="1.0"?>%b<worksheet %b><sheetData>%b</sheetData></worksheet>' % (prologue, S, rows)
    relations = related(b"worksheets/sheet1.xml", b"worksheet") + related(b"sharedStrings.xml", b"sharedStrings", 2)
    return archive(
        [
            ("[Content_Types].xml", TYPES % (b"xl/workbook.xml", b"spreadsheetml.sheet.main")),
            ("_rels/.rels", RELATIONS + related(b"xl/workbook.xml") + b"</Relationships>"),
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", RELATIONS + relations + b"</Relationships>"),
            ("xl/worksheets/sheet1.xml", sheet),
            *more,
        ]
    )


def cells(*places: str) -> bytes:
    return b"".join(
        b'<row r="%d"><c r="%b"><v>7</v></c></row>' % (int(place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), place.encode())
        for place in places
    )


def pptx(slide: bytes, prologue: bytes = b"") -> bytes:
    main = b'<p:presentation %b><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>' % P
    text = b'<?xml version="1.0"?>%b<p:sld %b %b><p:cSld><p:spTree>%b</p:spTree></p:cSld></p:sld>' % (
        prologue,
        P,
        A,
        slide,
    )
    return archive(
        [
            ("[Content_Types].xml", TYPES % (b"ppt/presentation.xml", b"presentationml.presentation.main")),
            ("_rels/.rels", RELATIONS + related(b"ppt/presentation.xml") + b"</Relationships>"),
            ("ppt/presentation.xml", main),
            (
                "ppt/_rels/presentation.xml.rels",
                RELATIONS + related(b"slides/slide1.xml", b"slide") + b"</Relationships>",
            ),
            ("ppt/slides/slide1.xml", text),
        ]
    )


def shape(text: bytes) -> bytes:
    return b"<p:sp><p:txBody><a:p><a:r><a:t>%b</a:t></a:r></a:p></p:txBody></p:sp>" % text


def odt(body: bytes, prologue: bytes = b"", kind: bytes = b"text") -> bytes:
    office = b"urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        b'<?xml version="1.0"?>%b<office:document-content xmlns:office="%boffice:1.0" xmlns:text="%btext:1.0" '
        b'xmlns:table="%btable:1.0"><office:body><office:%b>%b</office:%b></office:body></office:document-content>'
    ) % (
        prologue,
        office,
        office,
        office,
        kind if kind == b"text" else b"spreadsheet",
        body,
        kind if kind == b"text" else b"spreadsheet",
    )
    mimetype = b"application/vnd.oasis.opendocument." + kind
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("mimetype", mimetype)
        file.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def overlapping(entries: int) -> bytes:
    """Many entries of one compressed run of bytes (https://www.bamsoftware.com/hacks/zipbomb/)."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(b"a" * (20 << 20)) + packed.flush()
    checksum = zlib.crc32(b"a" * (20 << 20))
    fields = struct.pack("<HHHHHIIIH", 20, 0, 8, 0, 0, checksum, len(data), 20 << 20, 5)
    local = b"PK\3\4" + fields + struct.pack("<H", 0) + b"a.txt" + data
    directory = b"".join(
        b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHHII", 0, 0, 0, 0, 0, 0) + b"%05d" % number
        for number in range(entries)
    )
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, entries, entries, len(directory), len(local), 0)
    return local + directory + end


def nested_zip(depth: int) -> bytes:
    content, name = b"a heron", "a.txt"
    for _ in range(depth):
        content, name = archive([(name, content)], zipfile.ZIP_STORED), "inner.zip"
    return content


def zip_in_zip_in_zip() -> bytes:
    bomb = archive([("zeros.txt", b"0" * (64 << 20))])
    middle = archive([(f"{number}.zip", bomb) for number in range(16)])
    return archive([(f"{number}.zip", middle) for number in range(16)])


def wrong_sizes() -> bytes:
    whole = bytearray(archive([("a.txt", b"a heron" * 100)]))
    at = whole.rindex(b"PK\1\2")
    struct.pack_into("<II", whole, at + 20, 0xFFFFFFF0, 0xFFFFFFF0)
    return bytes(whole)


def encrypted_zip() -> bytes:
    whole = bytearray(archive([("a.txt", b"a heron" * 100)]))
    for at in (whole.index(b"PK\3\4") + 6, whole.rindex(b"PK\1\2") + 8):
        whole[at] |= 1
    return bytes(whole)


MANY = b"".join(b' a%d="1"' % number for number in range(200_000))
LOCKED = ODD | {Outcome.ENCRYPTED}

ARCHIVE_FILES = (
    HostileFile("docx_bomb", lambda: docx(paragraph(b"aaaa") * 6_000_000), REFUSED),
    HostileFile("docx_laughs", lambda: docx(paragraph(b"&l9;"), LAUGHS), REFUSED),
    HostileFile("docx_outside_entity", lambda: docx(paragraph(b"&l9;"), OUTSIDE), REFUSED),
    HostileFile("docx_network_entity", lambda: docx(paragraph(b"a heron"), NETWORK), REFUSED),
    HostileFile("docx_deep", lambda: docx(b"<w:tbl><w:tr><w:tc>" * 50_000 + b"</w:tc></w:tr></w:tbl>" * 50_000)),
    HostileFile("docx_attributes", lambda: docx(b"<w:p%b/>" % MANY)),
    HostileFile("docx_many_paragraphs", lambda: docx(paragraph(b"a heron") * 300_000)),
    HostileFile(
        "docx_remote_picture",
        lambda: docx(
            paragraph(b"a heron"), relations=related(b"http://192.0.2.1/a.png", b"image", 9, b' TargetMode="External"')
        ),
    ),
    HostileFile(
        "docx_target_outside",
        lambda: docx(paragraph(b"a heron"), relations=related(b"../../../../etc/hostname", b"image", 9)),
    ),
    HostileFile(
        "docx_picture_garbage",
        lambda: docx(
            paragraph(b"a heron"), more=[("word/media/a.png", NOISE)], relations=related(b"media/a.png", b"image", 9)
        ),
    ),
    HostileFile("docx_same_name_twice", lambda: docx(paragraph(b"one")) + docx(paragraph(b"two"))),
    HostileFile("docx_truncated", lambda: docx(paragraph(b"a heron") * 5000)[:2000], LOCKED),
    HostileFile("xlsx_far_corner", lambda: xlsx(cells("A1", "XFD1048576"))),
    HostileFile("xlsx_wide_gap", lambda: xlsx(cells("A1", "GJH20000"))),
    HostileFile("xlsx_beyond_the_grid", lambda: xlsx(cells("A1", "ZZZZZZ99999999999"))),
    HostileFile("xlsx_bomb", lambda: xlsx(b"<row><c><v>1</v></c></row>" * 4_000_000)),
    HostileFile("xlsx_laughs", lambda: xlsx(b'<row r="1"><c r="A1" t="str"><v>&l9;</v></c></row>', LAUGHS)),
    HostileFile(
        "xlsx_shared_string_lie",
        lambda: xlsx(
            b'<row r="1"><c r="A1" t="s"><v>4294967295</v></c></row>',
            more=[("xl/sharedStrings.xml", b'<sst %b count="4294967295" uniqueCount="4294967295"/>' % S)],
        ),
    ),
    HostileFile(
        "xlsx_shared_strings_bomb",
        lambda: xlsx(
            b'<row r="1">' + b'<c t="s"><v>0</v></c>' * 16_000 + b"</row>",
            more=[("xl/sharedStrings.xml", b"<sst %b><si><t>%b</t></si></sst>" % (S, b"a" * 1_000_000))],
        ),
    ),
    HostileFile(
        "xlsx_sheets_20k",
        lambda: xlsx(
            cells("A1"), names=b"".join(b'<sheet name="S%d" sheetId="%d" r:id="rId1"/>' % (n, n) for n in range(20_000))
        ),
    ),
    HostileFile("xlsx_garbage_parts", lambda: xlsx(NOISE)),
    HostileFile("pptx_laughs", lambda: pptx(shape(b"&l9;"), LAUGHS)),
    HostileFile("pptx_deep", lambda: pptx(b"<p:grpSp>" * 50_000 + shape(b"a") + b"</p:grpSp>" * 50_000)),
    HostileFile("pptx_many_shapes", lambda: pptx(shape(b"a heron") * 100_000)),
    HostileFile("odt_laughs", lambda: odt(b"<text:p>&l9;</text:p>", LAUGHS)),
    HostileFile("odt_deep", lambda: odt(b"<text:section>" * 50_000 + b"</text:section>" * 50_000)),
    HostileFile("odt_endless_spaces", lambda: odt(b'<text:p>a<text:s text:c="2147483647"/>b</text:p>')),
    HostileFile(
        "ods_repeated_cells",
        lambda: odt(
            b'<table:table><table:table-row table:number-rows-repeated="1048576"><table:table-cell '
            b'table:number-columns-repeated="16384"><text:p>a</text:p></table:table-cell></table:table-row></table:table>',
            kind=b"spreadsheet",
        ),
        ODD,
    ),
    HostileFile("zip_bomb", lambda: archive([("a.txt", b"0" * (260 << 20))]), ODD),
    HostileFile("zip_overlap", lambda: overlapping(60_000), ODD),
    HostileFile("zip_deep", lambda: nested_zip(60), ODD),
    HostileFile("zip_fan", zip_in_zip_in_zip, ODD),
    HostileFile("zip_60k_entries", lambda: archive([(f"{n}.txt", b"") for n in range(60_000)]), ODD),
    HostileFile("zip_wrong_sizes", wrong_sizes, LOCKED),
    HostileFile("zip_encrypted", encrypted_zip, LOCKED),
    HostileFile("zip_upward_names", lambda: archive([("../../../tmp/heron.txt", b"a heron"), ("/etc/x", b"y")]), ODD),
    HostileFile("zip_empty", lambda: archive([]), ODD),
    HostileFile("zip_end_alone", lambda: b"PK\5\6" + bytes(18) + NOISE, LOCKED),
)
