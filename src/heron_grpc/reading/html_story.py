"""The visible text of an HTML tree: blocks as lines, tables as tables, what forms hold, what pictures stand for."""

import re
from collections.abc import Iterator

from lxml import etree

from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.soundness import MOST_CELLS

_BLOCK_NAMES = (
    "address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre "
    "section summary table tbody td tfoot th thead tr ul"
)
_UNSEEN_NAMES = "head script style template noscript noframes object iframe audio video canvas datalist area map"
_BLOCKS, _UNSEEN = frozenset(_BLOCK_NAMES.split()), frozenset(_UNSEEN_NAMES.split())
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
# Rules of a style sheet that hide, and their selectors that are one class or identifier.
_SIMPLE = re.compile(r"[.#][\w-]+")
_PAGE_BREAK = re.compile(r"break-before\s*:\s*(?:always|page)", re.IGNORECASE)
_WHITE = re.compile(r"[ \t\n\r\f]+")
# Links whose text says nothing.
_FEWEST_LETTERS = 5
_SAYING = ("http://", "https://")
_ADDRESSES = ("mailto:", "tel:")
_UNTYPED = frozenset({"hidden", "password", "image", "file", "range", "color"})
# Text that is longer is no cell of a table of data, and deeper elements are read without their structure.
_LONGEST_DATA_CELL = 2_000
_DEEPEST = 150
_MOST_SPAN, _MOST_COLUMNS = 100, 1_000
_MOST_ROWS = 65_534


class HtmlStory:
    """Adds what a tree says to a flow, up to so many code points."""

    def __init__(self, flow: PageFlow, root: etree._Element, chars: int) -> None:
        self._flow, self._root, self._chars_left = flow, root, chars
        self._line: list[str] = []
        self._hidden = _hidden_names(root)
        self._counters: list[int] = []

    def read(self) -> None:
        """The whole tree."""
        self._element(self._root, 0)
        self._end_line()

    def _element(self, element: etree._Element, depth: int) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _UNSEEN or self._chars_left < 0 or self._is_hidden(element):
            return
        if depth > _DEEPEST:
            self._line.append(" ".join(element.itertext()))
            return
        is_block = tag in _BLOCKS
        if is_block:
            self._end_line()
            if _PAGE_BREAK.search(element.get("style", "")):
                self._flow.new_page()
        self._open(element, tag, depth)
        if is_block:
            self._end_line()

    def _open(self, element: etree._Element, tag: str, depth: int) -> None:
        match tag:
            case "br":
                self._end_line()
            case "img" | "input" | "select":
                self._line.append(f" {_shown(element)} ")
            case "pre" | "textarea":
                self._preformatted(element)
            case "ol" | "ul":
                self._list(element, tag, depth)
            case "a":
                self._link(element, depth)
            case "table" if _is_data(element):
                self._table(element, depth)
            case _:
                self._line.append(self._bullet() if tag == "li" and self._counters else "")
                self._children(element, depth)

    def _children(self, element: etree._Element, depth: int) -> None:
        self._line.append(element.text or "")
        for child in element:
            self._element(child, depth + 1)
            self._line.append(child.tail or "")

    def _list(self, element: etree._Element, tag: str, depth: int) -> None:
        start = element.get("start") or "1"
        first = int(start) if start.isdecimal() and len(start) < 10 else 1
        self._counters.append(first if tag == "ol" else -1)
        self._children(element, depth)
        self._counters.pop()

    def _bullet(self) -> str:
        number = self._counters[-1]
        self._counters[-1] += number >= 0
        return f"{number}. " if number >= 0 else "- "

    def _link(self, element: etree._Element, depth: int) -> None:
        at = len(self._line)
        self._children(element, depth)
        text = " ".join("".join(self._line[at:]).split())
        if target := _target(element.get("href") or "", text):
            self._line.append(f" ({target})" if text else target)

    def _preformatted(self, element: etree._Element) -> None:
        """Line by line, as it stands."""
        self._end_line()
        for line in "".join(element.itertext()).split("\n"):
            self._flow.line(line.rstrip())

    def _table(self, table: etree._Element, depth: int) -> None:
        for caption in table.iterchildren("caption"):
            self._element(caption, depth + 1)
        self._flow.table(list(self._rows(table, depth)))

    def _rows(self, table: etree._Element, depth: int) -> Iterator[list[str]]:
        """Cells that span several stand in the first of them."""
        spans: dict[int, int] = {}
        left = MOST_CELLS
        for row in _table_rows(table):
            if self._is_hidden(row) or (row.getparent() is not table and self._is_hidden(row.getparent())):
                continue
            cells: list[str] = []
            _skip_spans(cells, spans)
            for cell in row.iterchildren("td", "th"):
                rows = _span(cell, "rowspan", _MOST_ROWS)
                columns = _span(cell, "colspan", _MOST_SPAN) if len(cells) < _MOST_COLUMNS and left > 0 else 1
                spans.update(dict.fromkeys(range(len(cells), len(cells) + columns), rows - 1))
                cells += ["" if self._is_hidden(cell) else self._captured(cell, depth), *[""] * (columns - 1)]
                _skip_spans(cells, spans)
            left -= len(cells)
            if left < 0:
                spans.clear()
            yield cells

    def _captured(self, cell: etree._Element, depth: int) -> str:
        def read() -> None:
            self._children(cell, depth + 3)
            self._end_line()

        return self._flow.captured(read)

    def _end_line(self) -> None:
        if self._line:
            line = _WHITE.sub(" ", "".join(self._line)).strip()
            self._chars_left -= len(line)
            self._flow.line(line)
            self._line.clear()

    def _is_hidden(self, element: etree._Element) -> bool:
        attributes = element.attrib
        if not attributes:
            return False
        if "hidden" in attributes or _HIDING.search(attributes.get("style", "")):
            return True
        if not self._hidden:
            return False
        names = [f".{name}" for name in attributes.get("class", "").split()]
        return not self._hidden.isdisjoint([*names, f"#{attributes.get('id', '')}"])


def _hidden_names(root: etree._Element) -> set[str]:
    """Classes and identifiers that a style sheet hides, on paper and screen alike."""
    found: set[str] = set()
    for style in root.iter("style"):
        css = style.text or ""
        if "@media" not in css:
            for each in css.split("}"):
                selectors, _, rules = each.partition("{")
                if _HIDING.search(rules):
                    found.update(name for simple in selectors.split(",") if _SIMPLE.fullmatch(name := simple.strip()))
    return found


def _is_data(table: etree._Element) -> bool:
    """Whether it holds data: tables that only lay out the page hold tables, blocks of text, or one row or column."""
    if table.get("role") in {"presentation", "none"} or any(True for _ in table.iterdescendants("table", "form")):
        return False
    rows = [list(row.iterchildren("td", "th")) for row in _table_rows(table)]
    if len(rows) < 2 or max(map(len, rows)) < 2:
        return False
    return all(len("".join(cell.itertext())) <= _LONGEST_DATA_CELL for row in rows for cell in row)


def _table_rows(table: etree._Element) -> Iterator[etree._Element]:
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in {"thead", "tbody", "tfoot"}:
            yield from child.iterchildren("tr")


def _skip_spans(cells: list[str], spans: dict[int, int]) -> None:
    """Empty cells where one from a row above reaches down."""
    while spans.get(len(cells), 0) > 0:
        spans[len(cells)] -= 1
        cells.append("")


def _span(cell: etree._Element, name: str, most: int) -> int:
    value = (cell.get(name) or "").strip()
    return min(max(int(value), 1), most) if value.isascii() and value.isdecimal() and len(value) < 10 else 1


def _shown(element: etree._Element) -> str:
    """What a picture stands for, or a field of a form holds."""
    if element.tag == "select":
        return _selected(element)
    if element.tag == "img":
        return element.get("alt") or ""
    kind = (element.get("type") or "text").lower()
    if kind in {"checkbox", "radio"}:
        return "[x]" if "checked" in element.attrib else "[ ]"
    return "" if kind in _UNTYPED else element.get("value") or ""


def _selected(element: etree._Element) -> str:
    """The options chosen, else the first, which is shown."""
    options = list(element.iter("option"))
    chosen = [option for option in options if "selected" in option.attrib] or options[:1]
    return ", ".join(" ".join("".join(option.itertext()).split()) for option in chosen)


def _target(address: str, text: str) -> str:
    """Where a link leads, when its text does not say."""
    address = address.strip()
    lower = address.lower()
    if lower.startswith(_ADDRESSES):
        plain = address.partition(":")[2].partition("?")[0]
        return "" if plain.lower() in text.lower() or not plain else plain
    is_said = sum(map(str.isalpha, text)) >= _FEWEST_LETTERS
    return "" if is_said or not lower.startswith(_SAYING) or not text else address
