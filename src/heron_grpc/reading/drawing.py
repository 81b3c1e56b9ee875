"""Text of drawings in Office documents: DrawingML paragraphs, charts and diagrams (ECMA-376-1 20, 21)."""

from collections.abc import Iterator

from lxml import etree

from heron_grpc.reading.office_package import OfficePackage
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.soundness import MOST_CELLS

_OPEN = "http://schemas.openxmlformats.org"
A = f"{{{_OPEN}/drawingml/2006/main}}"
_C = f"{{{_OPEN}/drawingml/2006/chart}}"
_DGM = f"{{{_OPEN}/drawingml/2006/diagram}}"
R = f"{{{_OPEN}/officeDocument/2006/relationships}}"
CHART, DIAGRAM, BLIP = f"{_C}chart", f"{_DGM}relIds", f"{A}blip"
CHART_ID, DIAGRAM_ID, BLIP_ID = f"{R}id", f"{R}dm", f"{R}embed"
_CATEGORIES = (f"{_C}cat", f"{_C}xVal")
_VALUES = (f"{_C}val", f"{_C}yVal", f"{_C}bubbleSize")
_FORMULA = f"{{{_OPEN}/officeDocument/2006/math}}t"
_NUMBERED = {"slidenum"}


def paragraphs(element: etree._Element) -> Iterator[str]:
    """Texts of the DrawingML paragraphs within, in order; slide numbers are no text."""
    for paragraph in element.iter(f"{A}p"):
        yield "".join(_pieces(paragraph))


def add_chart(package: OfficePackage, name: str, flow: PageFlow) -> None:
    """Titles, then the figures the chart was last drawn with, as a table: a row a category, a column a series."""
    root = package.optional_xml(name)
    if root is None:
        return
    for title in root.iter(f"{_C}title"):
        for text in paragraphs(title):
            flow.line(text)
    series = list(root.iter(f"{_C}ser"))
    categories: dict[int, str] = {}
    columns = []
    for each in series:
        categories = {**_points(each, _CATEGORIES), **categories}
        columns.append(_points(each, _VALUES))
    numbers = sorted(set(categories).union(*columns))[: MOST_CELLS // (len(columns) + 1) + 1]
    heads = ["", *("".join(each.xpath("string(*[local-name()='tx']//*[local-name()='v'])")) for each in series)]
    rows = [[categories.get(number, ""), *(column.get(number, "") for column in columns)] for number in numbers]
    flow.table([heads, *rows] if rows or any(heads) else [])


def add_diagram(package: OfficePackage, name: str, flow: PageFlow) -> None:
    """The texts of a SmartArt diagram, in the order of its data."""
    root = package.optional_xml(name)
    for text in () if root is None else paragraphs(root):
        flow.line(text)


def _pieces(paragraph: etree._Element) -> Iterator[str]:
    for element in paragraph.iter(f"{A}t", f"{A}br", f"{A}tab", _FORMULA):
        if element.tag == f"{A}br":
            yield "\n"
        elif element.tag == f"{A}tab":
            # Also the name of tab stops, which stand in a list of theirs.
            yield "\t" if element.getparent().tag == f"{A}r" else ""
        elif element.getparent().get("type") not in _NUMBERED:
            yield element.text or ""


def _points(series: etree._Element, kinds: tuple[str, ...]) -> dict[int, str]:
    """Cached values by their place."""
    found: dict[int, str] = {}
    for kind in series.iterchildren(*kinds):
        for point in kind.iter(f"{_C}pt"):
            place = point.get("idx", "")
            if place.isdecimal() and len(place) < 10:
                found.setdefault(int(place), _written(point.findtext(f"{_C}v") or ""))
    return found


def _written(value: str) -> str:
    """A number without the digits that only its binary form has."""
    try:
        return f"{float(value):.15g}" if "." in value else value
    except ValueError:
        return value
