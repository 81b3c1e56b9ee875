"""What a format reader is, and what it is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from heron_grpc.domain.document import OcrMode
from heron_grpc.domain.steps import Step
from heron_grpc.settings import ReadingSettings


@dataclass(slots=True)
class Spent:
    """What a document and all that is inside it have used so far, and what is known of all of it."""

    # Seconds spent waiting for OCR, and the processor time of its threads together.
    ocr_s: float = 0.0
    ocr_thread_s: float = 0.0
    # Code points of surely recognised text.
    sure_chars: int = 0
    # Pages they have, those not asked for included, and those chosen to be read.
    pages: int = 0
    chosen_pages: int = 0
    # Documents inside it, and their bytes as unpacked.
    parts: int = 0
    part_bytes: int = 0
    # Kinds of codes on their recognised pages.
    barcodes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a document, and the limits to keep."""

    media_type: str
    settings: ReadingSettings
    # Reads the file at a path, of a given name, as the part the options tell of: its Part, then what its reader yields.
    read_file: "Callable[[str, str, ReadOptions], Iterator[Step]]"
    ocr: OcrMode = OcrMode.AUTO
    # BCP-47.
    languages: tuple[str, ...] = ()
    # 1-based inclusive ranges; empty means all.
    page_ranges: tuple[tuple[int, int], ...] = ()
    with_words: bool = True
    password: str = ""
    # See ReadRequest.
    enough_chars: int = 0
    with_tables: bool = True
    look_chars: int = 0
    # The part being read, what it lies in, and within how many.
    part: int = 0
    container: int = 0
    depth: int = 0
    # One for the document and all that is inside it.
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class Reader:
    """A format: its media types, the usual suffixes, and the function that reads it.

    The function gets a path it may only read, and yields what it finds as soon as it has it: its pages numbered from 1
    (a document read in part keeps the numbers), a table after its page. It blocks, and raises DocumentError; foreign
    errors it lets through count as CorruptDocument. What it could not read it says as a warning.
    """

    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    read: Callable[[str, ReadOptions], Iterator[Step]]
