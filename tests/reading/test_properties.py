"""What holds for every document."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heron_grpc.domain.document import OcrMode, Reading, ReadRequest
from heron_grpc.domain.errors import DocumentError
from heron_grpc.domain.steps import gather
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings
from office_files import compound, packed

# Recognition has its own tests; here it would only cost time.
SETTINGS = ReadingSettings(children=1, ocr_budget_s=0.001, cpu_s=20)
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    started = ReadingPool(SETTINGS)
    started.start()
    yield started
    asyncio.run(started.close())


def read_in_child(pool: ReadingPool, content: bytes, filename: str = "") -> Reading | None:
    """None when the document was refused; any error but DocumentError fails the test."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            return asyncio.run(pool.read(ReadRequest(file.name, filename))).reading
        except DocumentError:
            return None


def check(reading: Reading | None) -> None:
    if reading is None:
        return
    assert reading.text.strip() or reading.warnings
    for page in reading.pages:
        for word in page.words:
            assert 0 <= word.start < word.end <= len(page.text)
            assert 0 <= word.box.x_min <= word.box.x_max <= 1
            assert 0 <= word.box.y_min <= word.box.y_max <= 1


words = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x17F, categories=("L", "N", "P")), min_size=1, max_size=12
)


@few
@given(lines=st.lists(st.lists(words, max_size=6).map(" ".join), min_size=1, max_size=12))
def test_words_of_a_pdf_lie_in_its_text_and_on_its_page(
    write_pdf: Callable[..., Path], tmp_path: Path, lines: list[str]
) -> None:
    path = write_pdf(tmp_path / "any.pdf", [lines])
    reading = gather(read_document(ReadRequest(str(path), ocr=OcrMode.NEVER), SETTINGS))
    check(reading)
    for page in reading.pages:
        assert [page.text[word.start : word.end] for word in page.words] == page.text.split()


plain_words = st.text(st.characters(codec="ascii", categories=("Lu", "Ll", "Nd")), min_size=2, max_size=9)


@few
@given(
    pages=st.lists(
        st.lists(st.lists(plain_words, min_size=1, max_size=6), min_size=1, max_size=12), min_size=1, max_size=3
    )
)
def test_pages_and_lines_of_a_pdf_are_read_in_their_order(
    write_pdf: Callable[..., Path], tmp_path: Path, pages: list[list[list[str]]]
) -> None:
    path = write_pdf(tmp_path / "any.pdf", [[" ".join(line) for line in page] for page in pages])
    reading = gather(read_document(ReadRequest(str(path), ocr=OcrMode.NEVER), SETTINGS))
    check(reading)
    assert [page.number for page in reading.pages] == list(range(1, len(pages) + 1))
    for page, lines in zip(reading.pages, pages, strict=True):
        assert page.text.split() == [word for line in lines for word in line]


@few
@given(content=st.binary(max_size=400), filename=st.sampled_from(["", "a.csv", "a.txt", "a.pdf"]))
def test_any_bytes_are_read_or_refused(pool: ReadingPool, content: bytes, filename: str) -> None:
    check(read_in_child(pool, content, filename))


@few
@given(text=st.text(max_size=300), encoding=st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_any_text_is_read_or_refused(pool: ReadingPool, text: str, encoding: str) -> None:
    check(read_in_child(pool, text.encode(encoding, "replace")))


@few
@given(data=st.data())
@pytest.mark.parametrize("kind", ["pdf", "docx", "png", "tiff", "eml", "msg", "zip"])
def test_damaged_documents_are_read_or_refused(
    pool: ReadingPool, text_pdf: Path, simple_docx: Path, draw: Callable[..., object], kind: str, data: st.DataObject
) -> None:
    content = bytearray(_intact(kind, text_pdf, simple_docx, draw))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(1, len(content))))
    check(read_in_child(pool, bytes(content[:cut])))


def _intact(kind: str, text_pdf: Path, simple_docx: Path, draw: Callable[..., object]) -> bytes:
    if kind in {"png", "tiff"}:
        path = text_pdf.with_suffix(f".{kind}")
        draw(("Tiny",), (200, 100), 20).save(path)  # type: ignore[attr-defined]
        return path.read_bytes()
    made = {"pdf": text_pdf, "docx": simple_docx}
    return made[kind].read_bytes() if kind in made else _packet(kind)


def _packet(kind: str) -> bytes:
    """With a note inside."""
    if kind == "zip":
        return packed({"note.txt": "A note on herons", "page.html": "<p>A page on herons"})
    if kind == "msg":
        subject, note = "A subject".encode("utf-16-le"), "A note on herons".encode("utf-16-le")
        inside = {
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"A note on herons",
            "__nameid_version1.0/a": b"",
        }
        return compound({"__substg1.0_0037001F": subject, "__substg1.0_1000001F": note, **inside})
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "ada@heron.example",
        "bo@heron.example",
        "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
    )
    message.set_content("A note on herons: Grüße")
    message.add_alternative("<p>A note on herons", subtype="html")
    message.add_attachment("A note on herons", filename="Grüße.txt")
    return message.as_bytes()
