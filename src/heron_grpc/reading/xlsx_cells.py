"""What a workbook's archive tells about its cells before they are read: how far they reach, formats, errors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from heron_grpc.domain.errors import ReadingLimitExceeded
from heron_grpc.reading.number_format import BUILT_IN, number_format
from heron_grpc.reading.office_package import OfficePackage
from heron_grpc.settings import MIB

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# A cell's tag, of any prefix, and its place; formulas before the value are passed over. What is bounded here would
# take quadratic time.
_CELL_TAG, _PLACE = rb"<(?:\w+:)?c\s", rb"[^<>]{0,300}?\br=[\"']([A-Za-z]{1,3})(\d{1,7})"
_VALUE = rb"[^<>]{0,300}>\s*(?:<(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</[^<>]*>)\s*)?<(?:\w+:)?v>\s*"
# Cells that hold something: neither closed at once nor followed by their end.
_CELL = re.compile(_CELL_TAG + _PLACE + rb"[\"'](?:[^<>]{0,300}[^<>/])?>(?!\s*</)")
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]{0,300}?\br=[\"'](\d{1,10})")
_ERROR = re.compile(_CELL_TAG + rb"(?=[^<>]{0,300}\bt=[\"']e[\"'])" + _PLACE + _VALUE + rb"([^<]{1,20})<")
_SHARED = re.compile(_CELL_TAG + rb"(?=[^<>]{0,300}\bt=[\"']s[\"'])" + _VALUE + rb"(\d{1,9})")
_STRING_END = re.compile(rb"</(?:\w+:)?si\s*>|<(?:\w+:)?si\s*/>")
# Code points of all cells that repeat shared strings, beyond which it is an attack: four times the text that is kept
# is 16 million.
_MOST_SHARED_BYTES = 256 * MIB


@dataclass(slots=True)
class SheetOutline:
    """What is known of a sheet beside its values."""

    # Rows and columns from the first cell of the sheet to the last one that holds something.
    rows: int = 0
    columns: int = 0
    # By row and column from 0: number formats that say more than the number, and what calamine leaves out.
    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    # The part of the archive, "" where there is none.
    part: str = ""


def xlsx_outlines(package: OfficePackage) -> list[SheetOutline]:
    """Of every sheet, in the workbook's order. Raises CorruptDocument and ReadingLimitExceeded."""
    main = package.main_part("xl/workbook.xml")
    relations = package.relations(main)
    targets = {relation.kind: relation.target for relation in relations.values()}
    formats = _formats(package, targets.get("styles", "xl/styles.xml"))
    strings = targets.get("sharedStrings", "xl/sharedStrings.xml")
    shared = _SharedStrings(package.content(strings) if strings in package else b"")
    workbook = package.xml(main)
    outlines = []
    for sheet in () if workbook is None else workbook.iter(f"{_MAIN}sheet"):
        ids = [value for name, value in sheet.attrib.items() if name.endswith("}id")]
        relation = relations.get(ids[0]) if ids else None
        part = relation.target if relation and relation.target in package else ""
        content = package.content(part) if part else b""
        shared.count(content)
        outlines.append(_outline(content, part, formats))
    return outlines


def _outline(content: bytes, part: str, formats: Mapping[int, str]) -> SheetOutline:
    outline = SheetOutline(part=part)
    cells = _CELL.findall(content)
    rows = [*{int(row) for _, row in cells}, *map(int, _ROW.findall(content))]
    outline.rows = max(rows, default=0)
    outline.columns = max(map(_column, {column for column, _ in cells}), default=-1) + 1
    for row, column, code in _styled(content, formats):
        outline.formats[row, column] = code
    if b't="e"' in content or b"t='e'" in content:
        outline.texts = {
            (int(row) - 1, _column(column)): text.decode("ascii", "replace").strip()
            for column, row, text in _ERROR.findall(content)
        }
    return outline


def _styled(content: bytes, formats: Mapping[int, str]) -> Iterator[tuple[int, int, str]]:
    """Cells in one of these styles."""
    if not formats:
        return
    styles = b"|".join(b"%d" % style for style in formats)
    cell = _CELL_TAG + rb"(?=[^<>]{0,300}\bs=[\"'](" + styles + rb")[\"'])" + _PLACE
    for style, column, row in re.findall(cell, content):
        yield int(row) - 1, _column(column), formats[int(style)]


def _formats(package: OfficePackage, part: str) -> dict[int, str]:
    """Format codes that are understood, by the number cells call their style."""
    root = package.xml(part)
    if root is None:
        return {}
    codes = dict(BUILT_IN)
    for each in root.iter(f"{_MAIN}numFmt"):
        codes[_number(each.get("numFmtId"))] = each.get("formatCode", "")
    styles = [_number(each.get("numFmtId")) for each in root.iterfind(f"{_MAIN}cellXfs/{_MAIN}xf")]
    return {at: codes[style] for at, style in enumerate(styles) if number_format(codes.get(style, ""))}


class _SharedStrings:
    """Counts what the cells that share strings come to: calamine copies a string for each of them."""

    def __init__(self, content: bytes) -> None:
        ends = [0, *(match.end() for match in _STRING_END.finditer(content))]
        self._sizes = [end - start for start, end in pairwise(ends)]
        self._longest = max(self._sizes, default=0)
        self._total = 0

    def count(self, sheet: bytes) -> None:
        """Raises ReadingLimitExceeded when it is too much."""
        if self._longest * sheet.count(b"<v>") + self._total < _MOST_SHARED_BYTES:
            return
        for number in map(int, _SHARED.findall(sheet)):
            self._total += self._sizes[number] if number < len(self._sizes) else 0
        if self._total > _MOST_SHARED_BYTES:
            raise ReadingLimitExceeded("the workbook repeats long texts too often", {"limit": "memory"})


def _column(letters: bytes) -> int:
    """0-based: A, ..., Z, AA, ..."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number - 1


def _number(digits: str | None) -> int:
    return int(digits) if digits and digits.isdecimal() and len(digits) < 10 else 0
