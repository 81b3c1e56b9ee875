"""The spots of ink in a page image that look like letters."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heron_grpc.reading.ocr.view import Grey, reduced

# Letters of 6 points stay 5 pixels high on a page of this height.
_LONGEST_SIDE = 1600
# The neighbourhood whose mean brightness ink is darker than: a 60th of the longest side.
_NEIGHBOURHOODS, _LEAST_NEIGHBOURHOOD = 60, 15
# Darker by this much, and by this share of what the darkest 0.5 % are.
_LEAST_CONTRAST, _CONTRAST_SHARE, _DARKEST = 3, 0.35, 99.5
# In pixels, shares of the page's height and width, and of its own box.
_LEAST_HEIGHT, _MOST_HEIGHT, _MOST_WIDTH, _LEAST_FILLED = 5, 0.06, 0.12, 0.12
# Times the usual height: smaller are specks, larger are pictures.
_SMALLER, _LARGER = 0.45, 3.0


@dataclass(frozen=True, slots=True)
class Letters:
    """Of each: centre (x, y) as fractions of the page, and ink as a share of all."""

    centres: NDArray[np.float64]
    ink: NDArray[np.float64]
    # The usual height in pixels of the image, capitals and small letters mixed; 0 when there are none.
    height: float

    def __len__(self) -> int:
        return len(self.ink)


def find_letters(image: Grey) -> Letters:
    """Some 25 ms for a page at 300 dpi."""
    small = reduced(image, _LONGEST_SIDE)
    count, _, spots, centres = cv2.connectedComponentsWithStats(ink_mask(small), connectivity=8)
    boxes, middles = spots[1:], centres[1:]
    height, width, area = (boxes[:, at].astype(np.float64) for at in (cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH, 4))
    rows, columns = small.shape
    fits = (height >= _LEAST_HEIGHT) & (height < _MOST_HEIGHT * rows) & (width > 1) & (width < _MOST_WIDTH * columns)
    fits &= area >= _LEAST_FILLED * width * height
    if count < 2 or not fits.any():
        return Letters(np.zeros((0, 2)), np.zeros(0), 0.0)
    usual = _weighted_median(height[fits], area[fits])
    fits &= (height >= _SMALLER * usual) & (height <= _LARGER * usual)
    return Letters(middles[fits] / (columns, rows), area[fits] / area[fits].sum(), usual * image.shape[0] / rows)


def ink_mask(image: Grey) -> Grey:
    """1 where it is clearly darker than around."""
    side = max(_LEAST_NEIGHBOURHOOD, (max(image.shape) // _NEIGHBOURHOODS) | 1)
    darker = cv2.subtract(cv2.blur(image, (side, side)), image)
    least = max(_LEAST_CONTRAST, _CONTRAST_SHARE * float(np.percentile(darker[::2, ::2], _DARKEST)))
    return (darker > least).astype(np.uint8)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
