"""One story of a Word document (body, header, note): paragraphs, tables and what stands in them, in order."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from lxml import etree

from heron_grpc.reading.docx_numbering import Numbering
from heron_grpc.reading.drawing import BLIP, BLIP_ID, CHART, CHART_ID, DIAGRAM, DIAGRAM_ID, A, R, add_chart, add_diagram
from heron_grpc.reading.office_package import OfficePackage
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.symbol_fonts import PRIVATE_USE, symbol

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SECTION = f"{W}sectPr"
REFERENCES = {
    f"{W}footnoteReference": "footnotes",
    f"{W}endnoteReference": "endnotes",
    f"{W}commentReference": "comments",
}
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VML = "{urn:schemas-microsoft-com:vml}"
_OLE_OBJECT = "{urn:schemas-microsoft-com:office:office}OLEObject"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TABLE, _ROW, _CELL = f"{W}p", f"{W}tbl", f"{W}tr", f"{W}tc"
_ALTERNATIVE = f"{W}altChunk"
_VALUE = f"{W}val"
# What was deleted or moved away while changes were tracked, formatting, the readings above characters, and what is
# written a second time for old programs.
_SKIPPED = frozenset(
    (
        _FALLBACK,
        *(W + name for name in ("del", "moveFrom", "rPr", "pPr", "tcPr", "trPr", "tblPr", "sdtPr", "rt", "instrText")),
    )
)
_TEXTS = frozenset({f"{W}t", f"{_M}t", f"{A}t"})
_CHARACTERS = {f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_CODE = re.compile("[0-9A-Fa-f]{1,4}")
# Word has at most 63 columns.
_MOST_SPAN = 63
_FALSE = frozenset({"0", "false", "off"})


@dataclass(slots=True)
class Story:
    """Adds what the elements of one part say to the flow."""

    package: OfficePackage
    # Of its part.
    name: str
    flow: PageFlow
    numbering: Numbering
    # Names of the pictures and files met, in order.
    inside: dict[str, None]
    # Told the kind and id of every note and comment where it is referred to, and the end of every section.
    on_reference: Callable[[str, str], None] = lambda _kind, _id: None
    on_section: Callable[[], None] = lambda: None
    _relations: dict[str, str] | None = None

    def blocks(self, container: etree._Element) -> None:
        """Paragraphs and tables, wherever content controls and the like have put them."""
        for element in container:
            tag = element.tag
            if tag == _PARAGRAPH:
                self._paragraph(element)
            elif tag == _TABLE:
                self.flow.table([*self._rows(element)])
                self.flow.break_if_due()
            elif tag == _ALTERNATIVE:
                self._keep(element.get(f"{R}id"))
            elif tag not in _SKIPPED:
                self.blocks(element)

    def target(self, relation: str | None) -> str:
        """The part behind a relation of this one; empty when there is none."""
        if self._relations is None:
            self._relations = {key: each.target for key, each in self.package.relations(self.name).items()}
        return self._relations.get(relation or "", "")

    def _keep(self, relation: str | None) -> None:
        if target := self.target(relation):
            self.inside.setdefault(target)

    def _paragraph(self, element: etree._Element) -> None:
        """The paragraph, then its text boxes and drawings."""
        properties = element.find(f"{W}pPr")
        run = _Run(self)
        if properties is not None:
            if _is_on(properties.find(f"{W}pageBreakBefore")):
                self.flow.new_page()
            if label := self.numbering.label(properties):
                run.pieces.append(f"{label} ")
        run.read(element)
        run.finish()
        if properties is not None and properties.find(SECTION) is not None:
            self.on_section()

    def _rows(self, table: etree._Element) -> Iterator[list[str]]:
        for row in _within(table, _ROW):
            properties = row.find(f"{W}trPr")
            if properties is None:
                yield [*self._cells(row, 0)]
            elif properties.find(f"{W}del") is None:
                yield [*self._cells(row, _number(properties.find(f"{W}gridBefore"), 0))]

    def _cells(self, row: etree._Element, skipped: int) -> Iterator[str]:
        """A cell for every column: one that spans several is followed by empty ones."""
        yield from [""] * skipped
        for cell in _within(row, _CELL):
            yield self.flow.captured(partial(self.blocks, cell))
            properties = cell.find(f"{W}tcPr")
            if properties is not None:
                yield from [""] * (_number(properties.find(f"{W}gridSpan"), 1) - 1)


@dataclass(slots=True)
class _Run:
    """What stands in a paragraph."""

    story: Story
    pieces: list[str] = field(default_factory=list)
    later: list[Callable[[], object]] = field(default_factory=list)

    def read(self, element: etree._Element) -> None:
        for child in element:
            tag = child.tag
            if tag in _TEXTS:
                self.pieces.append((child.text or "").translate(PRIVATE_USE))
            elif tag in _CHARACTERS:
                self.pieces.append(_CHARACTERS[tag])
            elif tag in _SKIPPED:
                continue
            elif tag in _MEANINGS:
                _MEANINGS[tag](self, child)
            else:
                self.read(child)

    def finish(self) -> None:
        """Adds what was read to the flow."""
        self._write()
        for add in self.later:
            add()
        self.later.clear()

    def end_line(self, element: etree._Element) -> None:
        kind = element.get(f"{W}type")
        if kind == "page":
            self.end_page(element)
        elif kind == "column":
            self._write()
        else:
            self.pieces.append("\n")

    def end_page(self, _: etree._Element) -> None:
        self._write()
        self.story.flow.new_page()

    def _write(self) -> None:
        self.story.flow.line("".join(self.pieces))
        self.pieces.clear()

    def box(self, element: etree._Element) -> None:
        story = self.story
        self.later.append(lambda: story.flow.line(story.flow.captured(lambda: story.blocks(element))))

    def reference(self, element: etree._Element) -> None:
        self.story.on_reference(REFERENCES[element.tag], element.get(f"{W}id", ""))

    def symbol(self, element: etree._Element) -> None:
        code = element.get(f"{W}char", "")
        if _CODE.fullmatch(code):
            self.pieces.append(symbol(element.get(f"{W}font", ""), int(code, 16)))

    def check_box(self, element: etree._Element) -> None:
        state = element.find(f"{W}checked")
        state = element.find(f"{W}default") if state is None else state
        self.pieces.append("\u2612" if _is_on(state) else "\u2610")

    def choice(self, element: etree._Element) -> None:
        entries = element.findall(f"{W}listEntry")
        chosen = _number(element.find(f"{W}result"), 0)
        self.pieces.extend(entry.get(_VALUE, "") for entry in entries[chosen : chosen + 1])

    def word_art(self, element: etree._Element) -> None:
        self.later.append(lambda: self.story.flow.line(element.get("string", "")))

    def picture(self, element: etree._Element) -> None:
        self.story._keep(element.get(BLIP_ID) or element.get(f"{R}id"))  # noqa: SLF001  one class in two halves
        self.read(element)

    def ole_object(self, element: etree._Element) -> None:
        """The file, not the picture that stands for it; formulas are numerous and no documents."""
        for each in element.iter(_OLE_OBJECT):
            if not each.get("ProgID", "").startswith("Equation"):
                self.story._keep(each.get(f"{R}id"))  # noqa: SLF001

    def chart(self, element: etree._Element) -> None:
        story, target = self.story, self.story.target(element.get(CHART_ID))
        self.later.append(lambda: add_chart(story.package, target, story.flow))

    def diagram(self, element: etree._Element) -> None:
        story, target = self.story, self.story.target(element.get(DIAGRAM_ID))
        self.later.append(lambda: add_diagram(story.package, target, story.flow))


_MEANINGS: dict[str, Callable[[_Run, etree._Element], None]] = {
    f"{W}br": _Run.end_line,
    f"{W}lastRenderedPageBreak": _Run.end_page,
    f"{W}txbxContent": _Run.box,
    f"{W}sym": _Run.symbol,
    f"{W}checkBox": _Run.check_box,
    f"{W}ddList": _Run.choice,
    f"{W}object": _Run.ole_object,
    f"{_VML}textpath": _Run.word_art,
    f"{_VML}imagedata": _Run.picture,
    BLIP: _Run.picture,
    CHART: _Run.chart,
    DIAGRAM: _Run.diagram,
    **dict.fromkeys(REFERENCES, _Run.reference),
}


def _within(element: etree._Element, tag: str) -> Iterator[etree._Element]:
    """Children of that tag, through content controls and tracked changes that were not taken back."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag not in _SKIPPED:
            yield from _within(child, tag)


def _is_on(switch: etree._Element | None) -> bool:
    return switch is not None and switch.get(_VALUE, "true") not in _FALSE


def _number(element: etree._Element | None, default: int) -> int:
    """A count of columns or a place in a list."""
    value = "" if element is None else element.get(_VALUE, "")
    return min(int(value), _MOST_SPAN) if value.isdecimal() and len(value) < 10 else default
