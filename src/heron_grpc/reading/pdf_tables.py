"""Tables of a PDF page, drawn with lines: pdfplumber makes cells of the lines, PDFium's words fill them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import itemgetter

from heron_grpc.domain.document import Box, Page, Table

# Points. pdfplumber's own: lines closer than this are one, ends closer than this meet.
_TOLERANCE = 3.0
# Places where lines of a page may cross: more are a drawing, and take seconds.
_MOST_CROSSINGS = 5_000
_FEWEST_LINES = 2
_FEWEST_FILLED = 3
_Cell = tuple[float, float, float, float]


def preload() -> None:
    """Loads what finding tables needs, where children are forked from."""
    import pdfplumber.table  # noqa: F401, PLC0415  takes half a second


def has_grid(lines: Sequence[Box]) -> bool:
    """Whether there are lines enough for a table of two columns."""
    across = sum(line.x_max - line.x_min > line.y_max - line.y_min for line in lines)
    return across >= _FEWEST_LINES and len(lines) - across > _FEWEST_LINES


def find_tables(page: Page, lines: Sequence[Box]) -> Iterator[Table]:
    """Tables of at least two rows and columns, in the order of the page, from lines along its sides."""
    for cells in _grids(page, lines):
        rows = _filled(page, _rows(cells))
        filled = sum(bool(cell) for row in rows for cell in row)
        if len(rows) > 1 and len(rows[0]) > 1 and filled >= _FEWEST_FILLED:
            yield Table(page.number, rows)


def _grids(page: Page, lines: Sequence[Box]) -> list[list[_Cell]]:
    """The cells of each table."""
    from pdfplumber import table  # noqa: PLC0415  few documents need it

    edges = [_edge(line, page) for line in lines]
    edges = table.merge_edges(edges, _TOLERANCE, _TOLERANCE, _TOLERANCE, _TOLERANCE)
    upright = sum(edge["orientation"] == "v" for edge in edges)
    if upright * (len(edges) - upright) > _MOST_CROSSINGS:
        return []
    crossings = table.edges_to_intersections(edges, _TOLERANCE, _TOLERANCE)
    return table.cells_to_tables(table.intersections_to_cells(crossings))


def _edge(line: Box, page: Page) -> dict[str, float | str]:
    """As pdfplumber describes a line, in points."""
    left, right = line.x_min * page.width, line.x_max * page.width
    top, bottom = line.y_min * page.height, line.y_max * page.height
    way = "h" if right - left > bottom - top else "v"
    sizes = {"width": right - left, "height": bottom - top}
    return {"x0": left, "x1": right, "top": top, "doctop": top, "bottom": bottom, "orientation": way, **sizes}


def _rows(cells: Sequence[_Cell]) -> list[list[_Cell | None]]:
    """Cells by their upper left corners; None where a cell spans several columns or rows."""
    lefts = sorted({cell[0] for cell in cells})
    corners = {(cell[1], cell[0]): cell for cell in cells}
    return [[corners.get((top, left)) for left in lefts] for top in sorted({cell[1] for cell in cells})]


def _filled(page: Page, rows: Sequence[Sequence[_Cell | None]]) -> tuple[tuple[str, ...], ...]:
    """Each cell's words, those whose middle lies in it, in the order of the page."""
    placed = sorted((*_middle(word.box, page), word.start, word.end) for word in page.words)
    heights = [word[0] for word in placed]

    def text(cell: _Cell | None, near: Sequence[tuple[float, float, int, int]]) -> str:
        left, top, right, bottom = cell or (0.0, 0.0, 0.0, 0.0)
        return " ".join(page.text[start:end] for y, x, start, end in near if left <= x < right and top <= y < bottom)

    table = []
    for row in rows:
        cells = [cell for cell in row if cell]
        top, bottom = bisect_left(heights, cells[0][1]), bisect_left(heights, max(cell[3] for cell in cells))
        near = sorted(placed[top:bottom], key=itemgetter(2))
        table.append(tuple(text(cell, near) for cell in row))
    return tuple(table)


def _middle(box: Box, page: Page) -> tuple[float, float]:
    """In points, down the page first."""
    return (box.y_min + box.y_max) / 2 * page.height, (box.x_min + box.x_max) / 2 * page.width
