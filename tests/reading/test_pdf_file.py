"""PDF files as they come: cut short, without cross-references, behind something else, locked."""

import ctypes
import re
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.domain.steps import Outlook
from heron_grpc.reading import pdf_file
from heron_grpc.reading.heap import heap_bytes
from heron_grpc.reading.pdf import read_pdf
from heron_grpc.reading.pdf_repair import repaired
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import ReadingSettings

Read = Callable[..., Reading]
Encrypted = Callable[[str, str], Path]


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


@pytest.fixture
def three_pages(write_pdf: Callable[..., Path], tmp_path: Path) -> bytes:
    return write_pdf(tmp_path / "three.pdf", [(f"This is page number {number}",) for number in (1, 2, 3)]).read_bytes()


@pytest.mark.parametrize("password", ["secret", "pässwörd"])
def test_the_password_opens(read: Read, encrypted_pdf: Encrypted, lines: tuple[str, ...], password: str) -> None:
    path = encrypted_pdf(password, "owner")
    assert lines[0] in read(path, password=password).text
    with pytest.raises(EncryptedDocument, match="password does not open"):
        read(path, password="wrong")


def test_a_password_nobody_asked_for_does_no_harm(read: Read, three_pages: bytes) -> None:
    assert len(read(three_pages, password="secret").pages) == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda pdf: pdf[: pdf.rindex(b"startxref")],
        lambda pdf: re.sub(rb"startxref\s+\d+", b"startxref 7", pdf),
        lambda pdf: b"\r\nSome lines of a mail\r\n\r\n" * 20 + pdf,
        lambda pdf: pdf.replace(b"%%EOF", b""),
        lambda pdf: pdf + b"\0" * 4000,
    ],
)
def test_all_is_read_whatever_is_around_it(read: Read, three_pages: bytes, damage: Callable[[bytes], bytes]) -> None:
    reading = read(damage(three_pages))
    assert reading.text.split("\f") == [f"This is page number {number}" for number in (1, 2, 3)]
    assert not reading.warnings


def test_a_file_cut_short_keeps_the_pages_it_has(read: Read, three_pages: bytes) -> None:
    catalog = three_pages.index(b"/Type /Catalog")
    contents = [match.start() for match in re.finditer(rb"/Filter", three_pages)]
    assert catalog < contents[1] < contents[2], "the pages' text follows their list"
    lost = three_pages.replace(b"/Type /Catalog", b"/Type /Nothing")
    reading = read(lost[: contents[2]])
    assert codes(reading)[0] == "DOCUMENT_REPAIRED"
    assert [page.text for page in reading.pages][:2] == ["This is page number 1", "This is page number 2"]
    assert not reading.pages[2].text


def test_packed_objects_of_a_file_cut_short_are_unpacked(read: Read) -> None:
    page = b"<</Type/Page/MediaBox[0 0 612 792]/Contents 9 0 R/Resources<</Font<</F 4 0 R>>>>>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    head = b"3 0 4 %d " % len(page)
    packed = zlib.compress(head + page + font)
    text = b"BT /F 12 Tf 72 700 Td (Saved from a packed object) Tj ET"
    packing = b"8 0 obj\n<</Type/ObjStm/N 2/First %d/Filter/FlateDecode/Length %d>>" % (len(head), len(packed))
    start = b"%%PDF-1.5\n%b\nstream\n%b\nendstream\nendobj\n" % (packing, packed)
    reading = read(start + b"9 0 obj\n<</Length %d>>\nstream\n%b\nendstream\nendobj\n12 0 ob" % (len(text), text))
    assert reading.text == "Saved from a packed object"
    assert codes(reading) == ["DOCUMENT_REPAIRED"]


def test_nothing_is_made_of_what_holds_no_page() -> None:
    assert repaired(b"") is None
    assert repaired(b"%PDF-1.4\n1 0 obj\n<</Type/Pages>>\nendobj") is None
    assert repaired(b"%PDF-1.5\n8 0 obj\n<</Type/ObjStm/N 9/First 4>>\nstream\nnot packed\nendstream") is None


def test_locked_files_cut_short_are_refused(read: Read, encrypted_pdf: Encrypted) -> None:
    content = encrypted_pdf("", "owner").read_bytes()
    with pytest.raises(CorruptDocument):
        read(content.replace(b"/Catalog", b"/Nothing")[: content.rindex(b"xref\n0")])


def test_large_files_are_read_from_where_they_are(
    read: Read, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(three_pages)
    monkeypatch.setattr(pdf_file, "_SMALL_FILE", 10)
    assert read(three_pages) == whole


def test_a_document_opened_anew_for_want_of_room_says_the_same(
    read: Read, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(three_pages)
    monkeypatch.setattr(pdf_file, "_MOST_KEPT", -1)
    assert read(three_pages) == whole


def test_the_heap_is_known_to_grow_and_shrink() -> None:
    before = heap_bytes()
    block = ctypes.create_string_buffer(1 << 24)
    assert heap_bytes() >= before + len(block)
    del block
    assert heap_bytes() < before + (1 << 23)


def test_pages_come_one_by_one(three_pages: bytes, tmp_path: Path) -> None:
    path = tmp_path / "one.pdf"
    path.write_bytes(three_pages)
    options = ReadOptions("application/pdf", ReadingSettings(), lambda *_: iter(()))
    with closing(pdfium.PdfDocument(path)) as document:
        assert len(document) == 3
    steps = read_pdf(str(path), options)
    assert next(step for step in steps if isinstance(step, Outlook)).pages == 3
    assert [step.text for step in (next(steps), next(steps))] == ["This is page number 1", "This is page number 2"]  # type: ignore[union-attr]
    steps.close()  # type: ignore[attr-defined]
