"""The wear of real life: reading order, separators, cut-offs, and the mistakes of OCR."""

import re
from collections.abc import Sequence
from random import Random

# What OCR takes for one another.
_CONFUSIONS: dict[str, Sequence[str]] = dict(
    zip(
        "oO0lI1ceSs5B8mnhaugti,.",
        (
            "0c",
            "0Q",
            "O",
            "1I",
            "l1",
            "lI",
            "e",
            "c",
            "5$",
            "5",
            "S",
            "8",
            "B",
            ("rn",),
            ("ri",),
            "b",
            "o",
            "v",
            "9",
            "f",
            "l",
            ".",
            ",",
        ),
        strict=True,
    )
)
_SEPARATORS = ("  ", "    ", " ", "\n", "\t", " | ", ",", ";")
# Words.
_LONG_LINE = 25
_DEBRIS = "|_-~=.,:;'`*°•»«\\/"


def wear(text: str, random: Random, *, scanned: float) -> str:
    """The text as a reader might return it; `scanned` is the share of documents that went through OCR."""
    lines = _wrap(text.splitlines(), random)
    if random.random() < 0.35:
        lines = _drop(lines, random)
    if random.random() < 0.3:
        lines = _disorder(lines, random)
    separator = random.choice(_SEPARATORS)
    lines = [re.sub(r" {2,}", lambda _: separator, line) for line in lines]
    if random.random() < 0.15:
        lines = [line.upper() for line in lines]
    if random.random() < scanned:
        rate = random.choice((0.003, 0.01, 0.03, 0.06))
        lines = [_misread(line, rate, random) for line in lines]
        lines = _littered(lines, random)
    return _cut("\n".join(lines), random)


def _wrap(lines: list[str], random: Random) -> list[str]:
    """Long lines broken into some of any length, as the boxes of a form and the width of a page break them."""
    words_a_line = random.choice((3, 6, 12, 20))
    wrapped: list[str] = []
    for line in lines:
        words = line.split(" ")
        while len(words) > _LONG_LINE:
            count = random.randint(1, 2 * words_a_line)
            wrapped.append(" ".join(words[:count]))
            words = words[count:]
        if words:
            wrapped.append(" ".join(words))
    return wrapped


def _drop(lines: list[str], random: Random) -> list[str]:
    share = random.choice((0.05, 0.15, 0.3))
    return [line for line in lines if random.random() > share] or lines


def _disorder(lines: list[str], random: Random) -> list[str]:
    """Lines swapped with near ones, as columns are when they are read across."""
    reach = random.choice((2, 5, 12))
    places = [place + random.random() * reach for place in range(len(lines))]
    return [line for _, line in sorted(zip(places, lines, strict=True))]


def _misread(line: str, rate: float, random: Random) -> str:
    read = []
    for sign in line:
        chance = random.random()
        if chance < rate and sign in _CONFUSIONS:
            read.append(random.choice(_CONFUSIONS[sign]))
        elif chance < rate * 1.2:
            continue
        elif chance > 1 - rate / 4:
            read.append(f"{sign} ")
        else:
            read.append(sign)
    return "".join(read)


def _littered(lines: list[str], random: Random) -> list[str]:
    found = []
    for line in lines:
        found.append(line)
        if random.random() < 0.06:
            found.append("".join(random.choices(_DEBRIS + "abcdefgiIlmnorsw ", k=random.randint(1, 12))))
    return found


def _cut(text: str, random: Random) -> str:
    """Sometimes only the head, or a part from the middle."""
    chance = random.random()
    if chance < 0.12:
        return text[: max(80, int(len(text) * random.uniform(0.3, 0.8)))]
    if chance < 0.17:
        return text[min(len(text) - 80, int(len(text) * random.uniform(0.1, 0.4))) :] if len(text) > 160 else text
    return text
