"""Tables as text: CSV and its relatives (RFC 4180, any delimiter, quote and escape)."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from heron_grpc.domain.document import DocumentWarning, Page, Table
from heron_grpc.domain.steps import Step
from heron_grpc.reading.page_selection import STAGE, select_pages
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.soundness import LONGEST_CELL, MOST_CELLS
from heron_grpc.reading.text import encoding_warnings, load_text

_DELIMITERS = ",;\t|"
# Lines that settle the dialect: past the lines banks write above their tables.
_SAMPLE_LINES = 200
# Excel's own way to name the delimiter.
_NAMED = re.compile(r'"?sep=(.)"?\n')
# What a cell holds when the delimiter is the right one: nothing, a figure in any country's way, a date, a time.
_FIGURE = re.compile(
    r"\s*|[\d./:T+Z -]+|\s*[-+(]?[^\w\s]{0,3}\s?\d[\d.,' \u00a0\u202f]*\s?(?:[%)]|[^\W\d_]{1,3}|[^\w\s])?\s*"
)
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    quote: str = '"'
    is_escaped: bool = False

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Raises csv.Error."""
        escape = "\\" if self.is_escaped else None
        return csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, escapechar=escape, doublequote=not self.is_escaped
        )


def read_csv(path: str, options: ReadOptions) -> Iterator[Step]:
    """The text as it stands, and its cells as a table. Raises CorruptDocument when the bytes are no text."""
    decoded = load_text(path, options)
    numbers, warnings = select_pages(1, options)
    warnings.extend(encoding_warnings(decoded))
    # Form feeds would look like page breaks.
    text = decoded.text.replace("\f", " ")
    rows, is_complete = _table(text)
    if not is_complete:
        warnings.append(DocumentWarning("TABLE_INCOMPLETE", f"only the first {len(rows)} rows became a table", STAGE))
    yield from warnings
    if numbers:
        yield Page(1, text)
        if rows:
            yield Table(1, rows)


def _table(text: str) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Rows of the table from its header on, and whether these are all."""
    # Longer fields are refused: a quote that is never closed would swallow the rest of the file.
    csv.field_size_limit(LONGEST_CELL)
    named = _NAMED.match(text)
    lines = text[named.end() if named else 0 :].splitlines(keepends=True)
    dialect = _dialect(lines[:_SAMPLE_LINES], named.group(1) if named else "")
    rows: list[tuple[str, ...]] = []
    cells = 0
    is_complete = True
    try:
        for row in dialect.rows(lines):
            cells += len(row)
            if cells > MOST_CELLS:
                is_complete = False
                break
            if any(map(str.strip, row)):
                rows.append(tuple(row))
    except csv.Error:
        is_complete = False
    return tuple(rows[_first(rows) :]), is_complete


def _dialect(lines: list[str], named: str) -> _Dialect:
    """The dialect that makes the most regular rows of the most plausible cells."""
    sample = "".join(lines)
    quote = "'" if len(_SINGLE_QUOTED.findall(sample)) > sample.count('"') else '"'
    is_escaped = f"\\{quote}" in sample and sample.replace(f"\\{quote}", "").count(quote * 2) == 0
    if named:
        return _Dialect(named, quote, is_escaped)
    dialects = [_Dialect(delimiter, quote, is_escaped) for delimiter in _DELIMITERS]
    return max(dialects, key=lambda dialect: _plausibility(dialect, lines))


def _plausibility(dialect: _Dialect, lines: list[str]) -> float:
    """0 for one column; else the share of rows as wide as most, times the share of cells that look like one."""
    try:
        rows = [row for row in islice(dialect.rows(lines), _SAMPLE_LINES) if row]
    except csv.Error:
        return 0.0
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0
    usual, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    cells = [cell for row in rows if len(row) == usual for cell in row]
    others = _DELIMITERS.replace(dialect.delimiter, "").replace(",", "")
    plausible = sum(
        1.0 if _FIGURE.fullmatch(cell) else 0.8 * (not any(map(cell.__contains__, others)) and not cell.startswith(" "))
        for cell in cells
    )
    return count / len(rows) * plausible / len(cells) * (1 - 1 / (usual + 1))


def _first(rows: list[tuple[str, ...]]) -> int:
    """Where the table begins: at the first row about as wide as those that hold most cells together."""
    widths = list(map(_width, rows))
    usual = max(((width * count, width) for width, count in Counter(widths).items()), default=(0, 0))[1]
    return next((at for at, width in enumerate(widths) if 3 * width >= 2 * usual), 0)


def _width(row: tuple[str, ...]) -> int:
    """Cells up to the last that holds something."""
    return next((at for at in range(len(row), 0, -1) if row[at - 1].strip()), 0)
