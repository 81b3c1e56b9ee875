"""A clean text as lines of cells, each with its place in the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

_CELL = re.compile(r"\S+(?: \S+)*")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the clean text; `start` is where it begins there, in code points."""

    text: str
    start: int

    def words(self) -> Iterator["Piece"]:
        """What white space separates."""
        for match in _WORD.finditer(self.text):
            yield Piece(match[0], self.start + match.start())


Cells = tuple[Piece, ...]


def lines_of(text: str) -> tuple[Cells, ...]:
    """The cells of every line, which two spaces or more separate; none of an empty line."""
    found: list[Cells] = []
    start = 0
    for line in text.split("\n"):
        found.append(tuple(Piece(match[0], start + match.start()) for match in _CELL.finditer(line)))
        start += len(line) + 1
    return tuple(found)


def blocks_of(lines: tuple[Cells, ...]) -> Iterator[tuple[Cells, ...]]:
    """Neighbouring lines of as many cells together: more than one of two cells or more make a table."""
    for _, block in groupby(lines, key=len):
        yield tuple(block)


def is_table(block: tuple[Cells, ...]) -> bool:
    """Whether lines of one block are rows."""
    return len(block) > 1 and len(block[0]) > 1
