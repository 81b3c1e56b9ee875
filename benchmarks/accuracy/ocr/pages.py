"""The pages that are read: how many of which half, spoilt how. They are drawn where they are read."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from benchmarks.accuracy.ocr import held_out, tuning
from benchmarks.accuracy.ocr.drawn_page import DrawnPage

Draw = Callable[[], DrawnPage]

Half = Callable[[str, str, float], DrawnPage]

_HALVES: tuple[Half, ...] = (tuning.page, held_out.page)
CLEAN = "clean"
WAYS = tuple(tuning.WAYS)
TURNS = (0, 90, 180, 270)
# What pages that lie the wrong way are spoilt by as well, at half the strength.
_ALSO = (CLEAN, "fax", "noise", "low contrast", "scan")
# Beyond what people read with ease, so that errors of all sizes come about.
_RUINED_LEVELS = (1.5, 2.5, 4.0, 6.0)


def spoilt(count: int, seed: int) -> Iterator[Draw]:
    """So many pages spoilt in each way, and clean ones turned, of each half."""
    for half, way, number in product(_HALVES, WAYS, range(count)):
        yield partial(half, way, f"{seed}/{number}", 1.0)
    for half, degrees, number in product(_HALVES, TURNS[1:], range(count)):
        yield partial(_turned, half, CLEAN, f"{seed}/turned {degrees}/{number}", degrees)


def lying(count: int, seed: int) -> Iterator[Draw]:
    """So many pages in each of the four directions, of each half."""
    for half, degrees, number in product(_HALVES, TURNS, range(count)):
        yield partial(_turned, half, _ALSO[number % len(_ALSO)], f"{seed}/lying {degrees}/{number}", degrees)


def ruined(count: int, seed: int) -> Iterator[Draw]:
    """So many pages spoilt in each way, of each half, at levels up to the unreadable."""
    for index, (half, way, number) in enumerate(product(_HALVES, WAYS[1:], range(count))):
        yield partial(half, way, f"{seed}/ruined/{number}", _RUINED_LEVELS[index % len(_RUINED_LEVELS)])


def _turned(half: Half, way: str, seed: str, degrees: int) -> DrawnPage:
    return half(way, seed, 0.5).turned(degrees)
