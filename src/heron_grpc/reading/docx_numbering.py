"""Numbers of Word's list paragraphs, which are counted, not written (ECMA-376-1 17.9)."""

import re
from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

from heron_grpc.reading.office_package import OfficePackage

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VALUE = f"{_W}val"
_LEVELS = 9
_PLACE = re.compile("%([1-9])")
# As deep as styles are followed to what they are based on.
_MOST_BASES = 10
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MOST_ROMAN = 3999


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    kind: str
    # "%1.%2" stands for the numbers of the first and second level.
    pattern: str


class Numbering:
    """Counts list paragraphs as they come. Bullets are no text."""

    def __init__(self, package: OfficePackage, lists: str, styles: str) -> None:
        self._package, self._styles_part = package, styles
        self._lists = _lists(package.optional_xml(lists) if lists else None)
        self._styles: dict[str, tuple[str, str, str]] | None = None
        self._counts: defaultdict[str, list[int]] = defaultdict(list)

    def label(self, properties: etree._Element) -> str:
        """What stands before the paragraph of these properties; empty for most."""
        if not self._lists:
            return ""
        number, level = self._place(properties)
        levels = self._lists.get(number)
        return self._counted(number, level, levels) if levels and level < len(levels) else ""

    def _counted(self, number: str, level: int, levels: list[_Level]) -> str:
        counts = self._counts[number]
        counts[level + 1 :] = []
        counts.extend(each.start - 1 for each in levels[len(counts) : level + 1])
        counts[level] += 1
        # Upper levels that have not been counted yet stand at their start.
        shown = [max(count, each.start) for count, each in zip(counts, levels, strict=False)]
        if levels[level].kind in {"bullet", "none"}:
            return ""
        return _PLACE.sub(lambda at: _shown(int(at[1]) - 1, shown, levels), levels[level].pattern).strip()

    def _place(self, properties: etree._Element) -> tuple[str, int]:
        """Number of the list and level, from the paragraph itself, else from its style."""
        own = properties.find(f"{_W}numPr")
        style = properties.find(f"{_W}pStyle")
        number, level, base = _of(own)[0], _of(own)[1], "" if style is None else style.get(_VALUE, "")
        for _ in range(_MOST_BASES):
            if number or not base:
                break
            number, styled, base = self._style(base)
            level = level or styled
        return number, int(level) if level.isdecimal() and int(level) < _LEVELS else 0

    def _style(self, name: str) -> tuple[str, str, str]:
        """List, level and base of a style."""
        if self._styles is None:
            root = self._package.optional_xml(self._styles_part) if self._styles_part else None
            self._styles = {} if root is None else {each.get(f"{_W}styleId", ""): _style(each) for each in root}
        return self._styles.get(name, ("", "", ""))


def _lists(root: etree._Element | None) -> dict[str, list[_Level]]:
    """Levels by the number of their list."""
    if root is None:
        return {}
    kinds = {each.get(f"{_W}abstractNumId"): each for each in root.iterchildren(f"{_W}abstractNum")}
    found = {}
    for number in root.iterchildren(f"{_W}num"):
        kind = number.find(f"{_W}abstractNumId")
        levels = None if kind is None else kinds.get(kind.get(_VALUE))
        if levels is not None:
            found[number.get(f"{_W}numId", "")] = [_level(each) for each in levels.iterchildren(f"{_W}lvl")][:_LEVELS]
    return found


def _level(element: etree._Element) -> _Level:
    start, kind, pattern = (_value(element, name) for name in ("start", "numFmt", "lvlText"))
    return _Level(int(start) if start.isdecimal() and len(start) < 6 else 1, kind or "decimal", pattern)


def _style(element: etree._Element) -> tuple[str, str, str]:
    return *_of(element.find(f"{_W}pPr/{_W}numPr")), _value(element, "basedOn")


def _of(place: etree._Element | None) -> tuple[str, str]:
    return ("", "") if place is None else (_value(place, "numId"), _value(place, "ilvl"))


def _value(element: etree._Element, name: str) -> str:
    child = element.find(f"{_W}{name}")
    return "" if child is None else child.get(_VALUE, "")


def _shown(level: int, counts: list[int], levels: list[_Level]) -> str:
    if level >= len(counts):
        return ""
    count, kind = counts[level], levels[level].kind
    if kind.endswith("Letter"):
        text = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1) if 0 < count < 1000 else str(count)
    elif kind.endswith("Roman"):
        text = _roman(count)
    else:
        text = f"{count:02}" if kind == "decimalZero" else str(count)
    return text.upper() if kind.startswith("upper") else text


def _roman(count: int) -> str:
    if not 0 < count <= _MOST_ROMAN:
        return str(count)
    text = ""
    for value, letters in _ROMAN:
        times, count = divmod(count, value)
        text += letters * times
    return text
