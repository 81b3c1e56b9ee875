"""Recognising the text of one document's page images: upright, large enough, within the budget."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
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
# Heights of a word in pixels: enlarging words below 18 took 20 receipts from .735 to .775 word recall, and from
# 0.44 to 0.70 CPU seconds each.
_SMALL_WORD, _TINY_WORD = 18, 12
_LITTLE_LARGER, _MUCH_LARGER = 1.5, 2.0
_SMALL_IMAGE = 500_000


@dataclass(frozen=True, slots=True)
class PageImage:
    """A page as drawn, and its dots per inch; 0 when unknown."""

    pixels: Image.Image
    dpi: int = 0


@dataclass(frozen=True, slots=True)
class PageJob:
    """A page of that number, width and height to recognise; `finish` makes the page of what was found."""

    number: int
    size: tuple[float, float]
    draw: Callable[[], PageImage]
    finish: Callable[[Page], Page] = lambda page: page


class Recognition:
    """OCR of one document; remembers what went wrong."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._warnings: list[DocumentWarning] = []
        self._stopped = False
        self._spent = options.spent

    # Looked for when the first page needs them: most documents' do not, and it takes longer than reading a page.
    @cached_property
    def _engine(self) -> OcrEngine | None:
        return find_engine(self._options.settings)

    @cached_property
    def _languages(self) -> tuple[tuple[str, ...], tuple[DocumentWarning, ...]]:
        default = tuple(self._options.settings.ocr_languages.split("+"))
        return choose_languages(self._options.languages, languages(self._options.settings), default)

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
        elif self._spent.ocr_s > self._options.settings.ocr_budget_s:
            self._stop("OCR_BUDGET_EXCEEDED", "this and later pages without text stay unread: the time is up", number)
        return not self._stopped

    def read(self, draw: Callable[[], PageImage], number: int, size: tuple[float, float]) -> Page:
        """The text of a page of that width and height, which are exchanged when it lay on its side.

        Drawing it counts as OCR's time. No text comes with a warning.
        """
        page = Page(number, "", *size, source=TextSource.NONE, ocr_confidence=0.0)
        if not self.may_read(number):
            return page
        started = time.monotonic()
        try:
            return self._read(draw(), page)
        finally:
            self._spent.ocr_s += time.monotonic() - started

    def in_order(self, pages: Iterable[Page | PageJob]) -> Iterator[Page]:
        """The pages in their order, those to recognise recognised; drawn in the calling thread, which takes its time."""
        for page in pages:
            yield page if isinstance(page, Page) else page.finish(self.read(page.draw, page.number, page.size))

    def _read(self, image: PageImage, empty: Page) -> Page:
        grey = to_grey(image.pixels)
        if is_blank(grey):
            self._warn("PAGE_BLANK", "the page is blank", empty.number)
            return empty
        try:
            found = self._best(grey, empty.number, image.dpi)
        except ConfigurationError as error:
            self._stop("OCR_UNAVAILABLE", f"pages without text stay unread: {error.message}", empty.number)
            return empty
        self._warnings += [warning for warning in self._languages[1] if warning not in self._warnings]
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
            return self._enlarged(image, first, dpi, is_poor=False)
        degrees = self._rotation(image, number, dpi)
        if degrees:
            again = replace(self._recognise(turned(image, degrees), number, dpi), rotation=degrees)
            first = max(first, again, key=_score)
        return self._enlarged(turned(image, first.rotation), first, dpi, is_poor=True)

    def _rotation(self, image: Image.Image, number: int, dpi: int) -> int:
        """Clockwise degrees by which the page seems to be turned, from its lines' direction and one strip each way."""
        base = 90 if lines_run_down(image) else 0
        strip = densest_strip(turned(image, base))
        scores = {way: _score(self._recognise(turned(strip, way), number, dpi)) for way in (0, 180)}
        return base if scores[0] >= scores[180] else base + 180

    def _enlarged(self, image: Image.Image, page: Page, dpi: int, *, is_poor: bool) -> Page:
        """Once more, larger, when words are tiny or a small image gave little; enlarging blurs what is large enough."""
        pixels = image.width * image.height
        heights = [(word.box.y_max - word.box.y_min) * image.height for word in page.words]
        height = median(heights) if heights else 0.0
        if height >= _SMALL_WORD and not (is_poor and pixels < _SMALL_IMAGE):
            return page
        factor = _LITTLE_LARGER if height >= _TINY_WORD and not is_poor else _MUCH_LARGER
        if factor**2 * pixels > MOST_PIXELS:
            return page
        larger = self._recognise(resized(image, factor), page.number, round(factor * dpi))
        return max(page, replace(larger, rotation=page.rotation), key=_score)

    def _recognise(self, image: Image.Image, number: int, dpi: int) -> Page:
        if self._engine is None:
            raise ConfigurationError("no OCR engine is installed")
        return self._engine.recognise(as_ocr_image(image, dpi), self._languages[0], number)

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
