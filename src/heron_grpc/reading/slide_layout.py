"""Where the shapes of a slide stand, and the order people read them in (ECMA-376-1 19.3, 20.1.7)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lxml import etree

from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.reading.drawing import A
from heron_grpc.reading.office_package import OfficePackage

P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
TITLES = frozenset({"title", "ctrTitle"})
_COMPATIBLE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_GROUP = f"{P}grpSp"
_SHAPES = frozenset(P + name for name in ("sp", "pic", "graphicFrame", "cxnSp"))
# What a layout's placeholders are called on its master.
_ON_MASTER = {"ctrTitle": "title", "subTitle": "body", "obj": "body"}


@dataclass(frozen=True, slots=True)
class Place:
    """In English Metric Units from the slide's top left corner."""

    left: float = 0.0
    top: float = 0.0
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of a slide; its place is None where it is the layout's business and that does not say."""

    element: etree._Element
    # The kind of placeholder it fills; empty when it is none.
    fills: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class _Frame:
    """From a group's own coordinates to the slide's."""

    left: float = 0.0
    top: float = 0.0
    wide: float = 1.0
    high: float = 1.0

    def placed(self, place: Place) -> Place:
        return Place(
            self.left + self.wide * place.left,
            self.top + self.high * place.top,
            self.wide * place.width,
            self.high * place.height,
        )


class Layouts:
    """Places of the placeholders of slides that leave them to their layout."""

    def __init__(self, package: OfficePackage) -> None:
        self._package = package
        self._known: dict[str, Mapping[str, Place]] = {}

    def places(self, name: str) -> Mapping[str, Place]:
        """By number and by kind of the placeholders on a layout or master; a damaged one has none."""
        if name not in self._known:
            # Before it is there, for a layout that is its own master.
            self._known[name] = {}
            with suppress(CorruptDocument):
                self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> Mapping[str, Place]:
        root = self._package.xml(name)
        if root is None:
            return {}
        masters = (each.target for each in self._package.relations(name).values() if each.kind == "slideMaster")
        places = dict(self.places(next(masters, "")))
        for element in root.iter(f"{P}sp"):
            kind, number = _placeholder(element)
            place = _own_place(element) or places.get(_ON_MASTER.get(kind, kind))
            if kind and place:
                places[kind] = places[number] = place
        return places


def shapes(tree: etree._Element, defaults: Mapping[str, Place]) -> Iterator[Shape]:
    """Every shape, in the order they are drawn, groups opened."""
    return _shapes(tree, defaults, _Frame())


def in_reading_order(found: Sequence[Shape]) -> list[Shape]:
    """Titles first; then from top to bottom, and from left to right what begins beside another's upper half."""
    placed: list[tuple[Place, Shape]] = []
    for shape in found:
        if shape.fills not in TITLES:
            # One without a place follows the one drawn before it.
            placed.append((shape.place or (placed[-1][0] if placed else Place()), shape))
    rows: list[list[tuple[Place, Shape]]] = []
    for place, shape in sorted(placed, key=lambda each: each[0].top):
        first = rows[-1][0][0] if rows else None
        if first and place.top < first.top + first.height / 2:
            rows[-1].append((place, shape))
        else:
            rows.append([(place, shape)])
    titles = [shape for shape in found if shape.fills in TITLES]
    return titles + [shape for row in rows for _, shape in sorted(row, key=lambda each: each[0].left)]


def _shapes(tree: etree._Element, defaults: Mapping[str, Place], frame: _Frame) -> Iterator[Shape]:
    for element in tree:
        if element.tag in _SHAPES:
            kind, number = _placeholder(element)
            own = _own_place(element)
            place = frame.placed(own) if own else defaults.get(number) or defaults.get(_ON_MASTER.get(kind, kind))
            yield Shape(element, kind, place)
        elif element.tag == _GROUP:
            yield from _shapes(element, defaults, _inner(element, frame))
        elif element.tag == f"{_COMPATIBLE}AlternateContent":
            # The rest says the same for old programs.
            yield from (shape for choice in element[:1] for shape in _shapes(choice, defaults, frame))


def _placeholder(element: etree._Element) -> tuple[str, str]:
    """Kind and number; empty for what is no placeholder."""
    found = element.find(f"*/{P}nvPr/{P}ph")
    return ("", "") if found is None else (found.get("type", "obj"), found.get("idx", "0"))


def _own_place(element: etree._Element) -> Place | None:
    transform = element.find(f"{P}xfrm")
    transform = element.find(f"{P}spPr/{A}xfrm") if transform is None else transform
    return None if transform is None else Place(*_pair(transform, "off", "xy"), *_pair(transform, "ext", ("cx", "cy")))


def _inner(group: etree._Element, frame: _Frame) -> _Frame:
    transform = group.find(f"{P}grpSpPr/{A}xfrm")
    if transform is None:
        return frame
    left, top = _pair(transform, "off", "xy")
    width, height = _pair(transform, "ext", ("cx", "cy"))
    inner_left, inner_top = _pair(transform, "chOff", "xy")
    inner_width, inner_height = _pair(transform, "chExt", ("cx", "cy"))
    wide, high = width / (inner_width or 1), height / (inner_height or 1)
    outer = frame.placed(Place(left - wide * inner_left, top - high * inner_top))
    return _Frame(outer.left, outer.top, frame.wide * wide, frame.high * high)


def _pair(transform: etree._Element, name: str, keys: Sequence[str]) -> tuple[float, float]:
    element = transform.find(f"{A}{name}")
    values = (("" if element is None else element.get(key, "")) for key in keys)
    first, second = (
        float(value) if value.removeprefix("-").isdecimal() and len(value) < 16 else 0.0 for value in values
    )
    return first, second
