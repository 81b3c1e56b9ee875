"""What a sample document is made of, whatever format it is drawn in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Title:
    """The document's name, large."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Opens a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that stay as they are: addresses, fields, sums."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text, wrapped."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the first row is its head."""

    rows: tuple[tuple[str, ...], ...]


Block = Title | Heading | Lines | Paragraph | Grid
Blocks = tuple[Block, ...]


def lines(text: str) -> Lines:
    """The lines of an indented literal."""
    return Lines(tuple(line.strip() for line in text.strip().splitlines()))


def grid(text: str) -> Grid:
    """A table from lines with cells between bars."""
    return Grid(tuple(tuple(cell.strip() for cell in line.split("|")) for line in text.strip().splitlines()))
