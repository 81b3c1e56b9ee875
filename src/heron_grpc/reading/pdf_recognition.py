"""Which pages of a PDF are recognised, and what becomes of a page's text layer then."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pypdfium2 as pdfium
from PIL import Image

from heron_grpc.domain.document import Box, DocumentWarning, OcrMode, Page, TextSource
from heron_grpc.reading.ocr.page_image import MOST_PIXELS
from heron_grpc.reading.ocr.recognition import PageImage, PageJob, Recognition
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.pdf_meaning import Meaning, is_plausible
from heron_grpc.reading.pdf_merge import merged
from heron_grpc.reading.pdf_objects import Drawn, Picture
from heron_grpc.reading.pdf_pictures import is_sure, may_hold_text, on_page, only_pictures
from heron_grpc.reading.pdf_rendering import SlowPage, render
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import ReadingSettings

_POINTS_PER_INCH = 72
_OCR_DPI = 300
# Fewer characters than this are a page number or a stamp on a picture.
_NO_TEXT = 5
# With this much of the page covered by pictures, the text has to be longer to be the page's own.
_COVERED = 0.6
_SHORT_TEXT = 400
# No page of paper has more: finding places in it would take long.
_LONG_TEXT = 50_000
# Share of the time for OCR after which pictures beside text are left out: pages without text come first.
_PICTURES_SHARE = 0.5
# A doubtful text is dropped for one recognised so surely, unless it has this share of its words; a short one is the
# page's own when it has the second.
_SURE = 0.7
_SHARED_WORDS, _SAME_WORDS = 0.3, 0.7
_LONGER_WORD = re.compile(r"\w{3,}")
# What recognition says of pages without text; pages with text of their own may have none in their pictures.
_ABOUT_EMPTY = frozenset({"PAGE_BLANK", "NO_TEXT_FOUND", "OCR_LOW_CONFIDENCE"})


class PdfRecognition:
    """Recognises pages of one document, which `load` opens by number."""

    def __init__(self, load: Callable[[int], pdfium.PdfPage], options: ReadOptions) -> None:
        self._load = load
        self._options = options
        self._recognition = Recognition(options)
        self._warnings: list[DocumentWarning] = []
        # Pages of which it is known without recognition what is to be said; and keys of pictures.
        self._quiet: set[int] = set()
        self._seen: set[int] = set()
        self._is_late = False

    @property
    def warnings(self) -> tuple[DocumentWarning, ...]:
        """What the caller should know."""
        of_recognition = (
            warning
            for warning in self._recognition.warnings
            if warning.code not in _ABOUT_EMPTY or warning.page not in self._quiet
        )
        return (*self._warnings, *of_recognition)

    def in_order(self, pages: Iterable[Page | PageJob]) -> Iterator[Page]:
        """See Recognition."""
        return self._recognition.in_order(pages)

    def unseen(self, drawn: Drawn) -> Drawn:
        """Without pictures that were on a page before: letterheads and backgrounds are read once."""
        if not drawn.pictures:
            return drawn
        pictures = tuple(picture for picture in drawn.pictures if picture.key not in self._seen)
        self._seen.update(picture.key for picture in pictures)
        return replace(drawn, pictures=pictures)

    def may_merge(self, drawn: Drawn) -> bool:
        """Whether the page's words have to be known: they may be merged with what its pictures hold."""
        is_wanted = self._options.ocr is OcrMode.AUTO
        return is_wanted and (drawn.covered > _COVERED or any(map(may_hold_text, drawn.pictures)))

    def prepare(self, page: Page, meaning: Meaning, drawn: Drawn) -> Page | PageJob:
        """The page as its text layer has it, or what is to be recognised of it."""
        if meaning is Meaning.NONE:
            self._warn("TEXT_GARBLED", "the text layer does not say what the page shows", page.number)
            page = replace(page, text="", words=())
        if not page.text:
            page = replace(page, source=TextSource.NONE)
        if self._options.ocr is OcrMode.ALWAYS:
            return self._job(page, lambda found: found)
        if len(page.text) < _NO_TEXT:
            return self._job(page, lambda found: max(page, found, key=lambda each: len(each.text)))
        self._quiet.add(page.number)
        if meaning is Meaning.DOUBTFUL:
            return self._checked(page)
        return self._merged(page, drawn) if self.may_merge(drawn) else page

    def _merged(self, page: Page, drawn: Drawn) -> Page | PageJob:
        """A page with pictures beside its text, or with a picture of all there is to read."""
        if len(page.text) < _SHORT_TEXT and drawn.covered > _COVERED:
            return self._job(page, lambda found: self._with_stray_text(page, found))
        pictures = [picture for picture in drawn.pictures if may_hold_text(picture)]
        if not pictures or len(page.text) > _LONG_TEXT or not self._has_time(page.number):
            return page
        return self._job(page, lambda found: self._with_pictures(page, on_page(found, pictures)), pictures)

    def _checked(self, page: Page) -> Page | PageJob:
        """A page whose text reads like no language."""
        job: Page | PageJob = page
        if self._options.ocr is OcrMode.AUTO:
            job = self._job(page, lambda found: self._likelier(page, found))
        if job is page:
            self._warn_of_doubt(page)
        return job

    def _job(self, page: Page, finish: Callable[[Page], Page], pictures: Sequence[Picture] = ()) -> Page | PageJob:
        if not self._recognition.may_read(page.number):
            return page
        return PageJob(page.number, (page.width, page.height), lambda: self._draw(page, pictures), finish)

    def _draw(self, page: Page, pictures: Sequence[Picture]) -> PageImage:
        """The page, or only what of it is in pictures and not known yet; blank when it cannot be drawn."""
        try:
            with closing(self._load(page.number)) as loaded:
                image = _rendered(loaded, self._options.settings)
        except (pdfium.PdfiumError, ValueError):
            return self._undrawn(page, "the page cannot be drawn")
        except SlowPage:
            return self._undrawn(page, "the page takes too long to be drawn")
        return replace(image, pixels=only_pictures(image.pixels, pictures, page.words)) if pictures else image

    def _undrawn(self, page: Page, reason: str) -> PageImage:
        self._warn("PAGE_DAMAGED", reason, page.number)
        self._quiet.add(page.number)
        return PageImage(Image.new("L", (8, 8), 255))

    def _likelier(self, page: Page, found: Page) -> Page:
        """The text layer when the page shows its words, else what was recognised when that is sure."""
        if _shared(page, found) >= _SHARED_WORDS:
            return page
        if found.ocr_confidence >= _SURE and is_plausible(found.text):
            self._warn("TEXT_GARBLED", "the text layer does not say what the page shows", page.number)
            return found
        self._warn_of_doubt(page)
        return page

    def _with_stray_text(self, page: Page, found: Page) -> Page:
        """What was recognised in a scan, with what its short text layer has beyond it."""
        if _shared(page, found) >= _SAME_WORDS or not found.words:
            return page
        self._warn("TEXT_LAYER_INCOMPLETE", "the text layer has little of what the page shows in pictures", page.number)
        if found.rotation:
            return found if len(found.text) > len(page.text) else page
        boxes = [word.box for word in found.words]
        return merged(found, page, lambda word: not any(_overlap(word.box, box) for box in boxes))

    def _with_pictures(self, page: Page, found: Page) -> Page:
        whole = merged(page, found, lambda word: is_sure(word, found.text))
        if whole is not page:
            self._warn("TEXT_LAYER_INCOMPLETE", "text in pictures was recognised beside the text layer", page.number)
        return whole

    def _has_time(self, number: int) -> bool:
        settings = self._options.settings
        if self._options.spent.ocr_thread_s <= _PICTURES_SHARE * settings.ocr_budget_s:
            return True
        if not self._is_late:
            self._is_late = True
            message = "pictures beside text stay unread on this and later pages: the time is up"
            self._warn("PICTURES_LEFT_OUT", message, number)
        return False

    def _warn_of_doubt(self, page: Page) -> None:
        self._warn("TEXT_DOUBTFUL", "the text layer reads like no language, but nothing better is known", page.number)

    def _warn(self, code: str, message: str, number: int) -> None:
        self._warnings.append(DocumentWarning(code, message, STAGE, number))


def _rendered(page: pdfium.PdfPage, settings: ReadingSettings) -> PageImage:
    """The page in grey at 300 dpi, less where it is too large for that."""
    width, height = page.get_size()
    most = (MOST_PIXELS / max(width * height, 1.0)) ** 0.5
    scale = min(_OCR_DPI / _POINTS_PER_INCH, most)
    return PageImage(render(page, scale, settings, grey=True), round(scale * _POINTS_PER_INCH))


def _shared(page: Page, found: Page) -> float:
    """Share of the longer words recognised that the text layer has, too; 0 when there are none."""
    recognised = set(_LONGER_WORD.findall(found.text.casefold()))
    return len(recognised & set(_LONGER_WORD.findall(page.text.casefold()))) / max(len(recognised), 1)


def _overlap(one: Box, other: Box) -> bool:
    across = min(one.x_max, other.x_max) - max(one.x_min, other.x_min)
    return across > 0 and min(one.y_max, other.y_max) > max(one.y_min, other.y_min)
