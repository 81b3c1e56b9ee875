"""Tables as text: CSV and its relatives (RFC 4180, any delimiter)."""

import csv
from collections.abc import Iterator

from heron_grpc.domain.document import DocumentWarning, Page, Table
from heron_grpc.domain.steps import Step
from heron_grpc.reading.page_selection import STAGE, select_pages
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.soundness import LONGEST_CELL, MOST_CELLS
from heron_grpc.reading.text import encoding_warnings, load_text
from heron_grpc.reading.text_rules import delimiter_of

_SAMPLE_CHARS = 64 * 1024


def read_csv(path: str, options: ReadOptions) -> Iterator[Step]:
    """The text as it stands, and its cells as a table. Raises CorruptDocument when the bytes are no text."""
    decoded = load_text(path, options)
    numbers, warnings = select_pages(1, options)
    warnings.extend(encoding_warnings(decoded))
    # Form feeds would look like page breaks.
    text = decoded.text.replace("\f", " ")
    rows, complete = _rows(text)
    if not complete:
        warnings.append(DocumentWarning("TABLE_INCOMPLETE", f"only the first {len(rows)} rows became a table", STAGE))
    yield from warnings
    if numbers:
        yield Page(1, text)
        if rows:
            yield Table(1, rows)


def _rows(text: str) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Rows of the table, and whether these are all."""
    # Longer fields are refused: a quote that is never closed would swallow the rest of the file.
    csv.field_size_limit(LONGEST_CELL)
    delimiter = delimiter_of(text[:_SAMPLE_CHARS], complete=len(text) <= _SAMPLE_CHARS) or ","
    rows: list[tuple[str, ...]] = []
    cells = 0
    try:
        for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter):
            cells += len(row)
            if cells > MOST_CELLS:
                return tuple(rows), False
            if row:
                rows.append(tuple(row))
    except csv.Error:
        return tuple(rows), False
    return tuple(rows), True
