"""Numbers of OpenDocument's headings and list items, which are counted, not written (ODF 1.3 part 3, 5.3, 16.30)."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from heron_grpc.reading.list_numbers import count_on, written_number
from heron_grpc.reading.odf_story import PARAGRAPHS, STYLE, TEXT

_LIST, _ITEMS = f"{TEXT}list", frozenset({f"{TEXT}list-item", f"{TEXT}list-header"})
_NAME, _START = f"{STYLE}name", f"{TEXT}start-value"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_KINDS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_LEVELS = 10
# As deep as styles are followed to what they are based on.
_MOST_BASES = 10


@dataclass(frozen=True, slots=True)
class _Level:
    start: int = 1
    # Empty where there is no number.
    kind: str = ""
    before: str = ""
    after: str = ""
    # How many levels are shown, this one the last.
    shown: int = 1


class OdfNumbering:
    """Counts headings and list items as they come. Bullets are no text."""

    def __init__(self, *roots: etree._Element | None) -> None:
        self._styles: dict[str, etree._Element] = {}
        self._levels: dict[str, list[_Level]] = {}
        self._outline: list[_Level] = []
        self._headings: list[int] = []
        # By list, by the id of the list, and of the last list of each style.
        self._counts: dict[etree._Element, list[int]] = {}
        self._named: dict[str, list[int]] = {}
        self._latest: dict[str, list[int]] = {}
        for root in roots:
            if root is not None:
                self._learn(root)

    def label(self, element: etree._Element) -> str:
        """What stands before a heading, or before the first paragraph of a list item; empty for most."""
        return self._item_label(element) if element.tag in _ITEMS else self._heading_label(element)

    def _learn(self, root: etree._Element) -> None:
        for style in root.iter(f"{STYLE}style"):
            if style.get(f"{STYLE}family") == "paragraph":
                self._styles[style.get(_NAME, "")] = style
        for style in root.iter(f"{TEXT}list-style"):
            self._levels[style.get(_NAME, "")] = _levels(style)
        for style in root.iter(f"{TEXT}outline-style"):
            self._outline = _levels(style)

    def _heading_label(self, heading: etree._Element) -> str:
        level = _number(heading, f"{TEXT}outline-level", 1) - 1
        if not 0 <= level < len(self._outline) or heading.get(f"{TEXT}is-list-header") == "true":
            return ""
        if self._list_style(heading.get(f"{TEXT}style-name", "")) == "":
            return ""
        if heading.get(f"{TEXT}restart-numbering") == "true":
            self._headings[level:] = []
        return _counted(self._headings, level, self._outline)

    def _list_style(self, name: str) -> str | None:
        """Of a paragraph style: None where nothing says which, empty where it is to have none."""
        for _ in range(_MOST_BASES):
            style = self._styles.get(name)
            if style is None:
                return None
            found = style.get(f"{STYLE}list-style-name")
            if found is not None:
                return str(found)
            name = style.get(f"{STYLE}parent-style-name", "")
        return None

    def _item_label(self, item: etree._Element) -> str:
        # An item that holds no more than another list only moves that one a level down.
        if item.tag != f"{TEXT}list-item" or not len(item) or item[0].tag not in PARAGRAPHS:
            return ""
        lists = list(_lists_around(item))
        names = (each.get(f"{TEXT}style-name") for each in lists)
        style = next(filter(None, names), "")
        levels, level = self._levels.get(style, []), len(lists) - 1
        if not 0 <= level < len(levels):
            return ""
        counts = self._counts_of(lists[-1], style)
        if item.get(_START):
            counts[level:] = []
            counts.extend(each.start for each in levels[len(counts) : level])
            counts.append(_number(item, _START, 1) - 1)
        return _counted(counts, level, levels)

    def _counts_of(self, outermost: etree._Element, style: str) -> list[int]:
        """Those of the list that this one goes on with; new ones for most."""
        if outermost not in self._counts:
            counts: list[int] = []
            if outermost.get(f"{TEXT}continue-numbering") == "true":
                counts = self._latest.get(style, counts)
            counts = self._named.get(outermost.get(f"{TEXT}continue-list", ""), counts)
            self._counts[outermost] = self._latest[style] = counts
            if name := outermost.get(_ID):
                self._named[name] = counts
        return self._counts[outermost]


def _counted(counts: list[int], level: int, levels: list[_Level]) -> str:
    """Counts on, and what the number looks like."""
    here, shown = levels[level], count_on(counts, level, [each.start for each in levels])
    if not here.kind:
        return ""
    first = max(level + 1 - here.shown, 0)
    numbers = (written_number(shown[at], levels[at].kind) for at in range(first, level + 1) if levels[at].kind)
    return f"{here.before}{'.'.join(numbers)}{here.after}".strip()


def _lists_around(item: etree._Element) -> Iterator[etree._Element]:
    """The innermost first; a list in a text box in a list is not within it."""
    for element in item.iterancestors():
        if element.tag == _LIST:
            yield element
        elif element.tag not in _ITEMS:
            return


def _levels(style: etree._Element) -> list[_Level]:
    found = {_number(each, f"{TEXT}level", 0): _level(each) for each in style}
    return [found.get(level, _Level()) for level in range(1, _LEVELS + 1)]


def _level(element: etree._Element) -> _Level:
    kind = _KINDS.get(element.get(f"{STYLE}num-format", ""), "")
    before, after = (element.get(f"{STYLE}num-{name}", "") for name in ("prefix", "suffix"))
    return _Level(_number(element, _START, 1), kind, before, after, _number(element, f"{TEXT}display-levels", 1))


def _number(element: etree._Element, name: str, default: int) -> int:
    value = element.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 6 else default
