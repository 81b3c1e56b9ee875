"""Searchable PDFs: what was recognised can be found and copied where it stands; pages stay what they were."""

import io
from collections.abc import Callable
from pathlib import Path

import pdfplumber
import pypdfium2 as pdfium
import pytest
from PIL import Image

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import Box, OcrMode, Page, ReadRequest, TextSource, Word
from heron_grpc.domain.errors import EncryptedDocument, UnsupportedMediaType
from heron_grpc.domain.steps import Piece
from heron_grpc.reading.fulfil import fulfil
from heron_grpc.reading.invisible_words import InvisibleWords
from heron_grpc.settings import ReadingSettings

Make = Callable[..., tuple[list[Page], pdfium.PdfDocument]]
# A word of each script, of every width.
WORDS = ("Heron", "Grüße", "Ελληνικά", "Привет", "中文字", "日本語", "한국어", "مرحبا", "שלום", "١٢٣", "😀")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The pages read, and the searchable PDF, opened."""

    def _make(path: Path, **options: object) -> tuple[list[Page], pdfium.PdfDocument]:
        request = ReadRequest(str(path), path.name, searchable_pdf=True, **options)
        steps = list(fulfil(request, ReadingSettings()))
        data = b"".join(step.data for step in steps if isinstance(step, Piece))
        (tmp_path / "made.pdf").write_bytes(data)
        pages = [step for step in steps if isinstance(step, Page)]
        return pages, pdfium.PdfDocument(data, password=options.get("password"))

    return _make


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def text_of(page: pdfium.PdfPage) -> list[str]:
    return page.get_textpage().get_text_range().split()


def text_in(page: pdfium.PdfPage, box: Box) -> str:
    width, height = page.get_size()
    edges = (box.x_min * width, (1 - box.y_max) * height, box.x_max * width, (1 - box.y_min) * height)
    return page.get_textpage().get_text_bounded(edges[0] + 0.5, edges[1] + 0.5, edges[2] - 0.5, edges[3] - 0.5).strip()


def assert_words_stand_in_their_boxes(read: Page, made: pdfium.PdfPage) -> None:
    assert len(read.words) > 20
    assert text_of(made) == read.text.split()
    for word in read.words:
        assert text_in(made, word.box) == read.text[word.start : word.end]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_an_image_becomes_a_page_whose_words_stand_where_they_are_seen(make, draw, tmp_path, suffix):
    [read], document = make(saved(tmp_path / f"scan{suffix}", draw()))
    assert_words_stand_in_their_boxes(read, document[0])


def test_words_of_a_line_stay_in_it_however_high_their_letters_are(make, draw, tmp_path):
    lines = ("Second page of text", "with more words on it", "a sum = more or less", "gypsy moon over a jetty")
    make(saved(tmp_path / "scan.png", draw(lines, height=60)))
    with pdfplumber.open(tmp_path / "made.pdf") as made:
        assert made.pages[0].extract_text().split("\n") == list(lines)


def test_an_image_that_lies_on_its_side_is_put_upright(make, draw, tmp_path):
    [read], document = make(saved(tmp_path / "lying.png", draw().rotate(90, expand=True)))
    assert read.rotation
    assert_words_stand_in_their_boxes(read, document[0])
    width, height = document[0].get_size()
    assert width > height


def test_a_photo_keeps_its_own_bytes_and_its_own_size(make, draw, tmp_path):
    photo = saved(tmp_path / "photo.jpg", draw().convert("RGB"), dpi=(200, 200))
    _, document = make(photo)
    assert photo.read_bytes()[-1000:] in (tmp_path / "made.pdf").read_bytes()
    assert document[0].get_size() == pytest.approx((360, 252), abs=1)


def test_every_page_of_a_tiff_is_a_page(make, draw, tmp_path):
    first, second = draw(), draw(("Second page of the fax", "with two lines and no more"))
    path = tmp_path / "fax.tif"
    first.save(path, save_all=True, append_images=[second])
    pages, document = make(path)
    assert len(document) == 2
    assert [text_of(page) for page in document] == [page.text.split() for page in pages]


def test_a_scanned_pdf_keeps_its_pages_and_gets_its_words(make, scanned_pdf):
    before = pdfium.PdfDocument(scanned_pdf)[0].render().to_pil()
    [read], document = make(scanned_pdf)
    assert read.source is TextSource.OCR
    assert_words_stand_in_their_boxes(read, document[0])
    assert document[0].render().to_pil().tobytes() == before.tobytes()


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_page_that_viewers_turn_gets_its_words_where_they_are_seen(make, scanned_pdf, tmp_path, rotation):
    with pdfium.PdfDocument(scanned_pdf) as source:
        page = source[0]
        # The picture on its side, and viewers asked to turn it back.
        picture = page.render(scale=3).to_pil().rotate(rotation, expand=True)
    path = tmp_path / "turned.pdf"
    picture.convert("RGB").save(path, "PDF", resolution=216)
    with pdfium.PdfDocument(path) as turned:
        turned[0].set_rotation(rotation)
        turned.save(tmp_path / "asked.pdf")
    [read], _ = make(tmp_path / "asked.pdf")
    again = ReadRequest(str(tmp_path / "made.pdf"), ocr=OcrMode.NEVER)
    [made] = [step for step in fulfil(again, ReadingSettings()) if isinstance(step, Page)]
    assert made.source is TextSource.DIGITAL
    assert made.text.split() == read.text.split()
    for word, found in zip(read.words, made.words, strict=True):
        box, other = word.box, found.box
        assert (other.x_min, other.x_max) == pytest.approx((box.x_min, box.x_max), abs=0.01)
        # As high as its line.
        assert box.y_min - 0.02 < other.y_min < box.y_min + 0.01
        assert box.y_max - 0.01 < other.y_max < box.y_max + 0.02


def test_a_scan_that_stands_on_its_head_gets_its_words_along_its_lines(make, draw, write_pdf, tmp_path):
    [read], document = make(write_pdf(tmp_path / "head.pdf", [draw().rotate(180)]))
    assert read.rotation == 180
    for word in read.words:
        box = Box(1 - word.box.x_max, 1 - word.box.y_max, 1 - word.box.x_min, 1 - word.box.y_min)
        assert text_in(document[0], box) == read.text[word.start : word.end]


def test_pages_with_text_of_their_own_get_nothing(make, mixed_pdf):
    pages, document = make(mixed_pdf)
    assert [page.source for page in pages] == [TextSource.DIGITAL, TextSource.OCR]
    assert text_of(document[0]) == pages[0].text.split()
    assert text_of(document[1]) == pages[1].text.split()


def test_a_pdf_that_needs_nothing_stays_as_it_is(make, text_pdf, tmp_path):
    make(text_pdf, ocr=OcrMode.AUTO)
    assert (tmp_path / "made.pdf").read_bytes() == text_pdf.read_bytes()


def test_a_locked_pdf_is_opened_with_its_password(make, draw, write_pdf, tmp_path):
    from reportlab.lib.pdfencrypt import StandardEncryption

    path = write_pdf(tmp_path / "locked.pdf", [draw()], encryption=StandardEncryption("sesame", "owner", strength=128))
    [read], document = make(path, password="sesame")
    assert text_of(document[0]) == read.text.split()
    with pytest.raises(EncryptedDocument):
        make(path)


def test_a_text_has_no_pages_to_look_at(make, tmp_path):
    (tmp_path / "note.txt").write_text("A note")
    with pytest.raises(UnsupportedMediaType):
        make(tmp_path / "note.txt")


def test_words_may_be_left_out_of_the_reading_and_still_be_in_the_pdf(make, scanned_pdf):
    [read], document = make(scanned_pdf, with_words=False)
    assert not read.words
    assert text_of(document[0]) == read.text.split()


def test_every_script_is_found_and_copied_as_it_is_written():
    document = pdfium.PdfDocument.new()
    page = document.new_page(600, 100 * len(WORDS))
    text, words = "", []
    for index, word in enumerate(WORDS):
        top = index / len(WORDS)
        words.append(Word(len(text), len(text) + len(word), Box(0.1, top + 0.02, 0.6, top + 0.06), 0.9))
        text += word + "\n"
    writer = InvisibleWords(document)
    writer.write(page, Page(1, text, words=tuple(words)), rotation=0)
    writer.close()
    buffer = io.BytesIO()
    document.save(buffer)
    again = pdfium.PdfDocument(buffer.getvalue())[0]
    assert text_of(again) == list(WORDS)
    assert [text_in(again, word.box) for word in words] == list(WORDS)


async def test_a_child_makes_it_within_its_sandbox(make_pool, scanned_pdf):
    request = ReadRequest(str(scanned_pdf), searchable_pdf=True)
    steps = [step async for step in make_pool().stream(request, Call())]
    data = b"".join(step.data for step in steps if isinstance(step, Piece))
    [read] = [step for step in steps if isinstance(step, Page)]
    assert text_of(pdfium.PdfDocument(data)[0]) == read.text.split()
