"""Markdown: the text as it stands, tables (GitHub Flavored Markdown 4.10) and front matter taken from it."""

import re
from collections.abc import Iterator

from heron_grpc.domain.document import Page, Table
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.text import read_text

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_ENTRY = re.compile(r"^([A-Za-z][\w -]{0,50}):[ \t]+(\S.*)$", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_BAR = re.compile(r"(?<!\\)\|")


def read_markdown(path: str, options: ReadOptions) -> Iterator[Step]:
    """Pages as of plain text. Raises CorruptDocument when the bytes turn out not to be text."""
    for step in read_text(path, options):
        if isinstance(step, Page):
            if step.number == 1 and (matter := _FRONT_MATTER.match(step.text)):
                yield Metadata({key.lower(): value.strip(" \"'") for key, value in _ENTRY.findall(matter.group(1))})
            yield step
            yield from (Table(step.number, rows) for rows in _tables(step.text))
        else:
            yield step


def _tables(text: str) -> Iterator[tuple[tuple[str, ...], ...]]:
    """A line with bars, a rule of as many columns, then lines up to one without bars; not in fenced code."""
    rows: list[tuple[str, ...]] = []
    fence = before = ""
    for line in (*text.split("\n"), ""):
        if match := _FENCE.match(line):
            mark = match.group(1)
            fence = mark if not fence else "" if mark.startswith(fence) else fence
        if rows and "|" in line and not fence:
            rows.append(_cells(line))
        elif rows:
            yield tuple(rows)
            rows = []
        elif not fence and "|" in before and _is_rule(line, before):
            rows = [_cells(before)]
        before = line


def _is_rule(line: str, header: str) -> bool:
    return "-" in line and bool(_RULE.fullmatch(line.strip())) and len(_cells(line)) == len(_cells(header))


def _cells(line: str) -> tuple[str, ...]:
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return tuple(cell.strip().replace("\\|", "|") for cell in _BAR.split(line))
