"""Makes a file of a generated document and tells where its values stand in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from heron_grpc.domain.document import Box
from heron_grpc.lab.generator.document import GeneratedDocument, GeneratedField
from heron_grpc.lab.generator.rendering import office_files
from heron_grpc.lab.generator.rendering.lines import Cells, lines_of
from heron_grpc.lab.generator.rendering.pdf_file import picture_pdf, text_pdf
from heron_grpc.lab.generator.rendering.pictures import Picture, photographed, png, scanned, tiff
from heron_grpc.lab.generator.rendering.typefaces import lacking
from heron_grpc.lab.generator.rendering.typesetting import A4, CARD, LETTER, SLIP, SetPages, Style, set_pages

# Of characters that cannot be drawn; a text with more has no pages.
_MOST_LACKING = 0.02
_CARDS = ("identity/drivers_license", "identity/state_id", "identity/other_id", "insurance/health_card")
_SLIPS = ("financial/receivable/receipt",)
# How often each kind of document comes in each format.
_PICTURED = {"jpg": 5, "png": 2, "scan.pdf": 2, "pdf": 2, "tif": 1}
_TABULAR = {"pdf": 5, "xlsx": 4, "csv": 2, "docx": 2, "scan.pdf": 2, "jpg": 1, "html": 1}
_MAIL = {"eml": 6, "txt": 2, "html": 1, "pdf": 3, "docx": 1}
_PAPERS = {"pdf": 8, "docx": 4, "scan.pdf": 3, "jpg": 2, "png": 1, "tif": 1, "html": 1, "txt": 1}
_USUAL: Mapping[str, Mapping[str, int]] = {
    **dict.fromkeys(
        ("identity/", *_CARDS, *_SLIPS, "financial/payment/voided_check", "meta/not_a_document"), _PICTURED
    ),
    **dict.fromkeys(
        (
            "financial/report/",
            "financial/receivable/aging_report",
            "financial/debt/debt_schedule",
            "insurance/loss_run",
        ),
        _TABULAR,
    ),
    "correspondence/email": _MAIL,
}
PICTURES = frozenset({"scan.pdf", "jpg", "png", "tif"})
_OF_PAGES = PICTURES | {"pdf"}
FORMATS = ("pdf", "scan.pdf", "jpg", "png", "tif", "docx", "xlsx", "csv", "html", "eml", "txt")


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """A value of a document and where it stands."""

    name: str
    value: str
    # What stands before it on its line; 0-based row of a table.
    caption: str
    row: int | None
    # 1-based; 0 and no boxes in files without pages. A box for each line it takes.
    page: int = 0
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A file; `suffix` has no dot."""

    content: bytes
    suffix: str
    format: str
    fields: tuple[FieldPlace, ...]


def render(document: GeneratedDocument, chosen: str | None = None) -> RenderedDocument:
    """The document in a format of FORMATS, or in one that is usual for its kind; the same each time.

    Text that cannot be drawn comes without pages, and what is no mail comes as text. Raises KeyError for other formats.
    """
    random = Random(f"{document.seed}/file")  # noqa: S311 - draws samples, guards nothing
    wanted = _possible(document, chosen or usual_format(document))
    lines = lines_of(document.clean.text)
    if wanted in _OF_PAGES:
        return _with_pages(document, wanted, lines, random)
    content = _WITHOUT_PAGES[wanted](lines, random)
    if content is None:
        wanted, content = "txt", document.clean.text.encode()
    fields = tuple(_place(document, field) for field in document.clean.fields)
    return RenderedDocument(content, wanted, wanted, fields)


def usual_format(document: GeneratedDocument) -> str:
    """One of FORMATS that is usual for its kind; the same each time."""
    random = Random(f"{document.seed}/format")  # noqa: S311 - draws samples, guards nothing
    usual = max((prefix for prefix in _USUAL if document.label.startswith(prefix)), key=len, default="")
    formats = _USUAL.get(usual, _PAPERS)
    return _possible(document, random.choices(tuple(formats), tuple(formats.values()))[0])


def _possible(document: GeneratedDocument, wanted: str) -> str:
    """A Word file where the text has signs that cannot be drawn."""
    return "docx" if wanted in _OF_PAGES and lacking(document.clean.text) > _MOST_LACKING else wanted


_WITHOUT_PAGES: Mapping[str, Callable[[Sequence[Cells], Random], bytes | None]] = {
    "docx": lambda lines, _: office_files.word_file(lines),
    "xlsx": office_files.workbook,
    "csv": office_files.csv_file,
    "html": lambda lines, _: office_files.html_file(lines),
    "eml": lambda lines, _: office_files.mail(lines),
    "txt": lambda lines, _: "\n".join("  ".join(piece.text for piece in cells) for cells in lines).encode(),
}


def _with_pages(document: GeneratedDocument, wanted: str, lines: Sequence[Cells], random: Random) -> RenderedDocument:
    pages = set_pages(lines, Style.draw(_paper(document.label, random), random))
    quality = random.randint(45, 92)
    pictures: Sequence[Picture] = ()
    if wanted in {"jpg", "png"}:
        pictures = (photographed(pages, random),)
        content = pictures[0].jpeg(quality) if wanted == "jpg" else png(pictures[0])
    elif wanted == "pdf":
        content = text_pdf(pages)
    else:
        pictures = scanned(pages, random)
        content = (
            tiff(pictures)
            if wanted == "tif"
            else picture_pdf([picture.jpeg(quality) for picture in pictures], pages.size)
        )
    places = partial(_on_pages, document, pages, pictures)
    fields = tuple(place for field in document.clean.fields for place in places(field))
    return RenderedDocument(content, wanted.rpartition(".")[2], wanted, fields)


def _paper(label: str, random: Random) -> tuple[float, float]:
    if label.startswith(_CARDS):
        return CARD
    if label.startswith(_SLIPS) and random.random() < 0.8:
        return SLIP
    return random.choice((A4, LETTER))


def _on_pages(
    document: GeneratedDocument, pages: SetPages, pictures: Sequence[Picture], field: GeneratedField
) -> Iterator[FieldPlace]:
    """The field on each page it stands on; on none that was not photographed."""
    boxes: dict[int, list[Box]] = {}
    for page, box in pages.boxes(field.start, field.end):
        if not pictures:
            boxes.setdefault(page, []).append(box)
        elif page < len(pictures):
            boxes.setdefault(page, []).append(pictures[page].box(box))
    for page, found in boxes.items():
        yield _place(document, field, page + 1, tuple(found))


def _place(
    document: GeneratedDocument, field: GeneratedField, page: int = 0, boxes: tuple[Box, ...] = ()
) -> FieldPlace:
    text = document.clean.text
    line = text[text.rfind("\n", 0, field.start) + 1 : field.start]
    caption = line.rstrip(" :").rpartition("  ")[2].strip()
    return FieldPlace(field.name, text[field.start : field.end], caption, field.row, page, boxes)
