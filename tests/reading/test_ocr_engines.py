"""OCR engines and their languages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from heron_grpc.domain.document import Page, TextSource, Word
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.ports import OcrEngine, OcrImage, ScriptFinder
from heron_grpc.reading.ocr import engine_name, languages, package_of, second_engine_name
from heron_grpc.reading.ocr.ctc import decode
from heron_grpc.reading.ocr.engines import find_engines
from heron_grpc.reading.ocr.languages import choose_languages, tessdata_dir, tesseract_name
from heron_grpc.reading.ocr.page_image import as_ocr_image
from heron_grpc.reading.ocr.scripts import is_latin_or_chinese, languages_of, may_occur
from heron_grpc.settings import ReadingSettings

Draw = Callable[..., Image.Image]


def seen(image: Image.Image) -> OcrImage:
    return as_ocr_image(np.asarray(image), 0)


def word_of(page: Page, text: str) -> Word:
    return next(word for word in page.words if page.text[word.start : word.end] == text)


@pytest.fixture(params=["tesserocr", "pytesseract", "rapidocr"])
def engine(request: pytest.FixtureRequest) -> OcrEngine:
    name = "auto" if request.param == "rapidocr" else request.param
    found = find_engines(ReadingSettings(ocr_engine=name))
    if found is None or (name == "pytesseract" and not shutil.which("tesseract")):
        pytest.skip(f"{request.param} is not installed")
    wanted = found.second if request.param == "rapidocr" else found.first
    assert wanted is not None
    assert wanted.name == request.param
    return wanted


class TestOcrEngine:
    """The contract of the port, for every engine."""

    def test_reads_words_with_confidence(self, engine: OcrEngine, draw: Draw) -> None:
        page = engine.recognise(seen(draw()), ("eng",), 3)
        assert page.number == 3
        assert "Heron Fishing Supplies Limited\n" in page.text
        assert page.source is TextSource.OCR
        assert 0.8 < page.ocr_confidence <= 1

    def test_boxes_hold_their_words(self, engine: OcrEngine, draw: Draw) -> None:
        page = engine.recognise(seen(draw(("one", "", "", "last"))), ("eng",), 1)
        first, last = word_of(page, "one").box, word_of(page, "last").box
        assert (first.x_min, last.x_min) == pytest.approx((0.06, 0.06), abs=0.02)
        assert (first.y_min, last.y_min) == pytest.approx((61 / 700, (50 + 3 * 79) / 700), abs=0.03)
        assert 0.02 < last.x_max - last.x_min < 0.1
        assert 0.02 < last.y_max - last.y_min < 0.09

    def test_page_without_text_is_empty(self, engine: OcrEngine) -> None:
        page = engine.recognise(seen(Image.new("L", (300, 300), 255)), ("eng",), 1)
        assert (page.text, page.words, page.source) == ("", (), TextSource.NONE)

    @pytest.mark.parametrize("size", [(1, 1), (3000, 3), (3, 3000)])
    def test_odd_shapes_are_taken(self, engine: OcrEngine, size: tuple[int, int]) -> None:
        assert engine.recognise(seen(Image.new("L", size, 255)), ("eng",), 1).text == ""


@pytest.fixture(params=["tesserocr", "pytesseract"])
def tesseract(request: pytest.FixtureRequest) -> ScriptFinder:
    found = find_engines(ReadingSettings(ocr_engine=request.param))
    if found is None or (request.param == "pytesseract" and not shutil.which("tesseract")):
        pytest.skip(f"{request.param} is not installed")
    return found.first


def test_missing_language_is_a_configuration_error(tesseract: ScriptFinder, draw: Draw) -> None:
    with pytest.raises(ConfigurationError):
        tesseract.recognise(seen(draw()), ("tlh",), 1)


@pytest.mark.parametrize("name", ["tesserocr", "pytesseract"])
def test_no_line_of_a_script_with_dots_is_left_out(name: str, draw: Draw, tmp_path: Path) -> None:
    installed = tessdata_dir(ReadingSettings())
    if not features.check("raqm") or not installed or (name == "pytesseract" and not shutil.which("tesseract")):
        pytest.skip("no Raqm to draw Arabic with, or no Tesseract")
    # Lines are found before they are read, whatever in.
    (tmp_path / "ara.traineddata").symlink_to(installed / "eng.traineddata")
    (tmp_path / "configs").symlink_to(installed / "configs")
    found = find_engines(ReadingSettings(ocr_engine=name, tessdata_dir=str(tmp_path)))
    assert found
    arabic = (
        "عقد إيجار سكني بين الطرفين",
        "يرجى دفع المبلغ خلال ثلاثين يوما من تاريخ الفاتورة",
        "تم توقيع هذا العقد بين الطرفين في مدينة القاهرة",
        "يجب تقديم الطلب مع جميع الوثائق المطلوبة",
        "نشكركم على ثقتكم ونتطلع إلى العمل معكم مرة أخرى",
    )
    page = found.first.recognise(seen(draw(arabic, (1200, 700), 40)), ("ara",), 1)
    tops = [50 + index * 88 for index in range(len(arabic))]
    for top in tops:
        assert any(top < 700 * (word.box.y_min + word.box.y_max) / 2 < top + 70 for word in page.words)


def test_script_is_told(tesseract: ScriptFinder, draw: Draw) -> None:
    russian = ["Настоящий договор вступает в силу", "после подписания сторонами", "и действует до конца года"] * 3
    assert tesseract.find_script(seen(draw(russian, (1000, 800)))) == "Cyrillic"
    assert tesseract.find_script(seen(Image.new("L", (300, 300), 255))) == ""


def test_the_engine_in_process_is_preferred() -> None:
    assert engine_name(ReadingSettings()) in {"tesserocr", "pytesseract"}
    assert engine_name(ReadingSettings(ocr_engine="pytesseract")) == "pytesseract"


def test_second_engine_can_be_switched_off() -> None:
    assert second_engine_name(ReadingSettings()) == "rapidocr"
    off = ReadingSettings(ocr_second_engine="none")
    assert second_engine_name(off) == ""
    engines = find_engines(off)
    assert engines
    assert engines.second is None


def test_probable_space_parts_words() -> None:
    alphabet = ("", "a", "b", " ")
    columns = np.zeros((7, 4), np.float32)
    for column, (index, probability) in enumerate([(1, 0.9), (1, 0.8), (0, 0.7), (1, 0.9), (0, 0.8), (2, 0.6), (0, 1)]):
        columns[column, index] = probability
    columns[4, 3] = 0.2
    words = list(decode(columns, alphabet))
    assert [word.text for word in words] == ["aa", "b"]
    assert (words[0].first, words[0].last) == (0, 3)
    assert words[1].probability == pytest.approx(0.6)


def test_characters_follow_the_languages() -> None:
    assert may_occur("ü", ("eng",))
    assert not may_occur("ł", ("eng",))
    assert may_occur("ł", ("eng", "pol"))
    assert not may_occur("家", ("eng",))
    assert may_occur("家", ("chi_sim", "eng"))
    assert not may_occur("Ω", ("eng", "pol"))
    assert is_latin_or_chinese(("eng", "jpn"))
    assert not is_latin_or_chinese(("eng", "rus"))


def test_scripts_have_languages() -> None:
    assert languages_of("Cyrillic")[0] == "rus"
    assert languages_of("Latin") == ()


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


def test_languages_come_in_packages() -> None:
    assert package_of("chi_sim") == "tesseract-ocr-chi-sim"
