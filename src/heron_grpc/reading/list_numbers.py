"""Numbers of list paragraphs in documents that count them instead of writing them."""

from collections.abc import Sequence

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MOST_ROMAN = 3999
_MOST_LETTERS = 999


def count_on(counts: list[int], level: int, starts: Sequence[int]) -> list[int]:
    """Counts a paragraph of that level, from 0, and says where each level down to it stands.

    Lower levels begin anew; upper ones that have not been counted yet stand at their start.
    """
    counts[level + 1 :] = []
    counts.extend(start - 1 for start in starts[len(counts) : level + 1])
    counts[level] += 1
    return [max(count, start) for count, start in zip(counts, starts, strict=False)]


def written_number(count: int, kind: str) -> str:
    """In digits, letters or Roman numerals, as ECMA-376-1 17.18.59 calls the kinds; unknown ones are digits."""
    if kind.endswith("Letter"):
        is_short = 0 < count <= _MOST_LETTERS
        text = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1) if is_short else str(count)
    elif kind.endswith("Roman"):
        text = _roman(count)
    else:
        text = f"{count:02}" if kind == "decimalZero" else str(count)
    return text.upper() if kind.startswith("upper") else text


def _roman(count: int) -> str:
    if not 0 < count <= _MOST_ROMAN:
        return str(count)
    text = ""
    for value, letters in _ROMAN:
        times, count = divmod(count, value)
        text += letters * times
    return text
