"""Recognising the text of one document's page images: in order, several at a time, within the budget."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ParamSpec, TypeVar

import cv2
import numpy as np
from PIL import Image

from heron_grpc.domain.document import DocumentWarning, OcrMode, Page, TextSource
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.reading.ocr.barcodes import find_barcodes
from heron_grpc.reading.ocr.engines import Engines, find_engines
from heron_grpc.reading.ocr.languages import STAGE, choose_languages, languages, package_of
from heron_grpc.reading.ocr.page_image import is_blank, to_grey
from heron_grpc.reading.ocr.page_reading import PageReading, Tongues, processor_s, read_page
from heron_grpc.reading.reader import ReadOptions

P = ParamSpec("P")
T = TypeVar("T")

# Estimated share of characters right below which a page gets a warning, and from which its text counts as sure.
_LOW_QUALITY, _SURE_QUALITY = 0.7, 0.9
# Pages held back behind one that is being recognised.
_MOST_HELD_BACK = 32


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


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a thread found, None on a blank page, and the processor time it took."""

    reading: PageReading | None
    processor_s: float
    barcodes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A page that is being recognised."""

    job: PageJob
    outcome: Future[_Outcome]


class Recognition:
    """OCR of one document; remembers what went wrong. One page at a time is asked of it."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._warnings: list[DocumentWarning] = []
        self._stopped = False
        self._spent = options.spent
        # What the first page turned out to be in.
        self._found_languages: tuple[str, ...] = ()
        # Languages seen that are not installed.
        self._missing: set[str] = set()

    # Looked for when the first page needs them: most documents' do not, and it takes longer than reading a page.
    @cached_property
    def _engines(self) -> Engines | None:
        cv2.setNumThreads(1)
        return find_engines(self._options.settings)

    @cached_property
    def _tongues(self) -> Tongues:
        settings = self._options.settings
        installed = languages(settings)
        default = tuple(settings.ocr_languages.split("+"))
        chosen, warnings = choose_languages(self._options.languages, installed, default)
        self._warnings += warnings
        return Tongues(chosen, installed, are_fixed=bool(self._options.languages))

    @property
    def warnings(self) -> tuple[DocumentWarning, ...]:
        """What the caller should know, in the order it came up."""
        return tuple(self._warnings)

    @property
    def is_over(self) -> bool:
        """Whether further pages stay unread, said in a warning: no OCR wanted or to be had, no time, or enough read."""
        return self._stopped

    def may_read(self, number: int) -> bool:
        """Whether the page's image is to be recognised; the reason against it becomes a warning, once."""
        if self._stopped:
            return False
        enough = self._options.enough_chars
        if self._options.ocr is OcrMode.NEVER:
            self._stop("OCR_OFF", "pages without text stay unread: text recognition was switched off", number)
        elif self._engines is None:
            self._stop("OCR_UNAVAILABLE", "pages without text stay unread: no OCR engine is installed", number)
        elif self._spent.ocr_thread_s > self._options.settings.ocr_budget_s:
            self._stop("OCR_BUDGET_EXCEEDED", "this and later pages without text stay unread: the time is up", number)
        elif enough and self._spent.sure_chars >= enough:
            self._stop("OCR_ENOUGH", "this and later pages without text stay unread: what was read suffices", number)
        return not self._stopped

    def read(self, draw: Callable[[], PageImage], number: int, size: tuple[float, float]) -> Page:
        """The text of a page of that width and height, which are exchanged when it lay on its side.

        Drawing it counts as OCR's time. No text comes with a warning.
        """
        return next(self.in_order([PageJob(number, size, draw)]))

    def in_order(self, pages: Iterable[Page | PageJob]) -> Iterator[Page]:
        """The pages in their order, those to recognise recognised, several at a time.

        They are drawn in the calling thread, few ahead of the one that is due. Which of them are read does not depend
        on how fast the threads are, unless time runs out.
        """
        threads = self._options.settings.ocr_threads
        held: deque[Page | _Begun] = deque()
        executor = ThreadPoolExecutor(threads, "ocr") if threads > 1 else _Here()
        try:
            for page in pages:
                held.append(self._begun(page, executor))
                while held and self._is_due(held, threads):
                    yield self._ended(held.popleft())
            while held:
                yield self._ended(held.popleft())
        finally:
            executor.shutdown(cancel_futures=True)

    def _is_due(self, held: deque[Page | _Begun], threads: int) -> bool:
        if isinstance(held[0], Page) or len(held) >= _MOST_HELD_BACK:
            return True
        # The first page that is recognised tells the language for the others.
        most = threads + 1 if threads > 1 and self._found_languages else 1
        return sum(isinstance(each, _Begun) for each in held) >= most

    def _begun(self, page: Page | PageJob, executor: Executor) -> Page | _Begun:
        if isinstance(page, Page):
            return page
        if not self.may_read(page.number):
            return page.finish(_empty(page))
        started, used = time.monotonic(), processor_s()
        image = page.draw()
        drawing_s = processor_s() - used
        begun = _Begun(page, executor.submit(self._work, image, page.number))
        self._spend(time.monotonic() - started, drawing_s)
        return begun

    def _ended(self, held: Page | _Begun) -> Page:
        if isinstance(held, Page):
            return held
        started = time.monotonic()
        try:
            outcome = held.outcome.result()
        except ConfigurationError as error:
            if not self._stopped:
                self._stop("OCR_UNAVAILABLE", f"pages without text stay unread: {error.message}", held.job.number)
            return held.job.finish(_empty(held.job))
        self._spend(time.monotonic() - started, outcome.processor_s)
        self._spent.barcodes |= outcome.barcodes
        return held.job.finish(self._judged(outcome.reading, held.job))

    def _work(self, image: PageImage, number: int) -> _Outcome:
        """In a thread of its own."""
        used = processor_s()
        pixels = np.asarray(to_grey(image.pixels), np.uint8)
        reading, barcodes = None, frozenset[str]()
        if self._engines and not is_blank(pixels):
            barcodes = find_barcodes(pixels)
            tongues = self._tongues
            if self._found_languages:
                tongues = replace(tongues, chosen=self._found_languages)
            reading = read_page(pixels, image.dpi, self._engines, tongues, number)
        return _Outcome(reading, processor_s() - used, barcodes)

    def _judged(self, reading: PageReading | None, job: PageJob) -> Page:
        """The page in its own size, with warnings about what is wrong with it."""
        if reading is None:
            self._warn("PAGE_BLANK", "the page is blank", job.number)
            return _empty(job)
        page = reading.page
        if reading.missing and reading.missing not in self._missing:
            self._missing.add(reading.missing)
            message = f"the text seems to be in a language that is not installed: {package_of(reading.missing)}"
            self._warn("OCR_LANGUAGE_MISSING", message, job.number)
        if not page.words:
            self._warn("NO_TEXT_FOUND", "no text could be recognised", job.number)
            return _empty(job)
        self._found_languages = self._found_languages or reading.languages
        if page.quality < _LOW_QUALITY:
            self._warn("OCR_LOW_CONFIDENCE", "much of the recognised text is likely to be wrong", job.number)
        if page.quality >= _SURE_QUALITY:
            self._spent.sure_chars += len(page.text)
        width, height = job.size if page.rotation in {0, 180} else job.size[::-1]
        return replace(page, width=width, height=height)

    def _spend(self, waited_s: float, used_s: float) -> None:
        self._spent.ocr_s += waited_s
        self._spent.ocr_thread_s += used_s

    def _stop(self, code: str, message: str, number: int) -> None:
        self._stopped = True
        self._warn(code, message, number)

    def _warn(self, code: str, message: str, number: int) -> None:
        self._warnings.append(DocumentWarning(code, message, STAGE, number))


class _Here(Executor):
    """Runs what it is given at once, in the calling thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See Executor."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except ConfigurationError as error:
            future.set_exception(error)
        return future


def _empty(job: PageJob) -> Page:
    return Page(job.number, "", *job.size, source=TextSource.NONE, ocr_confidence=0.0, quality=0.0)
