"""Workbooks (xlsx, xlsb, xls): a page and a table for each sheet, cells as they are shown."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.biff_cells import xls_metadata, xls_outlines, xls_stream, xlsb_outlines
from heron_grpc.reading.compound_file import compound_file
from heron_grpc.reading.inside import package_parts, read_inside
from heron_grpc.reading.number_format import Value, shown
from heron_grpc.reading.office_package import OfficePackage, check_package, open_package
from heron_grpc.reading.office_properties import office_metadata
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.sheet_drawings import add_drawings, files_on_sheet
from heron_grpc.reading.xlsx_cells import SheetOutline, xlsx_outlines

# calamine holds every cell between the first and the last, empty or not, in some 32 bytes.
_MOST_AREA = 20_000_000
_WITH_CELLS = (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet)


def read_archive_sheets(path: str, options: ReadOptions) -> Iterator[Step]:
    """For xlsx and xlsb. Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded."""
    check_package(path, options.settings)
    with open_package(path, options.settings) as package:
        is_binary = options.media_type == types.XLSB
        outlines = xlsb_outlines(package) if is_binary else xlsx_outlines(package)
        yield Metadata(office_metadata(package))
        flow = PageFlow()
        yield from _steps(path, outlines, flow, options, package)
        yield from package.damage()
        inside = (name for outline in outlines if outline.part for name in files_on_sheet(package, outline.part))
        yield from read_inside(package_parts(package, inside), flow.count, options)


def read_xls(path: str, options: ReadOptions) -> Iterator[Step]:
    """Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded."""
    name, content = xls_stream(path)
    outlines = xls_outlines(content)
    # calamine reads all sheets of this format at once.
    if sum(outline.rows * outline.columns for outline in outlines) > _MOST_AREA:
        raise ReadingLimitExceeded("the cells of the workbook lie too far apart", {"limit": "memory"})
    yield Metadata(xls_metadata(path))
    try:
        file = compound_file(name, content)
    except ValueError as error:
        raise ReadingLimitExceeded("the workbook is too large", {"limit": "memory"}) from error
    yield from _steps(BytesIO(file), outlines, PageFlow(), options)


def _steps(
    file: str | BytesIO,
    outlines: Sequence[SheetOutline],
    flow: PageFlow,
    options: ReadOptions,
    package: OfficePackage | None = None,
) -> Iterator[Step]:
    """The sheets, in order, hidden ones too: those are told in the metadata."""
    warnings: list[DocumentWarning] = []
    with _translated():
        workbook = CalamineWorkbook.from_object(file)
    sheets = workbook.sheets_metadata
    hidden = [sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible]
    yield Metadata({"hidden_sheets": ", ".join(hidden)} if hidden else {})
    budget = _Budget(options.settings.max_text_chars)
    for at, sheet in enumerate(sheets):
        if at:
            flow.new_page(even_if_blank=True)
        flow.line(sheet.name)
        outline = outlines[at] if at < len(outlines) else SheetOutline()
        if budget.is_left and sheet.typ in _WITH_CELLS:
            try:
                flow.table(_rows(workbook, at, outline, budget))
            except CorruptDocument as error:
                warnings.append(DocumentWarning("SHEET_UNREADABLE", error.message, STAGE, at + 1))
        if package and outline.part:
            add_drawings(package, outline.part, flow)
    yield from flow.steps(options)
    yield from warnings


class _Budget:
    """Code points that may still be read: what is beyond would be cut anyway."""

    def __init__(self, chars: int) -> None:
        self._left = chars

    @property
    def is_left(self) -> bool:
        return self._left >= 0

    def spend(self, row: Iterable[str]) -> None:
        self._left -= sum(map(len, row)) + 1


def _rows(workbook: CalamineWorkbook, at: int, outline: SheetOutline, budget: _Budget) -> list[tuple[str, ...]]:
    """Rows that hold something, without the columns that hold nothing. Raises CorruptDocument."""
    if outline.rows * outline.columns > _MOST_AREA:
        raise CorruptDocument("the sheet was not read: its cells lie too far apart")
    rows = []
    with _translated():
        sheet = workbook.get_sheet_by_index(at)
        for number, values in enumerate(_values(sheet, outline)):
            if cells := _shown(values, number, outline):
                rows.append(cells)
                budget.spend(cells)
                if not budget.is_left:
                    break
    width = max(map(len, rows), default=0)
    used = [column for column in range(width) if any(column < len(row) and row[column] for row in rows)]
    if len(used) == width:
        return [tuple(row) for row in rows]
    return [tuple(row[column] for column in used if column < len(row)) for row in rows]


def _values(sheet: CalamineSheet, outline: SheetOutline) -> Iterator[Sequence[Value]]:
    """Rows from the sheet's first to its last; rows that hold nothing but texts calamine leaves out follow."""
    count = 0
    for count, row in enumerate(sheet.iter_rows(), 1):  # noqa: B007  counts on after the loop
        yield row
    yield from ([] for _ in range(count, max((row for row, _ in outline.texts), default=-1) + 1))


def _shown(values: Sequence[Value], number: int, outline: SheetOutline) -> list[str]:
    """The row's cells as text up to the last that holds something."""
    formats, texts = outline.formats, outline.texts
    cells = [
        "" if value == "" else shown(value, formats.get((number, column), "")).strip()
        for column, value in enumerate(values)
    ]
    for (row, column), text in texts.items() if texts else ():
        if row == number:
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = cells[column] or text
    while cells and not cells[-1]:
        cells.pop()
    return cells


@contextmanager
def _translated() -> Iterator[None]:
    """Errors and panics of calamine as ours."""
    try:
        yield
    except PasswordError as error:
        raise EncryptedDocument("the document is protected by a password") from error
    except (CalamineError, OSError) as error:
        # Also files that end too early.
        raise CorruptDocument("the sheet or workbook is damaged") from error
    except BaseException as error:  # a panic is no Exception, and of no class that can be imported
        if type(error).__name__ == "PanicException":
            raise CorruptDocument("the sheet or workbook is damaged") from error
        raise
