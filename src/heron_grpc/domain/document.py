"""What a document says: pages, words with boxes, tables, metadata, warnings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

# Stands between the pages' texts in the document text, as pdftotext does it.
PAGE_SEPARATOR = "\f"


class TextSource(Enum):
    """Where a page's text came from."""

    NONE = "none"
    DIGITAL = "digital"
    OCR = "ocr"


class OcrMode(Enum):
    """When to recognise text in images."""

    AUTO = "auto"
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Box:
    """Fractions (0 to 1) of page width and height, origin top left, page rotation undone; min <= max."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a page; `start` and `end` are code points in the page's text, half-open."""

    start: int
    end: int
    box: Box
    # 1 for digital text.
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page in reading order."""

    # 1-based; a document read in part keeps the original numbers.
    number: int
    text: str
    # Points (1/72 inch) for PDF, pixels for images, 0 where a format has no page layout.
    width: float = 0.0
    height: float = 0.0
    words: tuple[Word, ...] = ()
    source: TextSource = TextSource.DIGITAL
    # Clockwise degrees that were undone before the text was read, beyond what the file itself asks viewers for.
    rotation: int = 0
    # Mean word confidence, 0 to 1; 1 for digital text.
    ocr_confidence: float = 1.0
    # Estimated share of the page's characters that the text has right, 0 to 1; 1 for digital text.
    quality: float = 1.0
    # BCP-47 language of the text, empty when it cannot be told, and how sure that is, 0 to 1.
    language: str = ""
    language_confidence: float = 0.0
    # The part of the document it belongs to: 0 the document itself, else a Part's number.
    part: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """The document itself (number 0) or a document inside it: an attachment, an archive's entry, a picture."""

    # In the order they were come upon.
    number: int
    media_type: str
    # As what holds it calls it; empty for the document itself.
    name: str = ""
    # Number of the part it lies in.
    container: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text, row by row; rows may differ in length."""

    # The number of the page it stands on.
    page: int
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class DocumentWarning:
    """Something the caller should know that did not stop the work."""

    # Stable upper-snake code, listed in docs/warnings.md.
    code: str
    message: str
    stage: str = ""
    # 1-based; 0 when it concerns the whole document.
    page: int = 0


# Numbers of a PageLook.
LOOK_LENGTH = 125


@dataclass(frozen=True, slots=True)
class PageLook:
    """How a page looks whatever it says: LOOK_LENGTH numbers, reading.page_look tells which; most are 0 to 1."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """What a document says. Never without both text and warnings: a reading that found nothing says why."""

    media_type: str
    pages: tuple[Page, ...]
    tables: tuple[Table, ...] = ()
    # Lower-case keys as the format names them: "title", "author", "producer", ...
    metadata: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[DocumentWarning, ...] = ()
    # Wall seconds spent on recognising text, part of the reading's own time.
    ocr_s: float = 0.0
    # The documents inside it, without itself.
    parts: tuple[Part, ...] = ()
    # Of the first page read, where it was asked for, the format has pages to look at, and its text may say too little.
    look: PageLook | None = None

    @cached_property
    def text(self) -> str:
        """The pages' texts joined by PAGE_SEPARATOR."""
        return PAGE_SEPARATOR.join(page.text for page in self.pages)

    @property
    def ocr_pages(self) -> int:
        """How many pages were read by OCR."""
        return sum(page.source is TextSource.OCR for page in self.pages)


class PictureFormat(Enum):
    """In which form a page is drawn."""

    PNG = "png"
    WEBP = "webp"
    JPEG = "jpeg"


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A page to draw, upright."""

    # 1-based.
    page: int = 1
    # Longest side, pixels; what is smaller stays so.
    max_side: int = 1600
    format: PictureFormat = PictureFormat.PNG


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Which file to read and how."""

    path: str
    # As the sender calls it; only splits kinds of plain text apart.
    filename: str = ""
    ocr: OcrMode = OcrMode.AUTO
    # BCP-47, e.g. ("en", "de"), to expect in images of text; empty means the deployment's default.
    languages: tuple[str, ...] = ()
    # 1-based inclusive page ranges; empty means all up to the limit.
    page_ranges: tuple[tuple[int, int], ...] = ()
    # Whether words get boxes: a page of text takes several times as long with them.
    with_words: bool = True
    # Opens an encrypted document.
    password: str = ""
    # Code points of surely recognised text after which pages that need OCR may stay unread; 0 means never.
    enough_chars: int = 0
    # Whether each page is wanted as soon as it is read.
    promptly: bool = False
    # Whether tables are wanted as tables; their text is in the pages anyhow.
    with_tables: bool = True
    # Whether words of all pages get boxes, not only those of the first, where evidence is quoted from.
    all_words: bool = False
    # Whether a searchable PDF is to be made after reading.
    searchable_pdf: bool = False
    # Look at the first page unless it has a text layer of more code points than this; 0 means never.
    look_chars: int = 0
    # Draw this page instead of reading.
    picture: PictureRequest | None = None
    # Of the document's bytes, lower-case hex: one that ends its readers is known again by it. Empty when not known.
    sha256: str = ""
