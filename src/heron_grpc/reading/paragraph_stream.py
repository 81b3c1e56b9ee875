"""Paragraphs, cells and rows of texts that mark only where each ends, as RTF and Word's binary files do."""

import re
from dataclasses import dataclass, field

from heron_grpc.reading.page_flow import PageFlow

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class ParagraphStream:
    """The body, or a header, note or text box: what stands in one never mixes with what stands in another."""

    flow: PageFlow
    # How many tables the paragraph is in.
    table_depth: int = 0
    # Whether a page ends before the paragraph.
    is_break_due: bool = False
    # Text boxes anchored in the paragraph.
    boxes: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    # Of the table being written: rows, cells of the row, paragraphs of the cell; and of a table in it.
    _rows: list[list[str]] = field(default_factory=list)
    _row: list[str] = field(default_factory=list)
    _cell: list[str] = field(default_factory=list)
    _inner_row: list[str] = field(default_factory=list)
    _inner_cell: list[str] = field(default_factory=list)

    @property
    def has_cells(self) -> bool:
        """Whether the row being written has any."""
        return bool(self._row)

    def add(self, text: str) -> None:
        """A piece of the paragraph."""
        self._pieces.append(text)

    def end_paragraph(self) -> None:
        """The paragraph stands in a cell, or below the table that stood before it."""
        if self.table_depth:
            (self._inner_cell if self.table_depth > 1 else self._cell).extend(self._lines())
            return
        lines = self._lines()
        if not any(map(str.strip, lines)):
            return
        self._end_table()
        if self.is_break_due:
            self.is_break_due = False
            self.flow.new_page()
        for line in lines:
            self.flow.line(line)

    def end_page(self) -> None:
        """What has been written stands on the page that ends here; a table is finished on it."""
        if self.table_depth:
            self.is_break_due = True
            return
        self.end_paragraph()
        self._end_table()
        self.flow.new_page()

    def end_cell(self) -> None:
        """The paragraph is the cell's last."""
        self._cell.extend(self._lines())
        self._row.append("\n".join(self._cell).strip())
        self._cell.clear()

    def end_row(self) -> None:
        """What stands after the last cell belongs to no row."""
        self._rows.append(self._row)
        self._row = []

    def end_inner_cell(self) -> None:
        """Of a table in a cell."""
        self._inner_cell.extend(self._lines())
        self._inner_row.append(" ".join(self._inner_cell).strip())
        self._inner_cell.clear()

    def end_inner_row(self) -> None:
        """A row of a table in a cell is a line of the cell."""
        self._cell.append("\t".join(self._inner_row))
        self._inner_row.clear()

    def end(self) -> None:
        """Nothing follows; a row or cell cut short counts."""
        if self._cell or self._inner_cell or self._inner_row or (self.table_depth and self._pieces):
            self._cell.extend((*self._inner_row, *self._inner_cell))
            self.end_cell()
        if self._row:
            self.end_row()
        self.table_depth = 0
        self.end_paragraph()
        self._end_table()

    def _lines(self) -> list[str]:
        """The paragraph and its text boxes, which begin anew."""
        text = "".join(self._pieces)
        if _SURROGATE.search(text):
            # Characters beyond the first 65,536 are written as two.
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        lines = [text.strip(" "), *self.boxes] if text or self.boxes else []
        self._pieces.clear()
        self.boxes.clear()
        return lines

    def _end_table(self) -> None:
        if self._rows:
            self.flow.table(self._rows)
            self._rows = []
            self.flow.break_if_due()
