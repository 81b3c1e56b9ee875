"""The shapes of an OpenDocument slide in the order people read them (ODF 1.3 part 3, 10.3)."""

import re
from collections.abc import Iterator

from lxml import etree

from heron_grpc.reading.odf_story import DRAW, PRESENTATION, TEXT
from heron_grpc.reading.slide_layout import Place, Shape, in_reading_order

_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
# Turned shapes are not placed by their corner but moved there.
_MOVED = re.compile(r"translate\s*\(\s*([^\s,)]+)[\s,]+([^\s,)]+)\s*\)")
_LENGTH = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)(cm|mm|in|pt|pc|px)")
_POINTS = {"cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}
_SPEAKING = (f"{DRAW}object", f"{DRAW}object-ole")


def slide_elements(slide: etree._Element) -> Iterator[etree._Element]:
    """Shapes that say something in reading order, then the others: they would only disturb it."""
    found = list(_shapes(slide))
    speaking = [shape for shape in found if _says_something(shape.element)]
    said = {shape.element for shape in speaking}
    yield from (shape.element for shape in in_reading_order(speaking))
    yield from (shape.element for shape in found if shape.element not in said)


def _shapes(container: etree._Element) -> Iterator[Shape]:
    """In the order they are drawn, groups opened: their shapes are placed on the slide too."""
    for element in container.iterchildren(f"{DRAW}*"):
        if element.tag == f"{DRAW}g":
            yield from _shapes(element)
        else:
            yield Shape(element, element.get(f"{PRESENTATION}class", ""), _place(element))


def _says_something(element: etree._Element) -> bool:
    texts = (text for paragraph in element.iter(f"{TEXT}p", f"{TEXT}h") for text in paragraph.itertext())
    return any(map(str.strip, texts)) or any(True for _ in element.iter(*_SPEAKING))


def _place(element: etree._Element) -> Place | None:
    left, top, width, height = (element.get(_SVG + name, "") for name in ("x", "y", "width", "height"))
    if moved := _MOVED.search(element.get(f"{DRAW}transform", "")):
        left, top = moved.groups()
    return Place(*map(_points, (left, top, width, height))) if top else None


def _points(length: str) -> float:
    found = _LENGTH.fullmatch(length)
    return float(found[1]) * _POINTS[found[2]] if found else 0.0
