"""How a page looks, in some hundred numbers: made where it is read, as neither its pixels nor its words need leave.

In the order of the numbers:

- shape: log of width by height,
- tones of a thumbnail: spread, mean, two quantiles, ink, how unevenly ink is spread, empty cells, shade, its spread,
  the border's shade beyond the middle's; rows of text, how regularly they follow each other, empty rows and columns;
  long lines across and down; edges across and down,
- INK x INK cells of ink (what is darker than its surroundings) and SHADE x SHADE of shade (dark surroundings),
- words: how many, where they begin and end, their heights, lines, alignment, digits and capitals by thirds of the page,
- WORDS x WORDS cells of how much words cover.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heron_grpc.domain.document import LOOK_LENGTH, Page, PageLook, Word
from heron_grpc.reading.ocr.page_image import turned
from heron_grpc.reading.ocr.recognition import PageImage, PageJob

# Longest side of the thumbnail, pixels: lines of print on a letter page are four apart.
SIDE = 256
INK, SHADE, WORDS = 6, 4, 4
# Shorter sides say nothing.
_LEAST_SIDE = 24
_TRAITS = 38
# Darker than its surroundings by so many of 255 greys.
_INKED = 30
_KERNEL = np.ones((9, 9), np.uint8)
# Share of the page's width or height that a line is long.
_LONG = 0.12
# Rows between two lines of text, in pixels of the thumbnail.
_PERIODS = range(3, 20)
_MOST_WORDS = 3000
_BINS = 24

Floats = NDArray[np.float64]


def look_at(image: Image.Image, page: Page) -> PageLook | None:
    """Of an upright picture, grey or in colour, and the words of its page; None where there is too little to see.

    About a millisecond for a picture of SIDE pixels and a page of 400 words.
    """
    small = thumbnail(image)
    if min(small.size) < _LEAST_SIDE:
        return None
    grey = np.asarray(small, np.uint8)
    shape = math.log(small.width / small.height)
    values = np.concatenate(([shape], _seen(grey), _written(page.text, page.words[:_MOST_WORDS])))
    if len(values) != LOOK_LENGTH or not np.isfinite(values).all():
        return None
    return PageLook(tuple(map(float, np.round(values, 3))))


def thumbnail(image: Image.Image) -> Image.Image:
    """In grey, its longer side SIDE pixels at most."""
    scale = SIDE / max(image.size)
    if scale >= 1:
        return image.convert("L")
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("L").resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def watched(job: PageJob, keep: Callable[[PageLook], None]) -> PageJob:
    """The same job, which hands over its page's look on the way; nothing where it is not drawn."""
    seen: list[Image.Image] = []

    def draw() -> PageImage:
        image = job.draw()
        seen.append(thumbnail(image.pixels))
        return image

    def finish(page: Page) -> Page:
        if seen and (look := look_at(turned(seen[0], page.rotation), page)):
            keep(look)
        return job.finish(page)

    return replace(job, draw=draw, finish=finish)


def _seen(grey: NDArray[np.uint8]) -> Floats:
    around = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, _KERNEL), np.uint8)
    ink = np.asarray(cv2.subtract(around, grey), np.uint8)
    ink_cells, shade_cells = _cells(ink, INK), 1 - _cells(around, SHADE)
    mean, spread = (float(each[0, 0]) for each in cv2.meanStdDev(grey))
    border = np.ones_like(shade_cells, bool)
    border[1:-1, 1:-1] = False
    tones = (
        spread / 128,
        mean / 255,
        *_quantiles(grey),
        ink_cells.mean() * 10,
        ink_cells.std() * 10,
        (ink_cells < 0.1 * max(ink_cells.max(), 0.05)).mean(),
        shade_cells.mean(),
        shade_cells.std(),
        shade_cells[border].mean() - shade_cells[~border].mean(),
    )
    return np.concatenate((tones, _rows(ink), np.sqrt(ink_cells).ravel(), shade_cells.ravel()))


def _quantiles(grey: NDArray[np.uint8]) -> Floats:
    """Tenth and ninetieth percentile, 0 to 1."""
    shares = np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size
    return np.searchsorted(shares, (0.1, 0.9)) / 255


def _rows(ink: NDArray[np.uint8]) -> Floats:
    """Lines of text and rulings."""
    is_ink = (ink > _INKED).astype(np.uint8)
    down, across = is_ink.mean(axis=1), is_ink.mean(axis=0)
    has_text = down > 0.25 * max(down.max(), 0.02)
    height, width = is_ink.shape
    lines = [
        cv2.morphologyEx(is_ink, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, shape))
        for shape in ((max(9, round(_LONG * width)), 1), (1, max(9, round(_LONG * height))))
    ]
    return np.array(
        (
            np.count_nonzero(np.diff(has_text.astype(np.int8)) == 1) / 40,
            _regularity(down),
            (down < 0.005).mean(),
            (across < 0.005).mean(),
            min(1.0, lines[0].any(axis=1).mean() * 4),
            min(1.0, lines[1].any(axis=0).mean() * 4),
            cv2.norm(ink[:, 1:], ink[:, :-1], cv2.NORM_L1) / ink.size / 25.5,
            cv2.norm(ink[1:], ink[:-1], cv2.NORM_L1) / ink.size / 25.5,
        )
    )


def _regularity(profile: Floats) -> float:
    """How much a profile is like itself some rows further on; 0 to 1."""
    centred = profile - profile.mean()
    power = float(centred @ centred)
    if power <= 0 or len(profile) <= 2 * _PERIODS[-1]:
        return 0.0
    return max(0.0, max(float(centred[:-shift] @ centred[shift:]) for shift in _PERIODS) / power)


def _cells(values: NDArray[np.uint8], count: int) -> Floats:
    """Means of count x count cells, 0 to 1."""
    means = cv2.resize(values.astype(np.float32), (count, count), interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float64) / 255


def _written(text: str, words: Sequence[Word]) -> Floats:
    if not words:
        return np.zeros(_TRAITS + WORDS * WORDS)
    boxes = np.array([(word.box.x_min, word.box.y_min, word.box.x_max, word.box.y_max) for word in words])
    tokens = [text[word.start : word.end] for word in words]
    counts = np.array([_signs(token) for token in tokens], float)
    left, top, right, bottom = boxes.T
    heights, widths, middle = bottom - top, right - left, (top + bottom) / 2
    order = np.lexsort((left, np.round(middle / max(float(np.median(heights)), 1e-3))))
    starts = _line_starts(middle[order], heights[order])
    firsts, lasts = order[starts], order[np.append(starts[1:], len(order)) - 1]
    per_line = np.diff(np.append(starts, len(order)))
    gaps = np.diff(middle[firsts]) if len(firsts) > 1 else np.zeros(1)
    low, half, high = np.quantile(heights, (0.1, 0.5, 0.9))
    traits = (
        math.log1p(len(words)) / 7,
        left.min(), top.min(), right.max(), bottom.max(),
        *(np.array((low, half, high, heights.max())) * 10), high / max(half, 1e-3) / 4,
        widths.mean() * 4, widths.std() * 4,
        len(starts) / 60, per_line.mean() / 12, per_line.max() / 24, (per_line == 1).mean(), (per_line <= 3).mean(),
        float(np.median(gaps)) * 10, gaps.max() * 2, min(1.0, gaps.std() * 10),
        *_alignment(left[firsts]), *_alignment(right[lasts]), *_alignment(left)[:1], *_alignment(right)[:1],
        np.mean([word.confidence for word in words]),
        *_thirds(top, counts),
    )  # fmt: skip
    return np.concatenate((traits, _covered(boxes).ravel()))


def _signs(token: str) -> tuple[int, int, int]:
    """Digits, capitals, all characters."""
    return sum(map(str.isdigit, token)), sum(map(str.isupper, token)), len(token)


def _line_starts(middle: Floats, heights: Floats) -> NDArray[np.int64]:
    """Where lines begin among words that are in the order of lines."""
    jumps = np.abs(np.diff(middle)) > 0.5 * np.maximum(heights[1:], heights[:-1])
    return np.concatenate(([0], np.flatnonzero(jumps) + 1))


def _alignment(edges: Floats) -> tuple[float, float, float]:
    """Share of edges in the commonest of _BINS places, in the two commonest, and how many places are in use."""
    counts = np.sort(np.bincount(np.clip((edges * _BINS).astype(int), 0, _BINS - 1), minlength=_BINS))[::-1]
    total = counts.sum()
    return counts[0] / total, counts[:2].sum() / total, float((counts > 0.05 * total).sum()) / _BINS


def _thirds(top: Floats, counts: Floats) -> list[float]:
    """Share of the words, of digits and of capitals, for each third of the page from the top."""
    place = np.clip((top * 3).astype(int), 0, 2)
    sums = np.stack([np.bincount(place, weights=column, minlength=3) for column in counts.T])
    shares = np.bincount(place, minlength=3) / len(place)
    signs = np.maximum(sums[2], 1.0)
    return [*shares, *(sums[0] / signs), *(sums[1] / signs)]


def _covered(boxes: Floats) -> Floats:
    """How much of each of WORDS x WORDS cells words cover, by their middles."""
    x, y = ((boxes[:, at] + boxes[:, at + 2]) / 2 for at in (0, 1))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * WORDS * WORDS
    place = [np.clip((axis * WORDS).astype(int), 0, WORDS - 1) for axis in (y, x)]
    return np.minimum(np.bincount(place[0] * WORDS + place[1], weights=areas, minlength=WORDS * WORDS), 1.0)
