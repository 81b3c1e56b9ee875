"""By how many right angles a page is turned."""

from collections.abc import Callable

import numpy as np

from heron_grpc.reading.ocr.letters import ink_mask
from heron_grpc.reading.ocr.view import Grey

_STRIP_PIXELS, _STRIP_SHARE = 150, 0.2


def find_rotation(image: Grey, legible: Callable[[Grey], float]) -> int:
    """Clockwise degrees by which the page is turned: the way in which its fullest strip is read best by `legible`."""
    scores = {}
    for base in (0, 90):
        strip = densest_strip(np.ascontiguousarray(np.rot90(image, base // 90)))
        scores[base] = legible(strip)
        scores[base + 180] = legible(np.ascontiguousarray(np.rot90(strip, 2)))
    return max(scores, key=scores.__getitem__)


def densest_strip(image: Grey) -> Grey:
    """The horizontal band with the most ink, a fifth of the height."""
    height = min(len(image), max(_STRIP_PIXELS, round(len(image) * _STRIP_SHARE)))
    ink = ink_mask(image).mean(axis=1)
    top = int(np.argmax(np.convolve(ink, np.ones(height), "valid")))
    return image[top : top + height]
