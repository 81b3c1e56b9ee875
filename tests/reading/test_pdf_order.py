"""Reading order: the content's, unless it cannot be the one meant."""

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.domain.document import Reading

Read = Callable[..., Reading]
Draw = Callable[[Iterable[tuple[float, float, str]]], Path]
WORDS = "the heron stood in the shallow water and waited for a fish to come near enough to be caught by its long bill"


def prose(count: int, seed: int, width: int = 38) -> list[str]:
    """Lines that fill a column of so many characters."""
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        line = ""
        while len(line) < width - 4:
            line += draw.choice(WORDS.split()) + " "
        lines.append(line.strip()[:width])
    return lines


@pytest.fixture
def written(tmp_path: Path) -> Draw:
    """A page with texts at their places (points from the upper left), in the order given."""

    def write(texts: Iterable[tuple[float, float, str]]) -> Path:
        canvas = Canvas(str(tmp_path / "page.pdf"), pagesize=(595, 842))
        canvas.setFont("Courier", 9)
        for x, y, text in texts:
            canvas.drawString(x, 842 - y, text)
        canvas.save()
        return tmp_path / "page.pdf"

    return write


def column(lines: Sequence[str], x: float, top: float = 120) -> list[tuple[float, float, str]]:
    return [(x, top + 12 * index, line) for index, line in enumerate(lines)]


def across(*columns: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    return [text for row in zip(*columns, strict=True) for text in row]


@pytest.mark.parametrize("with_words", [True, False])
def test_columns_written_across_are_read_down(read: Read, written: Draw, *, with_words: bool) -> None:
    left, right = prose(30, 1), prose(30, 2)
    head, foot = "A title that runs across both of the columns of the page", "A foot that runs across both of them too"
    texts = [(100.0, 80.0, head), *across(column(left, 60), column(right, 310)), (100.0, 600.0, foot)]
    page = read(written(texts), with_words=with_words).pages[0]
    assert page.text.split("\n") == [head, *left, *right, foot]
    if with_words:
        first = next(word for word in page.words if word.start == page.text.index(right[0]))
        assert first.box.x_min == pytest.approx(310 / 595, abs=0.01)
        assert [page.text[word.start : word.end] for word in page.words] == page.text.split()


def test_three_columns_written_across_are_read_down(read: Read, written: Draw) -> None:
    columns = [prose(30, seed, 26) for seed in (1, 2, 3)]
    texts = across(*(column(lines, x) for lines, x in zip(columns, (50, 220, 390), strict=True)))
    assert read(written(texts)).text.split("\n") == [line for lines in columns for line in lines]


def test_lines_in_disorder_are_put_in_order(read: Read, written: Draw) -> None:
    lines = prose(40, 3, 70)
    texts = column(lines, 60)
    random.Random(4).shuffle(texts)
    assert read(written(texts)).text.split("\n") == lines


def test_lines_from_the_bottom_to_the_top_are_turned_round(read: Read, written: Draw) -> None:
    lines = prose(20, 5, 70)
    assert read(written(reversed(column(lines, 60)))).text.split("\n") == lines


def test_columns_one_after_the_other_stay_so(read: Read, written: Draw) -> None:
    columns = [prose(25, seed, 26) for seed in (6, 7, 8)]
    texts = [text for lines, x in zip(columns, (50, 220, 390), strict=True) for text in column(lines, x)]
    assert read(written(texts)).text.split("\n") == [line for lines in columns for line in lines]


def test_rows_of_a_table_stay_rows(read: Read, written: Draw) -> None:
    draw = random.Random(9)
    rows = [[f"Part {index} of a boat", f"{draw.randint(1, 99)}", f"{draw.random() * 900:.2f}"] for index in range(30)]
    texts = across(*(column([row[at] for row in rows], x) for at, x in enumerate((60, 300, 450))))
    assert read(written(texts)).text.split() == " ".join(cell for row in rows for cell in row).split()


def test_blocks_side_by_side_stay_whole(read: Read, written: Draw) -> None:
    def block(name: str, x: float, top: float) -> list[tuple[float, float, str]]:
        return column([f"{name} line one", f"{name} line two", f"{name} line three"], x, top)

    texts = [text for top in (100, 200, 300, 400) for x in (60, 320) for text in block(f"Block {top} {x}", x, top)]
    assert read(written(texts)).text.split("\n") == [text for _, _, text in texts]
