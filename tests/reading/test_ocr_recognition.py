"""Recognising a document's pages: order, limits, languages, and where words stand on damaged pages."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from heron_grpc.domain.document import OcrMode, Page, TextSource
from heron_grpc.domain.steps import Step
from heron_grpc.reading.ocr.engines import find_engines
from heron_grpc.reading.ocr.languages import tessdata_dir
from heron_grpc.reading.ocr.letters import find_letters
from heron_grpc.reading.ocr.page_image import is_blank, to_grey
from heron_grpc.reading.ocr.page_reading import Tongues, read_page
from heron_grpc.reading.ocr.quality import estimate_quality
from heron_grpc.reading.ocr.recognition import PageImage, PageJob, Recognition
from heron_grpc.reading.reader import ReadOptions, Spent
from heron_grpc.settings import ReadingSettings

Draw = Callable[..., Image.Image]
SIZE = (1000, 700)
PAPER = 255


def read_file(_path: str, _name: str, _options: ReadOptions) -> Iterator[Step]:
    return iter(())


def recognition(enough_chars: int = 0, spent: Spent | None = None, **settings: object) -> Recognition:
    options = ReadOptions("image/png", ReadingSettings(**settings), read_file, enough_chars=enough_chars)
    return Recognition(replace(options, spent=spent or Spent()))


def job(number: int, image: Image.Image, drawn: list[str] | None = None) -> PageJob:
    def draw() -> PageImage:
        if drawn is not None:
            drawn.append(threading.current_thread().name)
        return PageImage(image)

    return PageJob(number, SIZE, draw)


def codes(found: Recognition) -> list[str]:
    return [warning.code for warning in found.warnings]


@pytest.mark.parametrize("threads", [1, 3])
def test_pages_keep_their_order_and_are_drawn_by_the_caller(draw: Draw, threads: int) -> None:
    names = ("Alpha", "Bravo", "Charlie", "Delta", "Echo")
    drawn: list[str] = []
    pages: list[Page | PageJob] = [job(2 * at + 1, draw((name,) * 3), drawn) for at, name in enumerate(names)]
    pages[1:1] = [Page(2, "digital")]
    found = list(recognition(ocr_threads=threads).in_order(pages))
    assert [page.number for page in found] == [1, 2, 3, 5, 7, 9]
    assert [page.text.split()[0] for page in found] == ["Alpha", "digital", *names[1:]]
    assert set(drawn) == {threading.current_thread().name}


def test_what_was_recognised_is_finished_by_the_job(draw: Draw) -> None:
    one = replace(job(1, draw()), finish=lambda page: replace(page, text=f"({len(page.words)})", words=()))
    other = replace(one, number=2)
    assert [page.text for page in recognition().in_order([one, other])] == ["(31)", "(31)"]


def test_unread_pages_are_finished_too() -> None:
    one = replace(job(1, Image.new("L", SIZE, PAPER)), finish=lambda page: replace(page, text="kept"))
    found = recognition(spent=Spent(ocr_thread_s=100.0))
    assert [page.text for page in found.in_order([one, one])] == ["kept", "kept"]
    assert codes(found) == ["OCR_BUDGET_EXCEEDED"]


@pytest.mark.parametrize("threads", [1, 2])
def test_enough_sure_text_ends_recognition(draw: Draw, threads: int) -> None:
    found = recognition(enough_chars=300, ocr_threads=threads)
    pages = list(found.in_order([job(number, draw()) for number in range(1, 9)]))
    read = sum(page.source is TextSource.OCR for page in pages)
    # 180 characters a page; those begun meanwhile are read.
    assert 2 <= read <= 2 + threads
    assert all(page.source is TextSource.NONE for page in pages[read:])
    assert [(warning.code, warning.page) for warning in found.warnings] == [("OCR_ENOUGH", read + 1)]


def test_time_is_counted_once_for_the_caller_and_for_each_thread(draw: Draw) -> None:
    spent = Spent()
    list(recognition(spent=spent, ocr_threads=2).in_order([job(1, draw()), job(2, draw())]))
    assert spent.ocr_s > 0
    assert spent.ocr_thread_s > 0


def test_recognition_that_is_off_says_so_once(draw: Draw) -> None:
    found = Recognition(ReadOptions("image/png", ReadingSettings(), read_file, OcrMode.NEVER))
    assert [page.text for page in found.in_order([job(1, draw()), job(2, draw())])] == ["", ""]
    assert codes(found) == ["OCR_OFF"]
    assert found.is_over


def noisy(image: Image.Image, spread: float) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, spread, (image.height, image.width))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def speckled(image: Image.Image) -> Image.Image:
    pixels, chance = np.array(image), np.random.default_rng(1).random((image.height, image.width))
    pixels[chance < 0.02], pixels[chance > 0.98] = 0, 255
    return Image.fromarray(pixels)


def shaded(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image) * np.linspace(0.25, 1, image.width)).astype(np.uint8))


def bedded(image: Image.Image) -> Image.Image:
    bed = Image.new("L", (image.width + 200, image.height + 160), 15)
    bed.paste(image, (100, 80))
    return bed


DAMAGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "none": lambda image: image,
    "skew": lambda image: image.rotate(4, Image.Resampling.BICUBIC, fillcolor=PAPER),
    "grain": lambda image: noisy(image, 40),
    "specks": speckled,
    "shade": shaded,
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "faint": lambda image: image.point(lambda value: 170 + value // 6),
    "small": lambda image: image.resize((image.width // 3, image.height // 3), Image.Resampling.LANCZOS),
    "large": lambda image: image.resize((image.width * 3, image.height * 3), Image.Resampling.LANCZOS),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_page_is_read_and_its_words_stay_in_place(draw: Draw, lines: tuple[str, ...], damage: str) -> None:
    page = recognition().read(lambda: PageImage(DAMAGES[damage](draw())), 1, SIZE)
    assert page.text.split() == " ".join(lines).split()
    assert (page.width, page.height, page.rotation) == (*SIZE, 0)
    assert page.quality > 0.9
    first, last = page.words[0].box, page.words[-1].box
    # Turned by 4 degrees about the middle, the ends of the left edge move by 0.04.
    shift = 0.05 if damage == "skew" else 0.01
    assert first.x_min == pytest.approx(0.063, abs=shift)
    assert first.y_min == pytest.approx(0.082, abs=shift + 0.005)
    assert last.y_min == pytest.approx((50 + 6 * 79 + 7) / 700, abs=shift + 0.005)


def test_words_of_a_skewed_page_stand_where_they_are_drawn(draw: Draw) -> None:
    image = draw()
    upright, skewed = (
        recognition().read(lambda each=each: PageImage(each), 1, SIZE)
        for each in (image, image.rotate(-3, Image.Resampling.BICUBIC, fillcolor=PAPER))
    )
    turn = np.deg2rad(3)
    for before, after in zip(upright.words, skewed.words, strict=True):
        x, y = (
            ((before.box.x_min + before.box.x_max) / 2 - 0.5) * 1000,
            (before.box.y_min + before.box.y_max) * 350 - 350,
        )
        where = (x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn))
        box = after.box
        assert ((box.x_min + box.x_max) * 500 - 500, (box.y_min + box.y_max) * 350 - 350) == pytest.approx(where, abs=6)


def test_dark_border_is_left_out(draw: Draw, lines: tuple[str, ...]) -> None:
    page = recognition().read(lambda: PageImage(bedded(draw())), 1, (1200, 860))
    assert page.text.split() == " ".join(lines).split()
    assert page.words[0].box.x_min == pytest.approx((63 + 100) / 1200, abs=0.01)
    assert page.words[0].box.y_min == pytest.approx((57 + 80) / 860, abs=0.01)


def test_second_engine_reads_what_the_first_cannot(draw: Draw) -> None:
    image = noisy(draw(), 140)
    poor, good = (
        recognition(ocr_second_engine=second).read(lambda: PageImage(image), 1, SIZE) for second in ("none", "auto")
    )
    assert poor.quality < good.quality
    assert "Heron Fishing Supplies" in good.text


def test_illegible_page_says_so(draw: Draw) -> None:
    image = draw().filter(ImageFilter.GaussianBlur(9))
    found = recognition()
    page = found.read(lambda: PageImage(image), 1, SIZE)
    assert page.quality < 0.7
    assert codes(found) in (["OCR_LOW_CONFIDENCE"], ["NO_TEXT_FOUND"])


GERMAN = (
    "Sehr geehrte Damen und Herren",
    "wir bitten Sie den folgenden Betrag",
    "innerhalb von dreißig Tagen zu zahlen",
    "Die gelieferte Ware bleibt bis dahin",
    "unser Eigentum und darf nicht weiter",
    "verkauft werden Mit freundlichen",
)


def tessdata(folder: Path, *names: str) -> str:
    """English under those names: the reading is the same, the language it was done for is not."""
    installed = tessdata_dir(ReadingSettings())
    assert installed
    for name in names:
        (folder / f"{name}.traineddata").symlink_to(installed / "eng.traineddata")
    return str(folder)


def test_language_is_found_by_itself(draw: Draw, tmp_path: Path) -> None:
    engines = find_engines(ReadingSettings(tessdata_dir=tessdata(tmp_path, "eng", "deu")))
    assert engines
    pixels = np.asarray(draw(GERMAN))
    found = read_page(pixels, 0, engines, Tongues(("eng",), ("deu", "eng"), are_fixed=False), 1)
    assert (found.languages, found.missing) == (("deu",), "")
    asked_for = read_page(pixels, 0, engines, Tongues(("eng",), ("deu", "eng"), are_fixed=True), 1)
    assert asked_for.languages == ("eng",)


def test_language_that_is_not_installed_is_named_once(draw: Draw, tmp_path: Path) -> None:
    found = recognition(tessdata_dir=tessdata(tmp_path, "eng"))
    list(found.in_order([job(1, draw(GERMAN)), job(2, draw(GERMAN))]))
    assert codes(found) == ["OCR_LANGUAGE_MISSING"]
    assert "tesseract-ocr-deu" in found.warnings[0].message


def test_quality_follows_what_was_left_out(draw: Draw) -> None:
    image = np.asarray(draw())
    page = recognition().read(lambda: PageImage(Image.fromarray(image)), 1, SIZE)
    letters = find_letters(image)
    half = replace(page, words=page.words[: len(page.words) // 2])
    assert estimate_quality(page, letters) > 0.97
    assert 0.3 < estimate_quality(half, letters) < 0.7
    assert estimate_quality(replace(page, words=()), letters) == 0
    unsure = replace(page, words=tuple(replace(word, confidence=0.4) for word in page.words))
    assert estimate_quality(unsure, letters) < 0.5


def test_transparency_is_white_paper() -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    assert is_blank(np.asarray(to_grey(image)))
    assert to_grey(Image.new("I;16", (10, 10), 65535)).getpixel((0, 0)) == 255


PROSE = (
    "the heating in the east wing",
    "was repaired twice last winter",
    "yet the upper rooms stay cold",
    "until noon and nobody knows",
    "whether the boiler or a valve",
    "is what has to be changed now",
    "before the next frost sets in",
)


def test_columns_of_prose_are_read_one_after_the_other(draw: Draw) -> None:
    both = draw(("Minutes of the meeting in the town hall of Bergen",), (1500, 760), 36)
    for at in (60, 800):
        both.paste(draw([line if at == 60 else line.upper() for line in PROSE], (700, 560), 30), (at, 110))
    page = recognition().read(lambda: PageImage(both), 1, both.size)
    words = page.text.split()
    assert words[10:] == [*" ".join(PROSE).split(), *" ".join(PROSE).upper().split()]
    assert [page.text[word.start : word.end] for word in page.words] == words


def test_rows_of_a_table_stay_together(draw: Draw) -> None:
    table = draw([f"Copper pipe {size} mm" for size in range(20, 28)], (1000, 760))
    table.paste(draw([f"{size}.50" for size in range(20, 28)], (300, 760)), (700, 0))
    page = recognition().read(lambda: PageImage(table), 1, table.size)
    assert next(line for line in page.text.split("\n") if line) == "Copper pipe 20 mm 20.50"


def test_script_needs_its_own_file(draw: Draw, tmp_path: Path) -> None:
    found = recognition(tessdata_dir=tessdata(tmp_path, "eng"), ocr_second_engine="none")
    found.read(lambda: PageImage(draw().filter(ImageFilter.GaussianBlur(9))), 1, SIZE)
    assert "OCR_UNAVAILABLE" not in codes(found)
