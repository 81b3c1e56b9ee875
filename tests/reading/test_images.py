"""Photographs and scans."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from heron_grpc.domain.document import OcrMode, Reading, TextSource
from heron_grpc.domain.errors import CorruptDocument

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


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_image_is_corrupt(read: Read, draw: Draw, share: float) -> None:
    content = encoded(draw(), "JPEG")
    with pytest.raises(CorruptDocument):
        read(content[: int(len(content) * share)])
