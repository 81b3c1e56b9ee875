"""The small angle by which a page's lines rise or fall."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heron_grpc.reading.ocr.letters import ink_mask
from heron_grpc.reading.ocr.view import Grey, reduced

# Pixels of the longest side on which angles are looked for in whole degrees, up to so many each way, and then around
# the best of them in fifths.
_SIDE, _FINE_SIDE = 400, 800
_MOST, _STEP, _FINE = 16, 1.0, 0.2


def find_skew(image: Grey) -> float:
    """Degrees clockwise, -16 to 16: the angle at which the ink's sums along rows differ most between neighbours."""
    small = reduced(image, _FINE_SIDE)
    fine_ink, ink = _ink(small), _ink(reduced(small, _SIDE))
    coarse = max(np.arange(-_MOST, _MOST + _STEP, _STEP), key=lambda angle: _sharpness(ink, angle))
    angles = np.arange(coarse - _STEP + _FINE, coarse + _STEP, _FINE)
    return float(max(angles, key=lambda angle: _sharpness(fine_ink, angle)))


def _ink(image: Grey) -> NDArray[np.float32]:
    return ink_mask(image).astype(np.float32)


def _sharpness(ink: NDArray[np.float32], degrees: float) -> float:
    height, width = ink.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(degrees), 1)
    sums = cv2.warpAffine(ink, turn, (width, height), flags=cv2.INTER_NEAREST).sum(axis=1)
    return float((np.diff(sums) ** 2).sum())
