"""One page's text from its image: as few passes as its quality needs."""

import resource
import time
from collections.abc import Collection
from dataclasses import dataclass, replace

from heron_grpc.domain.document import Page
from heron_grpc.domain.ports import OcrEngine, OcrImage
from heron_grpc.reading.language import detect_language
from heron_grpc.reading.ocr.clean_up import cleaned, sized
from heron_grpc.reading.ocr.columns import in_columns
from heron_grpc.reading.ocr.engines import Engines
from heron_grpc.reading.ocr.languages import tesseract_name
from heron_grpc.reading.ocr.letters import find_letters
from heron_grpc.reading.ocr.orientation import find_rotation
from heron_grpc.reading.ocr.page_image import as_ocr_image
from heron_grpc.reading.ocr.quality import estimate_quality
from heron_grpc.reading.ocr.scripts import is_latin_or_chinese, languages_of
from heron_grpc.reading.ocr.view import Grey, View, whole_page

# Estimated quality below which a page is read by the second engine as well (receipts 0.5 to 0.97, clean pages 0.985 and
# more), may be in another script, and may be turned (upside down 0.4 and less, on its side 0).
_POOR, _STRANGE, _BAD = 0.98, 0.8, 0.6
# Below it a script that is not installed is believed: pages in another read 0.1 to 0.46, faint receipts 0.45 and more.
_FOREIGN = 0.45
# Processor seconds spent on a page after which it is not read once more.
_ENOUGH_S = 10.0
# Code points and certainty from which a language is believed; so much worse a second reading in it may seem.
_ENOUGH_TEXT, _CERTAIN, _AS_GOOD = 100, 0.9, 0.02


@dataclass(frozen=True, slots=True)
class Tongues:
    """Languages to read in, by Tesseract's names, and those there are; `are_fixed` when a caller asked for them."""

    chosen: tuple[str, ...]
    installed: Collection[str]
    are_fixed: bool


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as its best pass reads it, upright, its size in pixels, with rotation and quality."""

    page: Page
    # What it was read in.
    languages: tuple[str, ...]
    # Tesseract's name of the language it seems to be in, which is not installed; "" otherwise.
    missing: str = ""


def read_page(pixels: Grey, dpi: int, engines: Engines, tongues: Tongues, number: int) -> PageReading:
    """Blocks; thread-safe. Raises ConfigurationError."""
    reading = _Reading(engines, tongues, number)
    page = reading.read(pixels, dpi)
    return PageReading(in_columns(page), reading.languages, reading.missing)


def processor_s() -> float:
    """Processor time this thread has used so far, and programs that any thread has run."""
    return time.thread_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


class _Reading:
    """The passes over one page."""

    def __init__(self, engines: Engines, tongues: Tongues, number: int) -> None:
        self._engines = engines
        self._tongues = tongues
        self._number = number
        self._ends = processor_s() + _ENOUGH_S
        self.languages = tongues.chosen
        self.missing = ""
        # One of the script the page seems to be in.
        self._hint: tuple[str, ...] = ()

    def read(self, pixels: Grey, dpi: int) -> Page:
        sheet = _Sheet(pixels, dpi)
        best = self._first(sheet)
        if best.quality < _BAD and self._goes_on():
            rotation = find_rotation(pixels, lambda strip: self._legible(strip, dpi))
            turned = _Sheet(pixels, dpi, rotation) if rotation else sheet
            again = self._first(turned) if rotation else best
            if again.quality > best.quality:
                best, sheet = again, turned
        best = self._in_its_language(best, sheet)
        second = self._engines.second
        if second and best.quality < _POOR and is_latin_or_chinese(self.languages) and self._goes_on():
            best = max(best, self._pass(second, sheet, self.languages), key=_quality)
        return best

    def _first(self, sheet: "_Sheet") -> Page:
        """In the languages chosen or, when that looks strange, in one of the script it seems to be in."""
        page = self._pass(self._engines.first, sheet, self.languages)
        if page.quality >= _STRANGE or self._tongues.are_fixed:
            return page
        names = languages_of(self._engines.first.find_script(sheet.image))
        self._hint = tuple(name for name in names if name in self._tongues.installed)[:1]
        if names and not self._hint and page.quality < _FOREIGN:
            self.missing = names[0]
        return self._tried(page, sheet, self._hint, max(page.quality, _BAD))

    def _in_its_language(self, page: Page, sheet: "_Sheet") -> Page:
        """Read again when its words are of another language than was thought."""
        tag, certainty = detect_language(page.text)
        name = tesseract_name(tag)
        if certainty < _CERTAIN or len(page.text) < _ENOUGH_TEXT or not name or self._tongues.are_fixed:
            return page
        if name not in self._tongues.installed:
            self.missing = name
            return page
        return self._tried(page, sheet, (name,), page.quality - _AS_GOOD)

    def _tried(self, page: Page, sheet: "_Sheet", languages: tuple[str, ...], least: float) -> Page:
        """The page read in other languages, where that has the least quality asked for."""
        if set(languages) <= set(self.languages) or not self._goes_on():
            return page
        again = self._pass(self._engines.first, sheet, languages)
        if again.quality < least:
            return page
        self.languages = languages
        return again

    def _pass(self, engine: OcrEngine, sheet: "_Sheet", languages: tuple[str, ...]) -> Page:
        is_first = engine is self._engines.first
        view = sheet.sized if is_first else sheet.clean
        placed = view.placed(engine.recognise(as_ocr_image(view.pixels, view.dpi), languages, self._number))
        quality = estimate_quality(placed, sheet.letters)
        width, height = view.page_size
        return replace(placed, width=width, height=height, rotation=sheet.rotation, quality=quality)

    def _legible(self, strip: Grey, dpi: int) -> float:
        """How many letters of words it seems to hold."""
        languages = tuple(dict.fromkeys((*self.languages, *self._hint)))
        found = self._engines.first.recognise(as_ocr_image(strip, dpi, is_block=True), languages, self._number)
        return sum(word.confidence * (word.end - word.start) for word in found.words if word.end - word.start > 2)

    def _goes_on(self) -> bool:
        return processor_s() < self._ends


class _Sheet:
    """A page image turned upright, and cleaned for each engine."""

    def __init__(self, pixels: Grey, dpi: int, rotation: int = 0) -> None:
        view = whole_page(pixels, dpi, rotation)
        self.rotation = rotation
        self.letters = find_letters(view.pixels)
        self.clean: View = cleaned(view)
        # The second engine sizes lines itself.
        self.sized: View = sized(self.clean, self.letters.height)

    @property
    def image(self) -> OcrImage:
        """As engines take it."""
        return as_ocr_image(self.clean.pixels, self.clean.dpi)


def _quality(page: Page) -> float:
    return page.quality
