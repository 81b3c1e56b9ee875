"""What a document without drawn pages says, gathered page by page as it is come upon."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from heron_grpc.domain.document import Page, Table
from heron_grpc.domain.steps import Step
from heron_grpc.reading.page_selection import select_pages
from heron_grpc.reading.reader import ReadOptions

Rows = Sequence[Sequence[str]]

# Tables in tables are kept on their own down to here: each level holds the text of all below it once more.
_DEEPEST_TABLE = 4


@dataclass(slots=True)
class _Leaf:
    """A page in the making."""

    head: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)
    tables: list[Rows] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join((*self.head, *self.lines, *self.notes, *self.foot))


class PageFlow:
    """Pages of head, lines and tables in order, notes, foot. Blank lines are left out, blank pages unless asked for."""

    def __init__(self) -> None:
        self._leaves = [_Leaf()]
        self._cells: list[list[str]] = []
        self._is_break_due = False

    @property
    def count(self) -> int:
        """Pages so far."""
        return len(self._leaves)

    def line(self, text: str) -> None:
        """Text of a paragraph, to the page or to what is being captured."""
        if text and not text.isspace():
            (self._cells[-1] if self._cells else self._leaves[-1].lines).append(text)

    def table(self, rows: Rows) -> None:
        """A table, and its text as lines of tab-separated cells."""
        if not any(map(any, rows)):
            return
        if len(self._cells) < _DEEPEST_TABLE:
            self._leaves[-1].tables.append(rows)
        for row in rows:
            self.line("\t".join(cell.replace("\n", " ") for cell in row).rstrip("\t"))

    def captured(self, read: Callable[[], object]) -> str:
        """The text of the lines that `read` comes upon, instead of adding them to the page."""
        self.begin_capture()
        read()
        return self.end_capture()

    def begin_capture(self) -> None:
        """From here on lines are kept off the page."""
        self._cells.append([])

    def end_capture(self) -> str:
        """The text of the lines since the last begin that has not ended."""
        return "\n".join(self._cells.pop()).strip()

    def head(self, text: str) -> None:
        """What stands above the page's text."""
        self._leaves[-1].head.append(text)

    def note(self, text: str) -> None:
        """What stands below the page's text: a footnote, a comment."""
        if text:
            self._leaves[-1].notes.append(text)

    def foot(self, text: str) -> None:
        """What stands at the very end of the page."""
        self._leaves[-1].foot.append(text)

    def new_page(self, *, even_if_blank: bool = False) -> None:
        """Ends the page, unless nothing stands on it; what is being captured, a table say, is finished on it."""
        if self._cells:
            self._is_break_due = True
        elif even_if_blank or self._leaves[-1].lines:
            self._leaves.append(_Leaf())

    def break_if_due(self) -> None:
        """Ends the page when that was asked for within what was captured."""
        if self._is_break_due and not self._cells:
            self._is_break_due = False
            self.new_page()

    def steps(self, options: ReadOptions) -> Iterator[Step]:
        """The pages that are wanted, each before its tables."""
        numbers, warnings = select_pages(self.count, options)
        yield from warnings
        for number in numbers:
            leaf = self._leaves[number - 1]
            yield Page(number, leaf.text())
            yield from (Table(number, tuple(map(tuple, rows))) for rows in leaf.tables)
