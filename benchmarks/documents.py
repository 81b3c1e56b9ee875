"""The documents that are asked about: generated, the same in every run, kept under .cache between runs."""

import json
import random
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import Message
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from benchmarks.load import payloads

if TYPE_CHECKING:
    from heron_grpc.lab.generator import Generator

CACHE = Path(__file__).parents[1] / ".cache" / "benchmarks"
_SEED = 7
# As printed letters and contracts have them.
_PAGE_CHARS = 2500
_MOST_PAGES = 10
_LINE_CHARS = 110
_FONT = "Vera"


def texts(count: int, chars: int = 2000, seed: int = _SEED) -> list[str]:
    """Realistic texts of half to one and a half times `chars` characters, drawn from all kinds of documents.

    The generator's documents are a page's worth at most: those of one kind follow each other until it is enough.
    """
    path = CACHE / f"texts-{chars}-{count}-{seed}.json"
    if not path.exists():
        draw = random.Random(seed)
        lengths = [int(chars * draw.uniform(0.5, 1.5)) for _ in range(count)]
        payloads.place(path, json.dumps([*_drawn(lengths)]).encode())
    found: list[str] = json.loads(path.read_text())
    return found


def _drawn(lengths: Iterable[int]) -> Iterator[str]:
    """A text of each length, of one kind of document after the other."""
    # Imported here: Faker takes its time, and most runs find the documents made.
    from heron_grpc.lab.generator import Generator  # noqa: PLC0415

    generator = Generator()
    for number, length in enumerate(lengths):
        yield _text(generator, generator.labels[number % len(generator.labels)], number, length)


def _text(generator: "Generator", label: str, number: int, chars: int) -> str:
    parts: list[str] = []
    length = 0
    while length < chars:
        part = generator.draw(label, _SEED, number * 1000 + len(parts)).text
        parts.append(part)
        length += len(part) + 1
    return "\n".join(parts)[:chars]


def pdfs(count: int = 300) -> list[Path]:
    """PDFs with a text layer, 1 to 10 pages each, no two alike."""
    directory = CACHE / f"pdf-{count}"
    files = [directory / f"{number:04}.pdf" for number in range(count)]
    if not files[-1].exists():
        draw = random.Random(_SEED)
        lengths = [draw.randint(1, _MOST_PAGES) * _PAGE_CHARS for _ in files]
        for file, text in zip(files, _drawn(lengths), strict=True):
            payloads.place(file, _pdf(text))
    return files


def large_pdf(size_bytes: int) -> Path:
    """A PDF of one page of text that is as large as wanted: its bulk is a stream no page refers to.

    Reading takes milliseconds, so that what is measured of an upload is the upload.
    """
    path = CACHE / f"large-{size_bytes}.pdf"
    if not path.exists():
        payloads.place(path, _with_ballast(_pdf(texts(1)[0]), size_bytes))
    return path


def text_payload(chars: int = 2000, count: int = 512) -> Path:
    """Unary calls with texts."""
    return _kept(f"texts-{chars}-{count}.bin", lambda: payloads.text_requests(texts(count, chars)))


def pdf_payload(count: int = 300) -> Path:
    """Unary calls with PDFs."""
    return _kept(f"pdfs-{count}.bin", lambda: payloads.file_requests(pdfs(count)))


def bulk_text_payload(chars: int = 2000, count: int = 512) -> Path:
    """Bulk documents that are texts."""
    return _kept(f"bulk-texts-{chars}-{count}.bin", lambda: payloads.bulk_texts(texts(count, chars)))


def bulk_pdf_payload(count: int = 300) -> Path:
    """Bulk documents that are PDFs."""
    return _kept(f"bulk-pdfs-{count}.bin", lambda: payloads.bulk_files(pdfs(count)))


def _kept(name: str, messages: Callable[[], Iterator[Message]]) -> Path:
    path = CACHE / name
    return path if path.exists() else payloads.write(path, messages())


def _pdf(text: str) -> bytes:
    """Pages of about `_PAGE_CHARS` characters in an embedded proportional font, as most programs write them."""
    registerFont(TTFont(_FONT, "Vera.ttf"))
    canvas = Canvas("document.pdf", pagesize=A4, invariant=1)
    lines = [wrapped for line in text.splitlines() for wrapped in textwrap.wrap(line, _LINE_CHARS)]
    for _ in range(_MOST_PAGES):
        page, taken = canvas.beginText(36, A4[1] - 48), 0
        page.setFont(_FONT, 8.5)
        while lines and taken < _PAGE_CHARS and page.getY() > 48:
            taken += len(lines[0]) + 1
            page.textLine(lines.pop(0))
        canvas.drawText(page)
        canvas.showPage()
        if not lines:
            break
    return bytes(canvas.getpdfdata())


def _with_ballast(pdf: bytes, size_bytes: int) -> bytes:
    """Appends one stream in an incremental update (ISO 32000-1, 7.5.6), incompressible as pictures are."""
    number = 9000
    head = b"%d 0 obj\n<< /Length %010d >>\nstream\n"
    previous = int(pdf[pdf.rindex(b"startxref") + 9 : pdf.rindex(b"%%EOF")])
    trailer = pdf[pdf.rindex(b"trailer") + 7 : pdf.rindex(b"startxref")].replace(b">>", b"/Prev %d >>" % previous)

    def tail(ballast: int) -> bytes:
        table_at = len(pdf) + len(head % (number, 0)) + ballast + len(b"\nendstream\nendobj\n")
        table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n" % (number, len(pdf))
        return b"\nendstream\nendobj\n" + table + trailer + b"startxref\n%010d\n%%%%EOF\n" % table_at

    ballast = size_bytes - len(pdf) - len(head % (number, 0)) - len(tail(size_bytes))
    random_bytes = random.Random(_SEED).randbytes(ballast)
    return pdf + head % (number, ballast) + random_bytes + tail(ballast)
