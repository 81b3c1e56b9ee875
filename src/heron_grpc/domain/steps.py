"""A reading as it comes about, step by step: long documents need not be held whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heron_grpc.domain.document import DocumentWarning, Page, PageLook, Part, Reading, Table


@dataclass(frozen=True, slots=True)
class Metadata:
    """Entries of Reading.metadata."""

    entries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Effort:
    """What reading took, see Reading."""

    ocr_s: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """So many pages will be read in all, as far as is known by now."""

    pages: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as drawn, in pixels, and the pages its document has; its bytes follow in pieces."""

    width: int
    height: int
    page_count: int


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bytes of what was made of the document: a picture, or a searchable PDF after its reading."""

    data: bytes


# Part 0 first, a part before its pages, pages in rising numbers, a page before its tables; the rest anywhere.
Step = Part | Page | Table | DocumentWarning | Metadata | Effort | Outlook | PageLook | Picture | Piece


def gather(steps: Iterable[Step]) -> Reading:
    """The reading that the steps make."""
    parts: list[Part] = []
    pages: list[Page] = []
    tables: list[Table] = []
    warnings: list[DocumentWarning] = []
    metadata: dict[str, str] = {}
    ocr_s = 0.0
    look: PageLook | None = None
    for step in steps:
        match step:
            case Part():
                parts.append(step)
            case Page():
                pages.append(step)
            case Table():
                tables.append(step)
            case DocumentWarning():
                warnings.append(step)
            case Metadata():
                metadata |= step.entries
            case Effort():
                ocr_s += step.ocr_s
            case PageLook():
                look = step
    document, *inside = parts
    return Reading(
        document.media_type, tuple(pages), tuple(tables), metadata, tuple(warnings), ocr_s, tuple(inside), look
    )
