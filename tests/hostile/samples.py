"""Documents of every format, whole, and damaged at random: the same number is always the same sample."""

import io
import random
import struct
import zipfile
from collections.abc import Callable, Sequence
from functools import cache

import pillow_heif
from PIL import Image

import office_files
import workbooks
from hostile.archive_files import archive, cells, docx, odt, paragraph, pptx, shape, xlsx
from hostile.image_files import drawn, many_frames
from hostile.pdf_files import WHOLE, annotations, attachment, field, picture
from hostile.text_files import HEAD, PLAIN, attached, mail_in_mail, multipart
from office_files import binary_word


def heic() -> bytes:
    packed = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64), "white")).save(packed, format="HEIF")
    return packed.getvalue()


TABLE = b"<w:tbl><w:tr><w:tc>%b</w:tc><w:tc>%b</w:tc></w:tr></w:tbl>" % (paragraph(b"rods"), paragraph(b"twelve"))
ODF_CELL = b"<table:table-cell><text:p>rods</text:p></table:table-cell>"
ODF_TABLE = b"<table:table><table:table-row>%b</table:table-row></table:table>" % (ODF_CELL * 2)
RECORD = b'{"number": 4711, "lines": [{"item": "rod", "price": 99.0}, null, true], "note": "h\\u00e9ron"}'
WHOLE_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "pdf": lambda: WHOLE,
    "pdf with notes": lambda: annotations(5),
    "pdf with a picture": lambda: picture(b"/DCTDecode", drawn("JPEG", mode="L"), b"/Width 60/Height 40"),
    "pdf with an attachment": lambda: attachment(b"a heron"),
    "pdf with a form": lambda: field(b""),
    "docx": lambda: docx(paragraph(b"a heron") + TABLE),
    "xlsx": lambda: xlsx(cells("A1", "B2")),
    "pptx": lambda: pptx(shape(b"a heron")),
    "odt": lambda: odt(b"<text:h>Herons</text:h><text:p>stand<text:s text:c='3'/>still</text:p>" + ODF_TABLE),
    "ods": lambda: odt(ODF_TABLE, kind=b"spreadsheet"),
    "zip": lambda: archive([("a.txt", b"a heron"), ("b/c.html", b"<p>a heron</p>"), ("d.pdf", WHOLE)]),
    "doc": lambda: binary_word({"body": "a heron\rstands still\r", "footnotes": "\2 in May\r"}, pieces=2),
    "rtf": lambda: b"{\\rtf1\\ansi{\\fonttbl{\\f0 Times;}}\\f0 a h\\'e9ron\\par {\\b stands} \\u233? still\\cell\\row}",
    "eml": lambda: HEAD + multipart(PLAIN + b"\n--b\n" + attached(b"a.pdf", WHOLE)),
    "eml in eml": lambda: mail_in_mail(3),
    "html": lambda: (
        b"<html><head><title>Herons</title></head><body><table><tr><td>a<td>b</table><p>still</body></html>"
    ),
    "xml": lambda: b'<?xml version="1.0"?><note xmlns:h="urn:h"><h:line kind="rod">twelve &amp; more</h:line></note>',
    "json": lambda: RECORD,
    "json lines": lambda: (RECORD + b"\n") * 5,
    "csv": lambda: b'item,price,note\nrod,99.00,"long, thin"\nline,12.50,""\n' * 5,
    "txt": lambda: "A short note about hérons, λ, ж and 鷺.\n".encode() * 5,
    "utf-16": lambda: "A short note about hérons.\n".encode("utf-16") * 2,
    "md": lambda: b"# Herons\n\n* stand\n* still\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "png": lambda: drawn("PNG"),
    "jpeg": lambda: drawn("JPEG"),
    "gif": lambda: many_frames(3),
    "tiff": lambda: drawn("TIFF"),
    "bmp": lambda: drawn("BMP"),
    "webp": lambda: drawn("WEBP"),
    "heic": heic,
    "xls": lambda: workbooks.xls(BIFF_CELLS),
    "xlsb": lambda: workbooks.xlsb([["rods", 12.5], ["lines", 3.0]]),
    "msg": lambda: office_files.compound(MESSAGE),
    "mbox": lambda: b"".join(b"From a Mon Jan  1 00:00:00 2024\n" + HEAD + b"\na heron\n\n" for _ in range(2)),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><title>Herons</title><text x='1'>stand</text></svg>",
    "odp": lambda: office_files.odf(SLIDE, kind="presentation"),
}
BIFF_CELLS = workbooks.biff(0x204, struct.pack("<HHHHB", 0, 0, 0, 4, 0) + b"rods") + workbooks.biff(
    0x203, struct.pack("<HHHd", 0, 1, 0, 12.5)
)
ATTACHMENT = "__attach_version1.0_#00000000"
SLIDE = "<draw:page><draw:frame><draw:text-box><text:p>still</text:p></draw:text-box></draw:frame></draw:page>"
MESSAGE = {
    "__substg1.0_0037001F": "Herons".encode("utf-16-le"),
    "__substg1.0_1000001F": "They stand still".encode("utf-16-le"),
    f"{ATTACHMENT}/__substg1.0_3707001F": "a.pdf".encode("utf-16-le"),
    f"{ATTACHMENT}/__substg1.0_37010102": WHOLE,
    "__nameid_version1.0/a": b"",
}
# Numbers that lengths, offsets and counts are compared with.
EXTREMES = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"99999999999",
    b"-1",
)


def sample(number: int) -> tuple[str, bytes]:
    """A damaged document and the name of what it was."""
    chance = random.Random(number)
    names = list(WHOLE_DOCUMENTS)
    name = names[number % len(names)]
    return name, _damaged(_whole(name), chance, [_whole(other) for other in names])


@cache
def _whole(name: str) -> bytes:
    return WHOLE_DOCUMENTS[name]()


def _damaged(content: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    if zipfile.is_zipfile(io.BytesIO(content)) and chance.random() < 0.7:
        return _damaged_inside(content, chance, others)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice((_flipped, _flipped, _overwritten, _truncated, _spliced, _repeated))(
            content, chance, others
        )
    return content


def _damaged_inside(content: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """An archive's entry: damage to its compressed bytes would be found at once."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    name = chance.choice(list(entries))
    entries[name] = _damaged(entries[name], chance, others)
    return archive(entries.items())


def _flipped(content: bytes, chance: random.Random, _others: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 3, 20))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwritten(content: bytes, chance: random.Random, _others: Sequence[bytes]) -> bytes:
    at, extreme = chance.randrange(len(content) + 1), chance.choice(EXTREMES)
    return content[:at] + extreme + content[at + len(extreme) :]


def _truncated(content: bytes, chance: random.Random, _others: Sequence[bytes]) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _spliced(content: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A piece of another document in place of one of its own."""
    other = chance.choice(others)
    at, start = chance.randrange(len(content) + 1), chance.randrange(len(other) + 1)
    piece = other[start : start + chance.choice((4, 64, 1024))]
    return content[:at] + piece + content[at + chance.choice((0, len(piece))) :]


def _repeated(content: bytes, chance: random.Random, _others: Sequence[bytes]) -> bytes:
    at, size = chance.randrange(len(content) + 1), chance.choice((1, 30, 400))
    return content[:at] + content[at : at + size] * chance.choice((2, 50)) + content[at:]
