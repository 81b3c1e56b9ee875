"""Photographs and scans."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from heron_grpc.domain.document import OcrMode, Reading, TextSource
from heron_grpc.domain.errors import ConfigurationError, CorruptDocument
from heron_grpc.domain.ports import OcrEngine
from heron_grpc.reading.ocr import engine_name, languages
from heron_grpc.reading.ocr.engines import find_engine
from heron_grpc.reading.ocr.languages import choose_languages, tesseract_name
from heron_grpc.reading.ocr.page_image import as_ocr_image, is_blank, to_grey
from heron_grpc.settings import ReadingSettings

Read = Callable[..., Reading]
Draw = Callable[..., Image.Image]


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    packed = io.BytesIO()
    image.save(packed, kind, **options)
    return packed.getvalue()


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_text_and_words_are_recognised(read: Read, draw: Draw, kind: str) -> None:
    page = read(encoded(draw(), kind)).pages[0]
    assert "Heron Fishing Supplies" in page.text
    assert (page.width, page.height, page.source) == (1000, 700, TextSource.OCR)
    word = next(word for word in page.words if page.text[word.start : word.end] == "INVOICE")
    assert word.box.x_min == pytest.approx(60 / 1000, abs=0.02)
    assert word.box.y_min == pytest.approx(60 / 700, abs=0.03)


def test_exif_orientation_is_undone(read: Read, draw: Draw) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    page = read(encoded(draw().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)).pages[0]
    assert (page.width, page.height, page.rotation) == (1000, 700, 0)
    assert "Heron Fishing Supplies" in page.text


@pytest.mark.parametrize(("way", "rotation"), [("ROTATE_270", 90), ("ROTATE_180", 180), ("ROTATE_90", 270)])
def test_turned_page_is_read_upright(read: Read, draw: Draw, way: str, rotation: int) -> None:
    page = read(encoded(draw().transpose(Image.Transpose[way]))).pages[0]
    assert "Heron Fishing Supplies" in page.text
    assert (page.rotation, page.width, page.height) == (rotation, 1000, 700)
    word = next(word for word in page.words if page.text[word.start : word.end] == "INVOICE")
    assert word.box.x_max < 0.5
    assert word.box.y_max < 0.5


def test_blank_image_says_so(read: Read) -> None:
    assert codes(read(encoded(Image.new("L", (800, 600), 250)))) == ["PAGE_BLANK"]


def test_image_stays_unread_when_recognition_is_off(read: Read, draw: Draw) -> None:
    reading = read(encoded(draw()), ocr=OcrMode.NEVER)
    assert (reading.text, codes(reading)) == ("", ["OCR_OFF"])


def test_no_engine_or_language_is_said(read: Read, draw: Draw, tmp_path: Path) -> None:
    assert codes(read(encoded(draw()), tessdata_dir=str(tmp_path))) == ["OCR_UNAVAILABLE"]


def test_language_that_is_missing_is_said(read: Read, draw: Draw) -> None:
    reading = read(encoded(draw()), languages=("tlh", "en"))
    assert "Heron Fishing Supplies" in reading.text
    assert codes(reading) == ["OCR_LANGUAGE_MISSING"]


def test_transparency_is_white_paper(draw: Draw) -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    assert is_blank(to_grey(image))
    assert to_grey(Image.new("I;16", (10, 10), 65535)).getpixel((0, 0)) == 255


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_image_is_corrupt(read: Read, draw: Draw, share: float) -> None:
    content = encoded(draw(), "JPEG")
    with pytest.raises(CorruptDocument):
        read(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ("code", "name"), [("de", "deu"), ("en-GB", "eng"), ("zh-TW", "chi_tra"), ("zh", "chi_sim"), ("x-none", "")]
)
def test_language_codes_have_tesseract_names(code: str, name: str) -> None:
    assert tesseract_name(code) == name


def test_languages_fall_back_to_the_default() -> None:
    assert choose_languages((), ("deu", "eng"), ("eng",)) == (("eng",), ())
    assert choose_languages(("de",), ("deu", "eng"), ("eng",)) == (("deu",), ())
    chosen, warnings = choose_languages(("fr",), ("deu", "eng"), ("eng",))
    assert chosen == ("eng",)
    assert "fr" in warnings[0].message


def test_installed_languages_are_listed() -> None:
    assert "eng" in languages(ReadingSettings())
    assert "osd" not in languages(ReadingSettings())


@pytest.fixture(params=["tesserocr", "pytesseract"])
def engine(request: pytest.FixtureRequest) -> OcrEngine:
    settings = ReadingSettings(ocr_engine=request.param)
    found = find_engine(settings)
    if found is None or (request.param == "pytesseract" and not shutil.which("tesseract")):
        pytest.skip(f"{request.param} is not installed")
    return found


class TestOcrEngine:
    """The contract of the port, for every engine."""

    def test_reads_words_with_boxes_and_confidence(self, engine: OcrEngine, draw: Draw) -> None:
        page = engine.recognise(as_ocr_image(draw(), 0), ("eng",), 3)
        assert page.number == 3
        assert "Heron Fishing Supplies" in page.text
        assert page.source is TextSource.OCR
        assert 0.8 < page.ocr_confidence <= 1
        assert all(0 <= word.box.x_min <= word.box.x_max <= 1 for word in page.words)

    def test_page_without_text_is_empty(self, engine: OcrEngine) -> None:
        page = engine.recognise(as_ocr_image(Image.new("L", (300, 300), 255), 0), ("eng",), 1)
        assert (page.text, page.words, page.source) == ("", (), TextSource.NONE)

    def test_missing_language_is_a_configuration_error(self, engine: OcrEngine, draw: Draw) -> None:
        with pytest.raises(ConfigurationError):
            engine.recognise(as_ocr_image(draw(), 0), ("tlh",), 1)


def test_the_engine_in_process_is_preferred() -> None:
    assert engine_name(ReadingSettings()) in {"tesserocr", "pytesseract"}
    assert engine_name(ReadingSettings(ocr_engine="pytesseract")) == "pytesseract"
