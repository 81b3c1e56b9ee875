"""What stands on a sheet beside its cells: header and footer of print, text boxes, charts, comments."""

import re
from collections.abc import Iterator

from lxml import etree

from heron_grpc.reading import drawing
from heron_grpc.reading.office_package import OfficePackage
from heron_grpc.reading.page_flow import PageFlow

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_THREADED = "{http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments}"
_HEADER_FOOTER = re.compile(rb"<(?:\w+:)?((?:odd|even|first)(Header|Footer))\b[^>]*>([^<]+)</")
# Codes for fonts, sizes, colours, page numbers, dates and names (ECMA-376-1 18.3.1.39).
_CODE = re.compile(r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|K\d\d[+-]\d{3}|\d+|[BIUESXYPNDTZFAGHO])')
_FILES = frozenset({"oleObject", "package"})
_SECTION = re.compile(r"&[LCR]")


def add_drawings(package: OfficePackage, part: str, flow: PageFlow) -> None:
    """Adds what belongs to the sheet that is that part. Raises CorruptDocument."""
    _add_header_footer(package.content(part), flow)
    relations = list(package.relations(part).values())
    for relation in relations:
        if relation.kind == "drawing":
            _add_drawing(package, relation.target, flow)
    kinds = {relation.kind: relation.target for relation in relations}
    # Threaded comments are written a second time as plain ones for old programs.
    comments = kinds.get("threadedComment") or kinds.get("comments")
    root = package.optional_xml(comments) if comments else None
    for text in () if root is None else _comments(root):
        flow.note(text)


def files_on_sheet(package: OfficePackage, part: str) -> Iterator[str]:
    """Parts that are pictures on the sheet or files put into it."""
    for relation in package.relations(part).values():
        if relation.kind == "drawing":
            yield from (each.target for each in package.relations(relation.target).values() if each.kind == "image")
        elif relation.kind in _FILES:
            yield relation.target


def _add_header_footer(sheet: bytes, flow: PageFlow) -> None:
    seen: set[str] = set()
    for _, kind, written in _HEADER_FOOTER.findall(sheet):
        text = etree.fromstring(b"<t>" + written + b"</t>").text or ""
        pieces = (_CODE.sub("", piece).replace("&&", "&").strip() for piece in _SECTION.split(text))
        line = "\t".join(filter(None, pieces))
        if line and line not in seen:
            seen.add(line)
            (flow.head if kind == b"Header" else flow.foot)(line)


def _add_drawing(package: OfficePackage, part: str, flow: PageFlow) -> None:
    root = package.optional_xml(part)
    if root is None:
        return
    targets = {key: relation.target for key, relation in package.relations(part).items()}
    for text in drawing.paragraphs(root):
        flow.line(text)
    for chart in root.iter(drawing.CHART):
        drawing.add_chart(package, targets.get(chart.get(drawing.CHART_ID, ""), ""), flow)
    for diagram in root.iter(drawing.DIAGRAM):
        drawing.add_diagram(package, targets.get(diagram.get(drawing.DIAGRAM_ID, ""), ""), flow)


def _comments(root: etree._Element) -> Iterator[str]:
    for comment in root.iter(f"{_MAIN}comment", f"{_THREADED}threadedComment"):
        texts = comment.iter(f"{_MAIN}t", f"{_THREADED}text")
        yield "".join(text.text or "" for text in texts).strip()
