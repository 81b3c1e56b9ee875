"""Numbers of Word's list paragraphs, which are counted, not written (ECMA-376-1 17.9)."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lxml import etree

from heron_grpc.reading.list_numbers import count_on, written_number
from heron_grpc.reading.office_package import OfficePackage

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VALUE = f"{_W}val"
_LEVELS = 9
_PLACE = re.compile("%([1-9])")
# As deep as styles are followed to what they are based on.
_MOST_BASES = 10
_FALSE = frozenset({"0", "false", "off"})


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    kind: str
    # "%1.%2" stands for the numbers of the first and second level.
    pattern: str
    # Whether the numbers of upper levels are digits in it, whatever they are there.
    is_legal: bool


@dataclass(frozen=True, slots=True)
class _List:
    # Lists of one kind are counted together.
    kind: str
    levels: Sequence[_Level]
    # Levels that are counted from their start when the list begins.
    restarted: Sequence[int]


class Numbering:
    """Counts list paragraphs as they come. Bullets are no text."""

    def __init__(self, package: OfficePackage, lists: str, styles: str) -> None:
        self._package, self._styles_part = package, styles
        self._lists = _lists(package.optional_xml(lists) if lists else None)
        self._styles: dict[str, tuple[str, str, str]] | None = None
        self._counts: defaultdict[str, list[int]] = defaultdict(list)
        self._begun: set[str] = set()

    def label(self, properties: etree._Element) -> str:
        """What stands before the paragraph of these properties; empty for most."""
        if not self._lists:
            return ""
        number, level = self._place(properties)
        found = self._lists.get(number)
        if found is None or level >= len(found.levels):
            return ""
        counts = self._counts[found.kind]
        if number not in self._begun:
            self._begun.add(number)
            counts[min(found.restarted, default=_LEVELS) :] = []
        return _counted(counts, level, found.levels)

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


def _lists(root: etree._Element | None) -> dict[str, _List]:
    """By their number."""
    if root is None:
        return {}
    kinds = {each.get(f"{_W}abstractNumId", ""): each for each in root.iterchildren(f"{_W}abstractNum")}
    by_style = {style: kind for kind, each in kinds.items() if (style := _value(each, "styleLink"))}
    found = {}
    for number in root.iterchildren(f"{_W}num"):
        kind = _value(number, "abstractNumId")
        if kind in kinds:
            # A list may only name the style that another one defines.
            kind = by_style.get(_value(kinds[kind], "numStyleLink"), kind)
            found[number.get(f"{_W}numId", "")] = _list(number, kind, kinds[kind])
    return found


def _list(number: etree._Element, kind: str, definition: etree._Element) -> _List:
    """As its kind is defined, but for what the list overrides."""
    levels = [_level(each) for each in definition.iterchildren(f"{_W}lvl")][:_LEVELS]
    restarted = []
    for override in number.iterchildren(f"{_W}lvlOverride"):
        place = override.get(f"{_W}ilvl", "")
        at = int(place) if place.isdecimal() and len(place) < 2 else _LEVELS
        if at >= len(levels):
            continue
        own = override.find(f"{_W}lvl")
        levels[at] = levels[at] if own is None else _level(own)
        if start := _value(override, "startOverride"):
            levels[at] = replace(levels[at], start=_start(start))
            restarted.append(at)
    return _List(kind, levels, restarted)


def _level(element: etree._Element) -> _Level:
    start, kind, pattern = (_value(element, name) for name in ("start", "numFmt", "lvlText"))
    legal = element.find(f"{_W}isLgl")
    is_legal = legal is not None and legal.get(_VALUE, "true") not in _FALSE
    return _Level(_start(start), kind or "decimal", pattern, is_legal)


def _start(value: str) -> int:
    return int(value) if value.isdecimal() and len(value) < 6 else 1


def _counted(counts: list[int], level: int, levels: Sequence[_Level]) -> str:
    """Counts on, and what the paragraph's number looks like."""
    shown = count_on(counts, level, [each.start for each in levels])
    here = levels[level]
    if here.kind in {"bullet", "none"}:
        return ""
    kinds = ["decimal" if here.is_legal else each.kind for each in levels]
    numbers = [written_number(count, kind) for count, kind in zip(shown, kinds, strict=False)]
    return _PLACE.sub(lambda at: "".join(numbers[int(at[1]) - 1 : int(at[1])]), here.pattern).strip()


def _style(element: etree._Element) -> tuple[str, str, str]:
    return *_of(element.find(f"{_W}pPr/{_W}numPr")), _value(element, "basedOn")


def _of(place: etree._Element | None) -> tuple[str, str]:
    return ("", "") if place is None else (_value(place, "numId"), _value(place, "ilvl"))


def _value(element: etree._Element, name: str) -> str:
    child = element.find(f"{_W}{name}")
    return "" if child is None else child.get(_VALUE, "")
