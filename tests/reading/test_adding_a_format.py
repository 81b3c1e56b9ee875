"""The recipe for a new format works as it is written."""

import re
import textwrap
from pathlib import Path

import pytest

from heron_grpc.domain.document import Part
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import gather
from heron_grpc.reading.read_document import read_document
from heron_grpc.reading.reader import Reader, ReadOptions
from heron_grpc.settings import ReadingSettings

RECIPE = Path(__file__).parents[2] / "docs" / "adding-a-format.md"
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", RECIPE.read_text("utf-8"), re.DOTALL)]


def reader() -> Reader:
    reading, registering = BLOCKS
    names: dict[str, object] = {"Reader": Reader, "types": type("types", (), {"NOTE": "text/x-note"})}
    exec(reading, names)
    return eval(registering.strip().rstrip(","), names)


def options(ranges: tuple[tuple[int, int], ...] = ()) -> ReadOptions:
    return ReadOptions("text/x-note", ReadingSettings(), read_document, page_ranges=ranges)  # type: ignore[arg-type]


def test_the_reader_of_the_recipe_reads(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("A title\n--\nfirst\n--\nsecond", encoding="utf-8")
    steps = [Part(0, "text/x-note"), *reader().read(str(tmp_path / "note"), options(((2, 2),)))]
    reading = gather(steps)
    assert reading.metadata == {"title": "A title"}
    assert [(page.number, page.text) for page in reading.pages] == [(2, "second")]


def test_the_reader_of_the_recipe_refuses(tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(b"\xff")
    with pytest.raises(CorruptDocument):
        list(reader().read(str(tmp_path / "note"), options()))
