"""Documents as users send them, made on the spot, and a pool to read them with."""

import asyncio
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import docx
import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.domain.document import Reading, ReadRequest
from heron_grpc.domain.steps import gather
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings

LINES = (
    "INVOICE number 4711",
    "Heron Fishing Supplies Limited",
    "Delivered on the third of March",
    "Twelve carbon fibre rods",
    "Forty spools of braided line",
    "Total amount payable 1234.50",
    "Please transfer within thirty days",
)
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def draw(lines: Sequence[str] = LINES, size: tuple[int, int] = (1000, 700), height: int = 36) -> Image.Image:
    font = ImageFont.truetype(str(DEJAVU), height) if DEJAVU.exists() else ImageFont.load_default(size=height)
    image = Image.new("L", size, 255)
    pen = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        pen.text((60, 50 + index * int(2.2 * height)), line, font=font, fill=0)
    return image


def write_pdf(
    path: Path,
    pages: Iterable[Sequence[str] | Image.Image],
    *,
    encryption: StandardEncryption | None = None,
) -> Path:
    canvas = Canvas(str(path), pagesize=(595, 842), encrypt=encryption, pageCompression=1)
    canvas.setTitle("Seven lines")
    canvas.setAuthor("Heron")
    for page in pages:
        if isinstance(page, Image.Image):
            height = 595 * page.height / page.width
            canvas.drawImage(ImageReader(page), 0, 842 - height, 595, height)
        else:
            for index, line in enumerate(page):
                canvas.drawString(72, 770 - 20 * index, line)
        canvas.showPage()
    canvas.save()
    return path


def raw_pdf(objects: Sequence[bytes]) -> bytes:
    body, offsets = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return body + b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        table,
        size,
        len(body),
    )


def stream(dictionary: bytes, content: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (dictionary, len(content), content)


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    b"/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>>>"
)
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def deflated(block: bytes, megabytes: int) -> bytes:
    packer = zlib.compressobj(1)
    piece = block * ((1 << 20) // len(block))
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


@pytest.fixture(name="draw")
def _draw() -> Callable[..., Image.Image]:
    return draw


@pytest.fixture(name="write_pdf")
def _write_pdf() -> Callable[..., Path]:
    return write_pdf


@pytest.fixture
def lines() -> tuple[str, ...]:
    return LINES


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Reads bytes or a file in this process."""

    def _read(content: bytes | Path, filename: str = "", **options: object) -> Reading:
        path = content if isinstance(content, Path) else tmp_path / "document"
        if isinstance(content, bytes):
            path.write_bytes(content)
        settings = {key: options.pop(key) for key in list(options) if key in ReadingSettings.model_fields}
        return gather(read_document(ReadRequest(str(path), filename, **options), ReadingSettings(**settings)))

    return _read


@pytest.fixture
def text_pdf(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "text.pdf", [LINES, ("Second page", "with two lines")])


@pytest.fixture
def scanned_pdf(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "scan.pdf", [draw()])


@pytest.fixture
def mixed_pdf(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "mixed.pdf", [LINES, draw(("Scanned appendix", "Guarantee for five years"))])


@pytest.fixture
def encrypted_pdf(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(user: str, owner: str) -> Path:
        return write_pdf(tmp_path / "locked.pdf", [LINES], encryption=StandardEncryption(user, owner, strength=128))

    return write


@pytest.fixture
def hostile_pdfs() -> dict[str, bytes]:
    """By name; the trick of each is known to have hurt a PDF reader."""
    forms = [
        stream(
            b"/Type/XObject/Subtype/Form/BBox[0 0 900 900]/Resources<</XObject<</I %d 0 R>>>>" % (7 + level),
            b"/I Do " * 10,
        )
        for level in range(40)
    ]
    spaces = zlib.compress(deflated(b" ", 64))
    return {
        "flate_bomb": raw_pdf([CATALOG, PAGES, PAGE, stream(b"/Filter[/FlateDecode/FlateDecode]", spaces), FONT]),
        "huge_mediabox": raw_pdf(
            [
                CATALOG,
                PAGES,
                PAGE.replace(b"612 792", b"1000000 1000000"),
                stream(b"", b"BT /F 900 Tf (big) Tj ET"),
                FONT,
            ]
        ),
        "deep_array": raw_pdf([CATALOG, PAGES, PAGE, stream(b"", b"[" * 200_000 + b"]" * 200_000 + b" TJ"), FONT]),
        "self_reference": raw_pdf([CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1000000>>"]),
        "exponential_forms": raw_pdf([CATALOG, PAGES, PAGE, stream(b"", b"/I Do"), FONT, *forms]),
    }


@pytest.fixture
def slow_pdf(tmp_path: Path) -> Path:
    """Keeps a reader busy in C code for some seconds."""
    operations = deflated(b"BT /F 9 Tf 9 9 Td (aaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj ET\n".ljust(64), 64)
    packed = zlib.compress(operations)
    path = tmp_path / "slow.pdf"
    path.write_bytes(raw_pdf([CATALOG, PAGES, PAGE, stream(b"/Filter[/FlateDecode/FlateDecode]", packed), FONT]))
    return path


@pytest.fixture
def simple_docx(tmp_path: Path) -> Path:
    document = docx.Document()
    document.core_properties.title = "Delivery"
    document.sections[0].header.paragraphs[0].text = "Letterhead of the sender"
    document.sections[0].footer.paragraphs[0].text = "Registered in Bergen"
    document.add_paragraph("Before the table")
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, (("Item", "Price"), ("Rod", "99.00")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("After the table")
    path = tmp_path / "simple.docx"
    document.save(str(path))
    return path


@pytest.fixture
def repacked(simple_docx: Path) -> Callable[..., bytes]:
    """The simple docx with entries replaced or added."""

    def pack(**entries: bytes) -> bytes:
        changed = {name.replace("__", "/").replace("_xml", ".xml"): content for name, content in entries.items()}
        packed = io.BytesIO()
        with zipfile.ZipFile(simple_docx) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                new.writestr(name, changed.pop(name, old.read(name)))
            for name, content in changed.items():
                new.writestr(name, content)
        return packed.getvalue()

    return pack


@pytest.fixture
def bomb_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    side = 60_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = deflated(b"\0", side * (side // 8 + 1) // (1 << 20) + 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def pools() -> Iterator[dict[tuple[tuple[str, float], ...], ReadingPool]]:
    """Pools by their settings: a test leaves its pool fit for the next."""
    started: dict[tuple[tuple[str, float], ...], ReadingPool] = {}
    yield started
    for pool in started.values():
        asyncio.run(pool.close())


@pytest.fixture
def make_pool(pools: dict[tuple[tuple[str, float], ...], ReadingPool]) -> Callable[..., ReadingPool]:
    """A started pool of one child, unless the settings given say otherwise."""

    def make(**settings: float) -> ReadingPool:
        key = tuple(sorted(settings.items()))
        if key not in pools:
            pools[key] = ReadingPool(ReadingSettings(**{"children": 1, **settings}))
            pools[key].start()
        return pools[key]

    return make


@pytest.fixture
def note(tmp_path: Path) -> ReadRequest:
    """A request that is read in a millisecond."""
    path = tmp_path / "note.txt"
    path.write_text("A short note about herons", encoding="utf-8")
    return ReadRequest(str(path), "note.txt")
