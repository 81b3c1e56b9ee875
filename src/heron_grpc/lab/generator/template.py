"""Expands a layout's template into text.

[a|b|]      one of the choices, which may nest and be empty
{name}      a fact, the same all over the document; {!name} draws a fresh one; {name:argument} passes an argument
? line      stands in most documents only
@rows line  once for each row of a table, whose cells are facts of that line: @items {desc}  {amount}
*2-5 line   so many times, drawn afresh
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Protocol

from heron_grpc.lab.generator.document import Clean, GeneratedField

_FACT = re.compile(r"\{(!?)([a-z0-9_.]+)(?::([^{}]*))?\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_TABLE = re.compile(r"@([a-z_]+) ")
_REPEAT = re.compile(r"\*(\d+)-(\d+) ")
_OPTIONAL = "? "
# Share of documents an optional line stands in.
_OPTIONAL_SHARE = 0.65


class FactSource(Protocol):
    """Where a template's values come from."""

    def fact(self, name: str, argument: str = "", *, fresh: bool = False) -> str:
        """A value as text. Raises KeyError when there is no such fact."""

    def table(self, name: str) -> Sequence[Mapping[str, str]]:
        """The rows of a table. Raises KeyError when there is no such table."""


def expand(template: str, facts: FactSource, random: Random) -> Clean:
    """One document. Raises KeyError when the template names an unknown fact or table."""
    filled = [each for line in template.splitlines() for each in _line(line, facts, random)]
    fields: list[GeneratedField] = []
    start = 0
    for line in filled:
        fields += [field.moved(start) for field in line.fields]
        start += len(line.text) + 1
    return Clean("\n".join(line.text for line in filled), tuple(fields))


def _line(line: str, facts: FactSource, random: Random) -> Iterator[Clean]:
    if line.startswith(_OPTIONAL):
        if random.random() < _OPTIONAL_SHARE:
            yield from _line(line.removeprefix(_OPTIONAL), facts, random)
    elif table := _TABLE.match(line):
        template = choose(line[table.end() :], random)
        for number, row in enumerate(facts.table(table[1])):
            yield _fill(template, facts, {cell: (f"{table[1]}.{cell}", value) for cell, value in row.items()}, number)
    elif repeat := _REPEAT.match(line):
        for _ in range(random.randint(int(repeat[1]), int(repeat[2]))):
            yield _fill(choose(line[repeat.end() :], random), facts)
    else:
        yield _fill(choose(line, random), facts)


def choose(text: str, random: Random) -> str:
    """The text with each of its choices made."""
    while choice := _CHOICE.search(text):
        text = text[: choice.start()] + random.choice(choice[1].split("|")) + text[choice.end() :]
    return text


def _fill(
    text: str, facts: FactSource, row: Mapping[str, tuple[str, str]] | None = None, number: int | None = None
) -> Clean:
    """`row` holds a table's cells by their names in the template, each with its full name."""
    pieces: list[str] = []
    fields: list[GeneratedField] = []
    end = length = 0
    for match in _FACT.finditer(text):
        fresh, name, argument = match.groups()
        of_row = row[name] if row and name in row else None
        full_name, value = of_row or (name, facts.fact(name, argument or "", fresh=bool(fresh)))
        before = text[end : match.start()]
        pieces += (before, value)
        length += len(before) + len(value)
        end = match.end()
        if value:
            fields.append(GeneratedField(full_name, length - len(value), length, number if of_row else None))
    return Clean("".join((*pieces, text[end:])), tuple(fields))
