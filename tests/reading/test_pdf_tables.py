"""Tables of PDF pages: from lines that are drawn, in whatever way."""

from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.domain.document import Reading

Read = Callable[..., Reading]
ROWS = (("Item", "Pieces", "Price"), ("Carbon rod", "12", "99.00"), ("Braided line", "40", "7.50"))
LEFTS, TOPS = (72, 250, 350, 450), (700, 670, 640, 610)


def as_lines(canvas: Canvas) -> None:
    canvas.grid(LEFTS, TOPS)


def as_rectangles(canvas: Canvas) -> None:
    for left, right in pairwise(LEFTS):
        for top, bottom in pairwise(TOPS):
            canvas.rect(left, bottom, right - left, top - bottom)


def as_thin_bars(canvas: Canvas) -> None:
    for left in LEFTS:
        canvas.rect(left, TOPS[-1], 0.5, TOPS[0] - TOPS[-1], stroke=0, fill=1)
    for top in TOPS:
        canvas.rect(LEFTS[0], top, LEFTS[-1] - LEFTS[0], 0.5, stroke=0, fill=1)


def in_a_form(canvas: Canvas) -> None:
    canvas.beginForm("grid")
    canvas.translate(0, -20)
    as_lines(canvas)
    canvas.endForm()
    canvas.saveState()
    canvas.translate(0, 20)
    canvas.doForm("grid")
    canvas.restoreState()


@pytest.fixture
def table_pdf(tmp_path: Path) -> Callable[..., Path]:
    def write(draw: Callable[[Canvas], None]) -> Path:
        canvas = Canvas(str(tmp_path / "table.pdf"), pagesize=(595, 842))
        canvas.drawString(72, 760, "What was delivered")
        for row, top in zip(ROWS, TOPS, strict=False):
            for cell, left in zip(row, LEFTS, strict=False):
                canvas.drawString(left + 5, top - 20, cell)
        draw(canvas)
        canvas.save()
        return tmp_path / "table.pdf"

    return write


@pytest.mark.parametrize("draw", [as_lines, as_rectangles, as_thin_bars, in_a_form])
def test_a_table_is_read_however_it_is_drawn(
    read: Read, table_pdf: Callable[..., Path], draw: Callable[[Canvas], None]
) -> None:
    reading = read(table_pdf(draw))
    assert [(table.page, table.rows) for table in reading.tables] == [(1, ROWS)]
    assert "Carbon rod 12 99.00" in reading.text


def test_a_table_on_a_turned_page_is_read(read: Read, table_pdf: Callable[..., Path]) -> None:
    path = table_pdf(as_lines)
    with closing(pdfium.PdfDocument(path)) as document:
        document[0].set_rotation(90)
        document.save(path.with_name("turned.pdf"))
    (table,) = read(path.with_name("turned.pdf")).tables
    assert sorted(cell for row in table.rows for cell in row) == sorted(cell for row in ROWS for cell in row)


def test_a_cell_over_two_columns_leaves_the_second_empty(read: Read, table_pdf: Callable[..., Path]) -> None:
    def spanning(canvas: Canvas) -> None:
        for top in TOPS:
            canvas.line(LEFTS[0], top, LEFTS[-1], top)
        for left in LEFTS:
            canvas.line(left, TOPS[-1], left, TOPS[0] if left != LEFTS[1] else TOPS[1])

    (table,) = read(table_pdf(spanning)).tables
    assert table.rows == (("Item Pieces", "", "Price"), *ROWS[1:])


@pytest.mark.parametrize(
    "draw",
    [
        lambda canvas: canvas.rect(60, 600, 400, 150),
        lambda canvas: [canvas.line(72, y, 500, y) for y in range(600, 720, 20)],
        lambda canvas: canvas.grid([60 + 5 * at for at in range(90)], [60 + 5 * at for at in range(140)]),
        lambda canvas: None,
    ],
)
def test_frames_rules_and_drawings_are_no_tables(
    read: Read, table_pdf: Callable[..., Path], draw: Callable[[Canvas], None]
) -> None:
    assert not read(table_pdf(draw)).tables


def test_tables_that_are_not_wanted_are_not_looked_for(read: Read, table_pdf: Callable[..., Path]) -> None:
    path = table_pdf(as_lines)
    assert not read(path, with_tables=False).tables
    assert read(path, max_word_pages=0).tables
    assert not read(path, max_word_pages=0).pages[0].words
