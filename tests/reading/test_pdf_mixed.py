"""PDF pages whose text layer is not all the page shows: pictures beside text, stray text over scans, garbage."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.domain.document import Box, OcrMode, Page, Reading, TextSource, Word
from heron_grpc.reading.ocr.page_image import turned
from heron_grpc.reading.pdf_merge import merged
from heron_grpc.reading.pdf_objects import Picture
from heron_grpc.reading.pdf_pictures import on_page
from heron_grpc.reading.pdf_rendering import render
from heron_grpc.settings import ReadingSettings

Read = Callable[..., Reading]
Draw = Callable[..., Image.Image]
PROSE = (
    "The insured has told the company on the third of March that the boat was",
    "damaged at its mooring by another boat whose owner could not be found. The",
    "company has asked for pictures of the damage, which are shown below, and for",
    "the invoice of the yard that has repaired the boat. It will pay what is due",
    "under the terms of the policy within thirty days after it has received both.",
)
MOJIBAKE = tuple(
    "".join(chr((ord(char) - 97 + 11) % 26 + 97) if char.islower() else char for char in line) for line in PROSE
)


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Path]:
    """Lines from the top, and pictures at (x, y, width, height) in points from the lower left, page by page."""

    def write(*pages: tuple[Sequence[str], Sequence[tuple[Image.Image, tuple[float, float, float, float]]]]) -> Path:
        path = tmp_path / "page.pdf"
        canvas = Canvas(str(path), pagesize=(595, 842))
        for lines, pictures in pages:
            for image, (x, y, width, height) in pictures:
                canvas.drawImage(ImageReader(image), x, y, width, height)
            for index, line in enumerate(lines):
                canvas.drawString(72, 790 - 16 * index, line)
            canvas.showPage()
        canvas.save()
        return path

    return write


def picture(draw: Draw, *lines: str) -> Image.Image:
    return draw(lines, size=(1000, 60 + 80 * len(lines)))


def test_text_in_a_picture_is_put_where_the_picture_is(read: Read, page: Callable[..., Path], draw: Draw) -> None:
    image = picture(draw, "Invoice of the boat yard", "New planking 870.00")
    foot = "The company, in March"
    lines = (*PROSE, *[""] * 20, foot)
    reading = read(page((lines, [(image, (72, 500, 450, 100))])))
    only = reading.pages[0]
    assert codes(reading) == ["TEXT_LAYER_INCOMPLETE"]
    assert only.source is TextSource.DIGITAL
    assert only.text.index(PROSE[-1]) < only.text.index("boat yard") < only.text.index("870.00") < only.text.index(foot)
    word = next(word for word in only.words if only.text[word.start : word.end] == "planking")
    assert 0.12 < word.box.x_min < word.box.x_max < 0.9
    assert (842 - 600) / 842 < word.box.y_min < word.box.y_max < (842 - 500) / 842
    assert word.confidence < 1
    assert all(only.text[word.start : word.end].strip() for word in only.words)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_words_of_a_picture_that_lay_on_its_side_are_placed_as_it_lies(degrees: int) -> None:
    seen = Image.new("L", (400, 200), 255)
    seen.paste(0, (40, 20, 120, 50))
    upright = turned(seen, degrees)
    left, top, right, bottom = Image.eval(upright, lambda grey: 255 - grey).getbbox() or (0, 0, 0, 0)
    width, height = upright.size
    word = Word(0, 4, Box(left / width, top / height, right / width, bottom / height))
    found = Page(1, "word", words=(word,), rotation=degrees)
    box = on_page(found, [Picture(Box(0.5, 0.5, 1.0, 1.0), 400, 200, 1)]).words[0].box
    expected = (0.5 + 40 / 800, 0.5 + 20 / 400, 0.5 + 120 / 800, 0.5 + 50 / 400)
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx(expected)


def test_the_same_letterhead_is_read_once(read: Read, page: Callable[..., Path], draw: Draw) -> None:
    head = [(picture(draw, "Heron Mutual Insurance"), (72, 600, 450, 60))]
    reading = read(page((PROSE, head), (PROSE, head), (PROSE, head)))
    assert ["Mutual" in each.text for each in reading.pages] == [True, False, False]


def test_pictures_are_left_alone_without_recognition(read: Read, page: Callable[..., Path], draw: Draw) -> None:
    path = page((PROSE, [(picture(draw, "Invoice of the boat yard"), (72, 500, 450, 60))]))
    reading = read(path, ocr=OcrMode.NEVER)
    assert not reading.warnings
    assert "yard\n" not in reading.text


def test_pictures_beside_text_wait_for_pages_without(read: Read, page: Callable[..., Path], draw: Draw) -> None:
    pages = [(PROSE, [(picture(draw, f"Picture of the number {number}"), (72, 500, 450, 60))]) for number in (1, 2)]
    reading = read(page(*pages), ocr_budget_s=1e-6)
    assert "Picture of the number 1" in reading.pages[0].text
    assert "Picture" not in reading.pages[1].text
    assert "PICTURES_LEFT_OUT" in codes(reading)


def test_a_photograph_beside_text_leaves_no_warning(read: Read, page: Callable[..., Path]) -> None:
    photograph = Image.radial_gradient("L").resize((900, 900))
    reading = read(page((PROSE, [(photograph, (72, 300, 300, 300))])))
    assert not reading.warnings
    assert reading.text == "\n".join(PROSE)


def test_stray_text_over_a_scan_is_kept_with_the_scan(read: Read, page: Callable[..., Path], draw: Draw) -> None:
    scan = draw((*PROSE[:4],), size=(1700, 2400), height=34)
    reading = read(page((("Received 2024-03-09 Registry 7",), [(scan, (0, 0, 595, 780))])))
    assert codes(reading) == ["TEXT_LAYER_INCOMPLETE"]
    assert reading.pages[0].source is TextSource.OCR
    assert "Received 2024-03-09 Registry 7" in reading.text
    assert "damaged at its mooring" in reading.text
    assert reading.text.count("Received") == 1


def test_the_text_layer_of_a_scan_is_taken_when_it_is_whole(read: Read, page: Callable[..., Path], draw: Draw) -> None:
    scan = Image.new("L", (1700, 2400), 255)
    pen = draw(("The insured has told the company", "in the month of March"), size=(1700, 300), height=40)
    scan.paste(pen, (0, 1500))
    reading = read(page((("The insured has told the company in the month of March",), [(scan, (0, 0, 595, 780))])))
    assert reading.pages[0].source is TextSource.DIGITAL
    assert not reading.warnings


def test_a_text_layer_of_exchanged_letters_is_replaced(read: Read, tmp_path: Path, draw: Draw) -> None:
    path = tmp_path / "garbled.pdf"
    canvas = Canvas(str(path), pagesize=(595, 842))
    canvas.drawImage(ImageReader(draw(PROSE, size=(1700, 700), height=36)), 0, 500, 595, 245)
    text = canvas.beginText(72, 400)
    # Invisible, as under a scan.
    text.setTextRenderMode(3)
    for line in MOJIBAKE:
        text.textLine(line)
    canvas.drawText(text)
    canvas.save()
    reading = read(path)
    assert codes(reading) == ["TEXT_GARBLED"]
    assert "damaged at its mooring" in reading.text
    assert MOJIBAKE[0] not in reading.text
    unread = read(path, ocr=OcrMode.NEVER)
    assert codes(unread) == ["TEXT_DOUBTFUL"]
    assert unread.text.startswith(MOJIBAKE[0])


def test_a_text_the_page_shows_is_kept_however_it_reads(read: Read, page: Callable[..., Path]) -> None:
    reading = read(page((MOJIBAKE, [])))
    assert reading.pages[0].source is TextSource.DIGITAL
    assert reading.text == "\n".join(MOJIBAKE)


def test_a_page_that_takes_too_long_to_be_drawn_is_left_out(read: Read, tmp_path: Path, draw: Draw) -> None:
    path = tmp_path / "lines.pdf"
    canvas = Canvas(str(path), pagesize=(595, 842))
    for number in range(80_000):
        canvas.line(number % 500, number % 700, number % 400, number % 600)
    canvas.showPage()
    canvas.drawImage(ImageReader(picture(draw, "Invoice of the boat yard")), 72, 500, 450, 60)
    canvas.save()
    reading = read(path, cpu_s=1.2)
    assert codes(reading) == ["PAGE_DAMAGED"]
    assert [each.source for each in reading.pages] == [TextSource.NONE, TextSource.OCR]


def test_a_page_is_drawn_as_it_is_without_a_limit(text_pdf: Path, mixed_pdf: Path) -> None:
    for path in (text_pdf, mixed_pdf):
        with pdfium.PdfDocument(path) as document:
            page = document[len(document) - 1]
            drawn = page.render(scale=2, grayscale=True).to_pil()
            assert render(page, 2, ReadingSettings(), grey=True).tobytes() == drawn.tobytes()


def test_merging_goes_by_columns() -> None:
    def line_of(text: str, left: float, top: float, start: int = 0) -> Word:
        return Word(start, start + len(text), Box(left, top, left + 0.3, top + 0.02))

    page = Page(1, "left\nright", words=(line_of("left", 0.1, 0.1), line_of("right", 0.6, 0.1, 5)))
    under_left = Page(1, "under", words=(line_of("under", 0.1, 0.5),))
    assert merged(page, under_left, lambda _: True).text == "left\nunder\nright"
    assert merged(page, under_left, lambda _: False) is page
    above = Page(1, "above", words=(line_of("above", 0.1, 0.0),))
    both = merged(page, above, lambda _: True)
    assert [both.text[word.start : word.end] for word in both.words] == ["above", "left", "right"]
