"""Recognising the text of one document's page images: upright, large enough, within the budget."""

import time
from dataclasses import replace
from statistics import median

from PIL import Image

from heron_grpc.domain.document import DocumentWarning, OcrMode, Page, TextSource, Word
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.ports import OcrEngine
from heron_grpc.reading.ocr.engines import find_engine
from heron_grpc.reading.ocr.languages import STAGE, choose_languages, languages
from heron_grpc.reading.ocr.page_image import (
    MOST_PIXELS,
    as_ocr_image,
    densest_strip,
    is_blank,
    lines_run_down,
    resized,
    to_grey,
    turned,
)
from heron_grpc.reading.reader import ReadOptions

_SURE = 0.6
# A first pass below both is taken for upright.
_POOR_CONFIDENCE = 0.7
_POOR_LETTERS = 40
# Mean confidence of pages of which half the words are wrong.
_LOW_CONFIDENCE = 0.5
# Height of a word in pixels; Tesseract wants capitals of 20 or more.
_TINY_WORD = 13
_SMALL_IMAGE = 500_000


class Recognition:
    """OCR of one document; remembers its time and what went wrong."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._engine: OcrEngine | None = find_engine(options.settings)
        default = tuple(options.settings.ocr_languages.split("+"))
        installed = languages(options.settings)
        self._languages, self._language_warnings = choose_languages(options.languages, installed, default)
        self._warnings: list[DocumentWarning] = []
        self._stopped = False
        # Wall seconds so far.
        self.spent_s = 0.0

    @property
    def warnings(self) -> tuple[DocumentWarning, ...]:
        """What the caller should know, in the order it came up."""
        return tuple(self._warnings)

    @property
    def is_over(self) -> bool:
        """Whether further pages stay unread, said in a warning: switched off, no engine, or out of time."""
        return self._stopped

    def may_read(self, number: int) -> bool:
        """Whether the page's image is to be recognised; the reason against it becomes a warning, once."""
        if self._stopped:
            return False
        if self._options.ocr is OcrMode.NEVER:
            self._stop("OCR_OFF", "pages without text stay unread: text recognition was switched off", number)
        elif self._engine is None:
            self._stop("OCR_UNAVAILABLE", "pages without text stay unread: no OCR engine is installed", number)
        elif self.spent_s > self._options.settings.ocr_budget_s:
            self._stop("OCR_BUDGET_EXCEEDED", "this and later pages without text stay unread: the time is up", number)
        return not self._stopped

    def read(self, image: Image.Image, number: int, dpi: int = 0) -> Page:
        """The page's text; width and height in pixels of the upright image. No text comes with a warning."""
        started = time.monotonic()
        width, height = image.size
        page = Page(number, "", width, height, source=TextSource.NONE, ocr_confidence=0.0)
        if self.may_read(number):
            page = self._read(image, page, dpi)
        self.spent_s += time.monotonic() - started
        return page

    def _read(self, image: Image.Image, empty: Page, dpi: int) -> Page:
        grey = to_grey(image)
        if is_blank(grey):
            self._warn("PAGE_BLANK", "the page is blank", empty.number)
            return empty
        try:
            found = self._best(grey, empty.number, dpi)
        except ConfigurationError as error:
            self._stop("OCR_UNAVAILABLE", f"pages without text stay unread: {error.message}", empty.number)
            return empty
        for warning in self._language_warnings:
            self._warnings.append(warning)
        self._language_warnings = ()
        if not found.words:
            self._warn("NO_TEXT_FOUND", "no text could be recognised", empty.number)
            return empty
        if found.ocr_confidence < _LOW_CONFIDENCE:
            self._warn("OCR_LOW_CONFIDENCE", "much of the recognised text is likely to be wrong", empty.number)
        upright = (empty.height, empty.width) if found.rotation in {90, 270} else (empty.width, empty.height)
        return replace(found, width=upright[0], height=upright[1])

    def _best(self, image: Image.Image, number: int, dpi: int) -> Page:
        first = self._recognise(image, number, dpi)
        if not _is_poor(first):
            return first
        degrees = self._rotation(image, number, dpi)
        if degrees:
            image = turned(image, degrees)
            again = replace(self._recognise(image, number, dpi), rotation=degrees)
            first = max(first, again, key=_score)
        return self._enlarged(image if first.rotation == degrees else turned(image, -degrees % 360), first, dpi)

    def _rotation(self, image: Image.Image, number: int, dpi: int) -> int:
        """Clockwise degrees by which the page seems to be turned, from its lines' direction and one strip each way."""
        base = 90 if lines_run_down(image) else 0
        strip = densest_strip(turned(image, base))
        scores = {way: _score(self._recognise(turned(strip, way), number, dpi)) for way in (0, 180)}
        return base if scores[0] >= scores[180] else base + 180

    def _enlarged(self, image: Image.Image, page: Page, dpi: int) -> Page:
        """Once more at twice the size when words or image are small; not unasked: enlarging blurs what is large."""
        pixels = image.width * image.height
        heights = [(word.box.y_max - word.box.y_min) * image.height for word in page.words]
        is_tiny = pixels < _SMALL_IMAGE or (bool(heights) and median(heights) < _TINY_WORD)
        if not is_tiny or 4 * pixels > MOST_PIXELS:
            return page
        again = replace(self._recognise(resized(image, 2.0), page.number, 2 * dpi), rotation=page.rotation)
        return max(page, again, key=_score)

    def _recognise(self, image: Image.Image, number: int, dpi: int) -> Page:
        if self._engine is None:
            raise ConfigurationError("no OCR engine is installed")
        return self._engine.recognise(as_ocr_image(image, dpi), self._languages, number)

    def _stop(self, code: str, message: str, number: int) -> None:
        self._stopped = True
        self._warn(code, message, number)

    def _warn(self, code: str, message: str, number: int) -> None:
        self._warnings.append(DocumentWarning(code, message, STAGE, number))


def _score(page: Page) -> float:
    """Letters and digits in words it is sure of, weighted by how sure."""
    return sum(_letters(page, word) * word.confidence for word in page.words if word.confidence >= _SURE)


def _letters(page: Page, word: Word) -> int:
    """0 for one or two signs: noise is short."""
    count = sum(char.isalnum() for char in page.text[word.start : word.end])
    return count if count > 2 else 0


def _is_poor(page: Page) -> bool:
    return page.ocr_confidence < _POOR_CONFIDENCE or _score(page) < _POOR_LETTERS
