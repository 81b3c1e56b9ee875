"""Text of OpenDocument files (ODF 1.3 part 3): paragraphs, lists, tables, frames and notes, in order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice

from lxml import etree

from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.soundness import MOST_CELLS

_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:"
OFFICE, TEXT, STYLE, DRAW = (f"{_NAMES}{name}:1.0}}" for name in ("office", "text", "style", "drawing"))
_TABLE = f"{_NAMES}table:1.0}}"
PRESENTATION = f"{_NAMES}presentation:1.0}}"
HREF = "{http://www.w3.org/1999/xlink}href"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_HEADING, _ITEM = f"{TEXT}h", f"{TEXT}list-item"
PARAGRAPHS = frozenset({f"{TEXT}p", _HEADING})
# What was deleted while changes were tracked, readings above characters, and what is said about the text.
_SKIPPED = frozenset(
    (
        *(TEXT + name for name in ("tracked-changes", "ruby-text", "note-citation", "page-number", "page-count")),
        *(TEXT + name for name in ("sequence-decls", "variable-decls", "user-field-decls")),
        *(f"{_NAMES}svg-compatible:1.0}}{name}" for name in ("title", "desc")),
        *(f"{OFFICE}forms", f"{PRESENTATION}notes", _CREATOR, "{http://purl.org/dc/elements/1.1/}date"),
    )
)
_MOST_SPACES = 1000
# Columns of a spreadsheet in a text; repeated cells at the end of a row are only its rest.
_MOST_COLUMNS = 1024
_IMAGE = f"{DRAW}image"
_VIEWS = (_IMAGE, f"{DRAW}object", f"{DRAW}object-ole")
_DRAWINGS = (".svg", ".svm", ".emf", ".wmf")


@dataclass(slots=True)
class OdfStory:
    """Adds what the elements say to the flow."""

    flow: PageFlow
    # Names of paragraph and table styles that begin, and of those that end a page.
    breaks_before: frozenset[str] = frozenset()
    breaks_after: frozenset[str] = frozenset()
    # Told the reference to every picture and object where it is met.
    on_object: Callable[[str], object] = lambda _reference: None
    # What stands before a heading, or before the first paragraph of a list item.
    label: Callable[[etree._Element], str] = lambda _element: ""
    _label: str = ""
    _cells_left: int = MOST_CELLS + 1

    def blocks(self, container: Iterable[etree._Element]) -> None:
        """Paragraphs and tables at any depth."""
        for element in container:
            tag = element.tag
            if tag in PARAGRAPHS:
                self._paragraph(element)
            elif tag == f"{_TABLE}table":
                self._table(element)
            elif tag == f"{TEXT}soft-page-break":
                self.flow.new_page()
            elif tag == _ITEM:
                self._label = self.label(element)
                self.blocks(element)
            elif tag not in _SKIPPED:
                self._meet(element)
                self.blocks(element)

    def note(self, element: etree._Element) -> None:
        """Footnotes, endnotes and comments stand below the text of their page."""
        text = self.flow.captured(partial(self.blocks, element))
        author = element.findtext(_CREATOR)
        self.flow.note(f"[{author}] {text}" if author and text else text)

    def _paragraph(self, element: etree._Element) -> None:
        style = element.get(f"{TEXT}style-name", "")
        if style in self.breaks_before:
            self.flow.new_page()
        label, self._label = self._label, ""
        if element.tag == _HEADING and not label:
            label = self.label(element)
        line = _Line(self, [f"{label} "] if label else [])
        line.read(element)
        line.finish()
        if style in self.breaks_after:
            self.flow.new_page()

    def _meet(self, element: etree._Element) -> None:
        """Tells what a frame shows: of several views of one thing the best."""
        if element.tag in _VIEWS and (name := element.get(HREF)):
            shown = element.getparent()
            if shown is None or _best_view(shown) is element:
                self.on_object(name)

    def _table(self, table: etree._Element) -> None:
        if table.get(f"{_TABLE}style-name") in self.breaks_before:
            self.flow.new_page()
        rows: list[tuple[str, ...]] = []
        for row in _within(table, f"{_TABLE}table-row"):
            cells = self._cells(row)
            times = _count(row, f"{_TABLE}number-rows-repeated") if any(cells) else 1
            times = min(times, max(self._cells_left // max(len(cells), 1), 1))
            self._cells_left -= times * len(cells)
            rows.extend([cells] * times)
        self.flow.table(rows)
        self.flow.break_if_due()

    def _cells(self, row: etree._Element) -> tuple[str, ...]:
        """Without the empty rest of the row; covered cells are empty."""
        repeated = (self._repeated(cell) for cell in _within(row, f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"))
        cells = list(islice(chain.from_iterable(repeated), _MOST_COLUMNS))
        while cells and not cells[-1]:
            cells.pop()
        return tuple(cells)

    def _repeated(self, cell: etree._Element) -> list[str]:
        text = self.flow.captured(partial(self.blocks, cell))
        return [text] * min(_count(cell, f"{_TABLE}number-columns-repeated"), _MOST_COLUMNS)


@dataclass(slots=True)
class _Line:
    """What stands in a paragraph."""

    story: OdfStory
    pieces: list[str] = field(default_factory=list)
    later: list[etree._Element] = field(default_factory=list)

    def read(self, element: etree._Element) -> None:
        """The text before each child, the child, and what follows it."""
        self.pieces.append(_collapsed(element.text))
        for child in element:
            if child.tag not in _SKIPPED:
                self._child(child)
            self.pieces.append(_collapsed(child.tail))

    def finish(self) -> None:
        """Adds the text, then what is anchored in it."""
        self._end_line()
        for element in self.later:
            self.story._meet(element)  # noqa: SLF001  one class in two halves
            self.story.blocks(element)

    def _child(self, child: etree._Element) -> None:
        name = child.tag.removeprefix(TEXT)
        if name == "s":
            self.pieces.append(" " * min(_count(child, f"{TEXT}c"), _MOST_SPACES))
        elif name == "tab":
            self.pieces.append("\t")
        elif name == "line-break":
            self.pieces.append("\n")
        elif name == "soft-page-break":
            self._end_line()
            self.story.flow.new_page()
        elif name == "note" or child.tag == f"{OFFICE}annotation":
            self.story.note(child)
        elif child.tag.startswith(DRAW) and child.tag != f"{DRAW}a":
            self.later.append(child)
        else:
            self.read(child)

    def _end_line(self) -> None:
        self.story.flow.line("".join(self.pieces).strip(" "))
        self.pieces.clear()


def _best_view(frame: etree._Element) -> etree._Element | None:
    """An object rather than pictures of it, and a picture rather than a drawing that not every program can draw."""
    views = list(frame.iterchildren(*_VIEWS))
    objects = [each for each in views if each.tag != _IMAGE]
    pictures = [each for each in views if not each.get(HREF, "").lower().endswith(_DRAWINGS)]
    return next(iter((*objects, *pictures, *views)), None)


def _within(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    """Children of these tags, through the groups and headers of tables."""
    for child in element:
        if child.tag in tags:
            yield child
        elif child.tag.startswith(_TABLE):
            yield from _within(child, *tags)


def _collapsed(text: str | None) -> str:
    """White space in the file is one space (ODF 1.3 part 3, 6.1.2)."""
    if not text:
        return ""
    if "\n" not in text and "\t" not in text and "  " not in text:
        return text
    return f"{' ' * text[0].isspace()}{' '.join(text.split())}{' ' * (text[-1].isspace() and not text.isspace())}"


def _count(element: etree._Element, name: str) -> int:
    value = element.get(name, "1")
    return int(value) if value.isdecimal() and len(value) < 10 else 1
