"""PDF: text layer, words, and the pages that need OCR."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.domain.document import OcrMode, Reading, TextSource
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.reading.pdf_meaning import is_plausible

Read = Callable[..., Reading]
Write = Callable[..., Path]
Draw = Callable[..., Image.Image]


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def test_text_layer_is_read_page_by_page(read: Read, text_pdf: Path, lines: tuple[str, ...]) -> None:
    reading = read(text_pdf)
    assert reading.text == "\n".join(lines) + "\fSecond page\nwith two lines"
    assert (reading.pages[0].width, reading.pages[0].height) == (595, 842)
    assert reading.metadata["title"] == "Seven lines"
    assert reading.ocr_pages == 0
    assert not reading.warnings


def test_words_lie_where_they_were_drawn(read: Read, text_pdf: Path) -> None:
    page = read(text_pdf).pages[0]
    first, last = page.words[0], page.words[-1]
    assert page.text[first.start : first.end] == "INVOICE"
    assert first.box.x_min == pytest.approx(72 / 595, abs=0.01)
    assert first.box.y_min < (842 - 770) / 842 < first.box.y_max + 0.01
    assert last.box.y_min > first.box.y_max


@pytest.mark.parametrize(("rotation", "right", "low"), [(90, True, False), (180, True, True), (270, False, True)])
def test_boxes_follow_the_page_as_shown(read: Read, text_pdf: Path, rotation: int, right: bool, low: bool) -> None:
    turned = text_pdf.with_name("turned.pdf")
    with closing(pdfium.PdfDocument(text_pdf)) as document:
        document[0].set_rotation(rotation)
        document.save(turned)
    page = read(turned).pages[0]
    box = page.words[0].box
    assert (page.width > page.height) == (rotation != 180)
    assert (box.x_min > 0.5, box.y_min > 0.5) == (right, low)


def test_scanned_pages_are_recognised(read: Read, scanned_pdf: Path) -> None:
    page = read(scanned_pdf).pages[0]
    assert page.source is TextSource.OCR
    assert "Heron Fishing Supplies" in page.text
    assert page.ocr_confidence > 0.8
    assert page.width == pytest.approx(595, abs=1)
    assert all(page.text[word.start : word.end].strip() for word in page.words)


def test_only_pages_without_text_are_recognised(read: Read, mixed_pdf: Path) -> None:
    reading = read(mixed_pdf)
    assert [page.source for page in reading.pages] == [TextSource.DIGITAL, TextSource.OCR]
    assert "Guarantee for five years" in reading.pages[1].text
    assert reading.ocr_s > 0


def test_recognition_switched_off_leaves_a_warning(read: Read, mixed_pdf: Path) -> None:
    reading = read(mixed_pdf, ocr=OcrMode.NEVER)
    assert [page.source for page in reading.pages] == [TextSource.DIGITAL, TextSource.NONE]
    assert codes(reading) == ["OCR_OFF"]


def test_recognition_of_every_page_can_be_asked_for(read: Read, text_pdf: Path) -> None:
    reading = read(text_pdf, ocr=OcrMode.ALWAYS, page_ranges=((1, 1),))
    assert reading.pages[0].source is TextSource.OCR
    assert "Heron Fishing Supplies" in reading.text


def test_recognition_stops_when_its_time_is_up(read: Read, write_pdf: Write, tmp_path: Path, draw: Draw) -> None:
    path = write_pdf(tmp_path / "scans.pdf", [draw(("Page of the first",)), draw(("Page of the second",))])
    reading = read(path, ocr_budget_s=1e-6)
    assert [page.source for page in reading.pages] == [TextSource.OCR, TextSource.NONE]
    assert codes(reading) == ["OCR_BUDGET_EXCEEDED"]


def test_blank_page_says_so(read: Read, write_pdf: Write, tmp_path: Path) -> None:
    assert codes(read(write_pdf(tmp_path / "blank.pdf", [()]))) == ["PAGE_BLANK"]


def test_picture_without_text_says_so(read: Read, write_pdf: Write, tmp_path: Path) -> None:
    disc = Image.radial_gradient("L").resize((900, 900))
    assert codes(read(write_pdf(tmp_path / "disc.pdf", [disc]))) == ["NO_TEXT_FOUND"]


def test_filled_in_form_fields_are_read(read: Read, tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"))
    canvas.drawString(72, 720, "Name of the insured:")
    canvas.acroForm.textfield(name="insured", value="Grey Heron", x=200, y=710, width=200, height=24)
    canvas.save()
    assert "Grey Heron" in read(tmp_path / "form.pdf").text


def test_user_password_is_needed(read: Read, encrypted_pdf: Callable[[str, str], Path]) -> None:
    with pytest.raises(EncryptedDocument):
        read(encrypted_pdf("secret", "owner"))


def test_owner_password_alone_does_not_keep_readers_out(
    read: Read, encrypted_pdf: Callable[[str, str], Path], lines: tuple[str, ...]
) -> None:
    assert lines[0] in read(encrypted_pdf("", "owner")).text


def test_truncated_pdf_is_refused_with_reason(read: Read, text_pdf: Path) -> None:
    with pytest.raises(CorruptDocument):
        read(text_pdf.read_bytes()[:200])


def test_page_ranges_and_limit_leave_the_rest_out(read: Read, write_pdf: Write, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "six.pdf", [(f"Page number {number} of this",) for number in range(1, 7)])
    assert [page.number for page in read(path, page_ranges=((2, 3), (5, 5))).pages] == [2, 3, 5]
    limited = read(path, max_pages=4)
    assert [page.number for page in limited.pages] == [1, 2, 3, 4]
    assert codes(limited) == ["PAGES_LEFT_OUT"]


def test_only_the_first_pages_words_get_boxes(read: Read, text_pdf: Path) -> None:
    first, second = read(text_pdf, max_word_pages=1).pages
    assert first.words
    assert second.text
    assert not second.words


@pytest.mark.parametrize("count", [1, 3, 150])
def test_characters_without_a_code_leave_the_others_in_their_places(read: Read, tmp_path: Path, count: int) -> None:
    registerFont(TTFont("Vera", "Vera.ttf"))
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(595, 842))
    # A sign that the font has no glyph for, at the start and between words.
    for row in range(count):
        canvas.setFont("Vera", 4)
        canvas.drawString(72, 800 - 5 * row, f"\u20b9 Total \u20b9{row} due")
    canvas.setFont("Vera", 12)
    canvas.drawString(300, 30, "payable")
    canvas.save()
    page = read(tmp_path / "a.pdf").pages[0]
    assert page.text.split() == [*(word for row in range(count) for word in ("Total", f"{row}", "due")), "payable"]
    [word] = [word for word in page.words if page.text[word.start : word.end] == "payable"]
    assert word.box.x_min == pytest.approx(300 / 595, abs=0.01)
    assert word.box.y_min < (842 - 30) / 842 < word.box.y_max + 0.01


@pytest.mark.parametrize(
    ("text", "plausible"),
    [
        ("Please transfer the amount within thirty days", True),
        ("4711 1234.50 99,00 2024-03-03", True),
        ("Пожалуйста, оплатите счёт в течение тридцати дней", True),
        ("3OHDVH WUDQVIHU WKH DPRXQW ZLWKLQ WKLUWB GDBV", False),
        ("3)2 #2545# :)4'' %4( #)2 .<5#)'( 325# 05 4+145$2 <5 #)2 903:# +4( <9 2123( $4'25+43 " * 2, False),
        ("(1,204.50) -17% $ 99,310 \u2013 12/31/2024 [4] *17 2.4e-6 3.5±0.1 " * 4, True),
        ("for (int i = 0; i < 100; i++) { total += 25 * rate(i, 0x1F, 12); } // 4711 " * 4, True),
        ("1 ........ 17 2 ........ 19 3 ____ 22 4 ---- 23 * * * " * 2, True),
        ("2024-02-02;CARD;EUR -1,178.87;6,275.00;EUR 2024-02-06|FEES|-316.54|EUR " * 8, True),
        ("125 18 2015 A$15,960.61 A$434.30 US$931.25 R\u20ac64.67 " * 4, True),
        ("\ue001\ue002\ue003 \ue004\ue005", False),
        ("\ufffd\ufffd\ufffd a", False),
    ],
)
def test_garbage_is_told_from_language_and_figures(text: str, plausible: bool) -> None:
    assert is_plausible(text) is plausible
