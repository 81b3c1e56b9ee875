"""What a PDF holds beside its content: metadata, attachments, form fields, typed-on text, comments."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.domain.document import Reading, TextSource

Read = Callable[..., Reading]
INVOICE = b"<?xml version='1.0'?><invoice><total currency='EUR'>871.50</total></invoice>"


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


@pytest.fixture
def with_attachments(text_pdf: Path) -> Callable[..., Path]:
    def write(**files: bytes) -> Path:
        path = text_pdf.with_name("attached.pdf")
        with closing(pdfium.PdfDocument(text_pdf)) as document:
            for name, content in files.items():
                document.new_attachment(name.replace("_", ".")).set_data(content)
            document.save(path)
        return path

    return write


@pytest.fixture
def form(tmp_path: Path) -> Path:
    canvas = Canvas(str(tmp_path / "form.pdf"), pagesize=(595, 842))
    canvas.drawString(72, 720, "Name of the insured:")
    fields = canvas.acroForm
    fields.textfield(name="insured", value="Grey Heron", x=200, y=710, width=200, height=24)
    fields.textfield(name="spouse", value="", x=200, y=670, width=200, height=24)
    fields.checkbox(name="smoker", checked=True, x=200, y=640)
    fields.checkbox(name="pilot", checked=False, x=240, y=640)
    fields.radio(name="paid", value="yearly", selected=False, x=200, y=600)
    fields.radio(name="paid", value="monthly", selected=True, x=240, y=600)
    fields.choice(name="country", value="Norway", options=["Norway", "Sweden"], x=200, y=560, width=100, height=20)
    canvas.save()
    return tmp_path / "form.pdf"


def test_attachments_become_parts_behind_the_pages(read: Read, with_attachments: Callable[..., Path]) -> None:
    reading = read(with_attachments(note_txt=b"A note about herons", invoice_txt=b"Total 871.50"))
    assert [(part.number, part.name) for part in reading.parts] == [(1, "invoice.txt"), (2, "note.txt")]
    assert [(page.number, page.part) for page in reading.pages] == [(1, 0), (2, 0), (3, 1), (4, 2)]
    assert reading.pages[2].text == "Total 871.50"


def test_the_xml_of_an_electronic_invoice_is_found(read: Read, with_attachments: Callable[..., Path]) -> None:
    reading = read(with_attachments(**{"factur-x_xml": INVOICE}))
    assert [(part.name, part.media_type) for part in reading.parts] == [("factur-x.xml", "application/xml")]
    assert "871.50" in reading.pages[-1].text


def test_an_empty_attachment_says_so(read: Read, with_attachments: Callable[..., Path]) -> None:
    assert codes(read(with_attachments(nothing_txt=b""))) == ["PART_UNREADABLE"]


def test_an_attachment_beyond_the_limit_is_left_out(read: Read, with_attachments: Callable[..., Path]) -> None:
    path = with_attachments(large_txt=b"All work and no play makes Jack a dull boy. " * 50_000)
    reading = read(path, max_expanded_mb=1)
    assert codes(reading) == ["PART_UNREADABLE"]
    assert len(reading.pages) == 2


def test_a_file_pinned_to_a_page_is_read(read: Read, text_pdf: Path) -> None:
    content = text_pdf.read_bytes()
    objects = (
        b"\n900 0 obj\n<</Type/EmbeddedFile/Length 20>>\nstream\nA note that is pinned\nendstream\nendobj"
        b"\n901 0 obj\n<</Type/Filespec/F(pinned.txt)/UF(pinned.txt)/EF<</F 900 0 R>>>>\nendobj"
        b"\n902 0 obj\n<</Type/Annot/Subtype/FileAttachment/Rect[9 9 30 30]/FS 901 0 R>>\nendobj"
    )
    with_note = re.sub(rb"(?=/Type ?/Page\b)", b"/Annots[902 0 R]", content[: content.rindex(b"\nxref")], count=1)
    reading = read(with_note + objects + b"\n" + content[content.rindex(b"trailer") :])
    assert [part.name for part in reading.parts] == ["pinned.txt"]
    assert reading.pages[-1].text.startswith("A note that is pinne")


def test_filled_in_fields_are_text_and_a_table(read: Read, form: Path) -> None:
    reading = read(form)
    assert "Grey Heron" in reading.text
    assert "Norway" in reading.text
    table = (("insured", "Grey Heron"), ("smoker", "Yes"), ("paid", "monthly"), ("country", "Norway"))
    assert [(each.page, each.rows) for each in reading.tables] == [(1, table)]
    assert not read(form, with_tables=False).tables


def test_comments_end_the_page(read: Read, tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "comments.pdf"), pagesize=(595, 842))
    canvas.drawString(72, 720, "A sentence of the contract")
    canvas.textAnnotation("Who has agreed to this?", Rect=[72, 200, 90, 220])
    canvas.save()
    page = read(tmp_path / "comments.pdf").pages[0]
    assert page.text == "A sentence of the contract\nWho has agreed to this?"


def test_a_comment_on_a_scan_does_not_stand_for_the_scan(
    read: Read, tmp_path: Path, draw: Callable[..., Image.Image]
) -> None:
    canvas = Canvas(str(tmp_path / "scan.pdf"), pagesize=(595, 842))
    canvas.drawImage(ImageReader(draw()), 0, 425, 595, 417)
    canvas.textAnnotation("Who has agreed to this?", Rect=[72, 200, 90, 220])
    canvas.save()
    page = read(tmp_path / "scan.pdf").pages[0]
    assert page.source is TextSource.OCR
    assert "Heron Fishing Supplies" in page.text
    assert page.text.endswith("\nWho has agreed to this?")


def test_text_typed_onto_a_page_is_read_where_it_is(read: Read, text_pdf: Path) -> None:
    path = text_pdf.with_name("typed.pdf")
    with closing(pdfium.PdfDocument(text_pdf)) as document:
        page = document[0]
        note = pdfium_c.FPDFPage_CreateAnnot(page.raw, pdfium_c.FPDF_ANNOT_STAMP)
        pdfium_c.FPDFAnnot_SetRect(note, pdfium_c.FS_RECTF(72, 300, 300, 250))
        text = pdfium_c.FPDFPageObj_NewTextObj(document.raw, b"Helvetica", 12.0)
        pdfium_c.FPDFText_SetText(text, (pdfium_c.FPDF_WCHAR * 5)(*map(ord, "PAID\0")))
        pdfium_c.FPDFPageObj_Transform(text, 1, 0, 0, 1, 80, 270)
        pdfium_c.FPDFAnnot_AppendObject(note, text)
        pdfium_c.FPDFPage_CloseAnnot(note)
        document.save(path)
    page = read(path).pages[0]
    word = page.words[-1]
    assert page.text[word.start : word.end] == "PAID"
    assert word.box.y_min > 0.6


def test_the_language_is_among_the_metadata(read: Read, tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "german.pdf"), lang="de-DE")
    canvas.setTitle("Rechnung")
    canvas.drawString(72, 720, "Rechnung")
    canvas.save()
    metadata = read(tmp_path / "german.pdf").metadata
    assert (metadata["title"], metadata["language"]) == ("Rechnung", "de-DE")


def test_what_a_form_without_drawn_pages_was_filled_in_with_is_read(read: Read) -> None:
    filled = b"<xfa:datasets xmlns:xfa='http://www.xfa.org/schema/xfa-data/1.0/'><name>Grey Heron</name></xfa:datasets>"
    wait = b"BT /F 12 Tf 72 700 Td (Please wait) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R/NeedsRendering true/AcroForm<</Fields[]/XFA[(datasets) 5 0 R]>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 6 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(wait), wait),
        b"<</Length %d>>stream\n%b\nendstream" % (len(filled), filled),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (number, content) for number, content in enumerate(objects, 1))
    reading = read(b"%PDF-1.7\n" + body + b"trailer<</Root 1 0 R>>")
    assert [part.name for part in reading.parts] == ["form.xml"]
    assert "Grey Heron" in reading.pages[1].text
