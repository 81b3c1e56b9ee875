"""PDF files that loop, nest, swell and lie."""

import random
import zlib
from collections.abc import Sequence

from hostile.hostile_file import REFUSED, SALVAGED, HostileFile, Outcome, deflated

CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    b"/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>>>"
)
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
HELLO = b"BT /F 24 Tf 72 700 Td (a heron) Tj ET"
NOISE = random.Random(4).randbytes(20_000)


def document(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Numbered from 1; object 1 is the catalogue."""
    body, offsets = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return body + b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        table,
        size,
        trailer,
        len(body),
    )


def stream(dictionary: bytes, content: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (dictionary, len(content), content)


def one_page(content: bytes, *more: bytes, page: bytes = PAGE) -> bytes:
    """A page with that content stream, and objects from number 6 on."""
    return document([CATALOG, PAGES, page, content, FONT, *more])


def picture(filters: bytes, data: bytes, size: bytes = b"/Width 2000/Height 2000") -> bytes:
    image = stream(
        b"/Type/XObject/Subtype/Image%b/ColorSpace/DeviceGray/BitsPerComponent 8/Filter%b" % (size, filters), data
    )
    return one_page(stream(b"", b"q 600 0 0 700 0 0 cm /I Do Q"), image)


def form(content: bytes, inner: int) -> bytes:
    return stream(
        b"/Type/XObject/Subtype/Form/BBox[0 0 900 900]/Resources<</XObject<</I %d 0 R>>>>" % inner,
        content,
    )


def deep_page_tree(depth: int) -> bytes:
    nodes = [b"<</Type/Pages/Parent %d 0 R/Kids[%d 0 R]/Count 1>>" % (2 + at, 4 + at) for at in range(depth)]
    last = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 612 792]>>" % (2 + depth)
    return document([CATALOG, PAGES, *nodes, last])


def xref_loop() -> bytes:
    whole = one_page(stream(b"", HELLO))
    start = whole.rindex(b"xref\n0 ")
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % start)


def xref_stream_loop() -> bytes:
    body = b"%PDF-1.5\n1 0 obj\n" + CATALOG + b"\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    table = stream(b"/Type/XRef/Size 4/W[1 4 2]/Root 1 0 R/Prev %d" % len(body), b"\1" * 28)
    return body + b"3 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF" % (table, len(body))


def object_stream(count: int, *, extends: bytes = b"") -> bytes:
    index = b"".join(b"%d %d " % (10 + at, 2 * at) for at in range(count))
    packed = zlib.compress(index + b"0 " * count)
    holder = stream(
        b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode%b" % (count, len(index), extends),
        packed,
    )
    return one_page(stream(b"", HELLO), holder)


def annotations(count: int) -> bytes:
    note = b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(a note)>>"
    return one_page(stream(b"", HELLO), page=PAGE[:-2] + b"/Annots[" + note * count + b"]>>")


def names_loop() -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles 6 0 R>>>>"
    return document([catalog, PAGES, PAGE, stream(b"", HELLO), FONT, b"<</Kids[6 0 R 6 0 R]>>"])


def attachment(content: bytes, filters: bytes = b"") -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a.txt) 6 0 R]>>>>>>"
    name = b"<</Type/Filespec/F(a.txt)/EF<</F 7 0 R>>>>"
    held = stream(b"/Type/EmbeddedFile" + filters, content)
    return document([catalog, PAGES, PAGE, stream(b"", HELLO), FONT, name, held])


def attachment_bomb() -> bytes:
    return attachment(zlib.compress(deflated(b"a", 260), 9), b"/Filter[/FlateDecode/FlateDecode]")


def field(more: bytes) -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>"
    value = b"<</FT/Tx/T(a)/V(b)%b>>" % more
    return document([catalog, PAGES, PAGE, stream(b"", HELLO), FONT, value])


def outline_loop() -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>"
    entry = b"<</Title(a)/First 6 0 R/Next 6 0 R/Last 6 0 R/Count 9>>"
    return document([catalog, PAGES, PAGE, stream(b"", HELLO), FONT, entry])


def type3_loop() -> bytes:
    glyph = stream(b"", b"600 0 0 0 600 600 d1 BT /F 9 Tf (a) Tj ET")
    font = (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 600 600]/FontMatrix[.001 0 0 .001 0 0]/CharProcs<</a 6 0 R>>"
        b"/Encoding<</Differences[97/a]>>/FirstChar 97/LastChar 97/Widths[600]/Resources<</Font<</F 5 0 R>>>>>>"
    )
    return document([CATALOG, PAGES, PAGE, stream(b"", b"BT /F 24 Tf 72 700 Td (aaaa) Tj ET"), font, glyph])


def broken_font(kind: bytes, key: bytes) -> bytes:
    descriptor = b"<</Type/FontDescriptor/FontName/Broken/Flags 4/FontBBox[0 0 1 1]/%b 7 0 R>>" % key
    font = b"<</Type/Font/Subtype/%b/BaseFont/Broken/FontDescriptor 6 0 R>>" % kind
    data = stream(b"/Length1 %d" % len(NOISE), b"\0\1\0\0\0\x0f" + NOISE)
    return document([CATALOG, PAGES, PAGE, stream(b"", HELLO), font, descriptor, data])


def unicode_map_bomb() -> bytes:
    ranges = b"begincmap 1 beginbfrange <0000> <FFFF> <0041> endbfrange\n" * 40_000
    font = FONT[:-2] + b"/ToUnicode 6 0 R>>"
    return document(
        [CATALOG, PAGES, PAGE, stream(b"", HELLO), font, stream(b"/Filter/FlateDecode", zlib.compress(ranges))]
    )


def encrypted_garbage() -> bytes:
    lock = b"/Encrypt<</Filter/Standard/V 5/R 6/Length 256/P -1/O(%b)/U(%b)/OE(x)/UE(y)/Perms(z)>>/ID[(a)(a)]" % (
        b"o" * 48,
        b"u" * 48,
    )
    return document([CATALOG, PAGES, PAGE, stream(b"", HELLO), FONT], trailer=lock)


def twice_packed(block: bytes, megabytes: int) -> bytes:
    return stream(b"/Filter[/FlateDecode/FlateDecode]", zlib.compress(deflated(block, megabytes), 9))


DRAWING = b"BT /F 9 Tf 9 9 Td (aaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj ET\n".ljust(64)
WHOLE = one_page(stream(b"", HELLO))
READ = frozenset({Outcome.READ})

PDF_FILES = (
    HostileFile("flate_bomb", lambda: one_page(twice_packed(b" ", 300))),
    HostileFile("drawing_bomb", lambda: one_page(twice_packed(DRAWING, 64))),
    HostileFile("path_bomb", lambda: one_page(twice_packed(b"0 0 m 9 9 l 5 7 l S\n", 64))),
    HostileFile("run_length_bomb", lambda: one_page(stream(b"/Filter/RunLengthDecode", b"\x81 " * 3_000_000))),
    HostileFile("ascii85_bomb", lambda: one_page(stream(b"/Filter/ASCII85Decode", b"z" * 9_000_000 + b"~>"))),
    HostileFile("filter_tower", lambda: one_page(stream(b"/Filter[" + b"/FlateDecode" * 5000 + b"]", NOISE))),
    HostileFile("lzw_garbage", lambda: one_page(stream(b"/Filter/LZWDecode", NOISE))),
    HostileFile("huge_mediabox", lambda: WHOLE.replace(b"612 792", b"1000000 1000000")),
    HostileFile("endless_mediabox", lambda: WHOLE.replace(b"612 792", b"1e38 -1e38")),
    HostileFile("empty_mediabox", lambda: WHOLE.replace(b"612 792", b"0 0")),
    HostileFile("deep_array", lambda: one_page(stream(b"", b"[" * 500_000 + b"]" * 500_000 + b" TJ"))),
    HostileFile("deep_dictionary", lambda: one_page(b"<</A" * 100_000 + b">>" * 100_000)),
    HostileFile("page_tree_loop", lambda: document([CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1000000>>"])),
    HostileFile("deep_page_tree", lambda: deep_page_tree(20_000)),
    HostileFile("same_page_200k", lambda: WHOLE.replace(PAGES, PAGES.replace(b"3 0 R", b"3 0 R " * 200_000))),
    HostileFile("page_count_lie", lambda: WHOLE.replace(b"/Count 1", b"/Count 2147483647")),
    HostileFile("form_in_itself", lambda: one_page(stream(b"", b"/I Do"), form(b"/I Do /I Do", 6))),
    HostileFile(
        "exponential_forms",
        lambda: one_page(stream(b"", b"/I Do"), *(form(b"/I Do " * 10, 7 + level) for level in range(40))),
    ),
    HostileFile("xref_loop", xref_loop),
    HostileFile("xref_stream_loop", xref_stream_loop),
    HostileFile("object_stream_bomb", lambda: object_stream(100_000)),
    HostileFile("object_stream_loop", lambda: object_stream(2, extends=b"/Extends 6 0 R")),
    HostileFile("contents_200k", lambda: WHOLE.replace(b"/Contents 4 0 R", b"/Contents[" + b"4 0 R " * 200_000 + b"]")),
    HostileFile("annotations_100k", lambda: annotations(100_000)),
    HostileFile("names_loop", names_loop),
    HostileFile("attachment_bomb", attachment_bomb),
    HostileFile("field_loop", lambda: field(b"/Parent 6 0 R/Kids[6 0 R 6 0 R]")),
    HostileFile("outline_loop", outline_loop),
    HostileFile("type3_loop", type3_loop),
    HostileFile("broken_truetype", lambda: broken_font(b"TrueType", b"FontFile2")),
    HostileFile("broken_cff", lambda: broken_font(b"Type1", b"FontFile3")),
    HostileFile("unicode_map_bomb", unicode_map_bomb),
    HostileFile("jbig2_garbage", lambda: picture(b"/JBIG2Decode", NOISE)),
    HostileFile("jpx_garbage", lambda: picture(b"/JPXDecode", b"\xff\x4f\xff\x51" + NOISE)),
    HostileFile("ccitt_lie", lambda: picture(b"/CCITTFaxDecode", NOISE, b"/Width 60000/Height 60000")),
    HostileFile("dct_garbage", lambda: picture(b"/DCTDecode", b"\xff\xd8\xff\xe0" + NOISE)),
    HostileFile(
        "image_30000x30000",
        lambda: picture(
            b"[/FlateDecode/FlateDecode]", zlib.compress(deflated(b"\xff", 100), 9), b"/Width 30000/Height 30000"
        ),
    ),
    HostileFile("inline_images", lambda: one_page(stream(b"", b"BI /W 9 /H 9 /BPC 8 /CS /G ID aaa EI\n" * 100_000))),
    HostileFile("encrypted_garbage", encrypted_garbage, SALVAGED | {Outcome.ENCRYPTED}),
    HostileFile("truncated", lambda: WHOLE[: len(WHOLE) // 2]),
    HostileFile("without_a_table", lambda: WHOLE[: WHOLE.rindex(b"xref\n0 ")]),
    HostileFile("header_alone", lambda: b"%PDF-1.7\n", REFUSED),
    HostileFile("header_and_nulls", lambda: b"%PDF-1.7\n" + bytes(5_000_000), REFUSED),
    HostileFile("huge_numbers", lambda: WHOLE.replace(b"72 700", b"9" * 100_000 + b" " + b"9" * 100_000)),
    HostileFile("huge_name", lambda: WHOLE.replace(b"/F ", b"/" + b"F" * 2_000_000 + b" ")),
)
