"""Making a page image easier to recognise, each step only where the image needs it: a clean page is left alone."""

import cv2
import numpy as np

from heron_grpc.reading.ocr.page_image import MOST_PIXELS
from heron_grpc.reading.ocr.skew import find_skew
from heron_grpc.reading.ocr.view import Grey, View

# A scanner's bed: this dark, along this share of the edge; the sheet on it is lighter than that.
_BED, _BED_SHARE, _SHEET = 60, 0.3, 90
# Standard deviation of grain from which it is smoothed, and what with.
_GRAIN, _GRAIN_BLUR = 25.0, 1.2
# Spots of at most 2 pixels: their share of all ink, and their number in a million pixels. A receipt printed in dots has
# .06 and loses half its words when they are removed; 1 % of salt and pepper makes .4.
_SPECK, _SPECK_SHARE, _SPECKS = 2, 0.2, 2000
# Grey levels between the lightest and darkest paper from which light counts as uneven.
_UNEVEN = 40
# Degrees: less does not trouble an engine, and turning costs sharpness.
_LEAST_SKEW = 0.4
# Heights of letters in pixels: below and above it is scaled to a height Tesseract knows best.
_SMALL, _HUGE, _BEST = 11.0, 70.0, 22.0
_MOST_ENLARGED = 3.0


def cleaned(view: View) -> View:
    """The view without border, noise, shadow and skew; the same one when nothing is wrong."""
    return straightened(lit(smoothed(without_bed(view))))


def sized(view: View, letter_height: float) -> View:
    """Enlarged or reduced when letters of that height in pixels are hard to recognise."""
    if not letter_height or _SMALL <= letter_height <= _HUGE:
        return view
    most = (MOST_PIXELS / view.pixels.size) ** 0.5
    factor = min(_BEST / letter_height, _MOST_ENLARGED, most)
    return view.scaled(factor) if factor < 1 or factor > 1.2 else view


def straightened(view: View) -> View:
    """Turned so that lines run level."""
    degrees = find_skew(view.pixels)
    return view.rotated(degrees) if abs(degrees) >= _LEAST_SKEW else view


def lit(view: View) -> View:
    """Divided by the paper's brightness, where that is uneven."""
    small = cv2.resize(view.pixels[::4, ::4], (32, 32), interpolation=cv2.INTER_AREA)
    dark, light = np.percentile(cv2.dilate(small, np.ones((3, 3), np.uint8)), (5, 95))
    if light - dark <= _UNEVEN:
        return view
    reduced = cv2.resize(view.pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(reduced, np.ones((9, 9), np.uint8)), 21)
    paper = cv2.resize(paper, (view.width, view.height), interpolation=cv2.INTER_LINEAR)
    return view.with_pixels(np.asarray(cv2.divide(view.pixels, np.maximum(paper, 1), scale=255), np.uint8))


def smoothed(view: View) -> View:
    """Grain is blurred, specks are removed, where there is much of them."""
    sample = _sample(view.pixels)
    if _grain(sample) > _GRAIN:
        return view.with_pixels(np.asarray(cv2.GaussianBlur(view.pixels, (0, 0), _GRAIN_BLUR), np.uint8))
    if _is_speckled(sample):
        return view.with_pixels(np.asarray(cv2.medianBlur(view.pixels, 3), np.uint8))
    return view


def without_bed(view: View) -> View:
    """Only the sheet, when it lies on something dark."""
    pixels = view.pixels
    edge = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    if (edge < _BED).mean() < _BED_SHARE:
        return view
    light = (cv2.GaussianBlur(pixels, (0, 0), 5) > _SHEET).astype(np.uint8)
    count, labels, spots, _ = cv2.connectedComponentsWithStats(light)
    if count < 2:
        return view
    largest = 1 + int(np.argmax(spots[1:, cv2.CC_STAT_AREA]))
    left, top, wide, high = (int(value) for value in spots[largest, :4])
    sheet = view.cropped(left, top, left + wide, top + high)
    inside = (labels[top : top + high, left : left + wide] == largest).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    paper = np.median(sheet.pixels[::4, ::4][inside[::4, ::4] > 0])
    return sheet.with_pixels(np.where(inside, sheet.pixels, np.uint8(paper)).astype(np.uint8))


def _sample(pixels: Grey) -> Grey:
    """Every eighth band of 64 rows: noise is everywhere, and looking at all of it takes its time."""
    bands = [pixels[top : top + 64] for top in range(0, len(pixels), 512)]
    return np.concatenate(bands) if len(bands) > 2 else pixels


def _grain(pixels: Grey) -> float:
    """Standard deviation of the noise, from the median of second differences along rows, which text leaves alone."""
    values = pixels[::2].astype(np.int16)
    second = values[:, 2:] - 2 * values[:, 1:-1] + values[:, :-2]
    # A normal distribution's median deviation is 0.6745; the differences weigh 1, -2, 1.
    return float(np.median(np.abs(second)) / 0.6745 / 6**0.5)


def _is_speckled(pixels: Grey) -> bool:
    _, dark = cv2.threshold(pixels, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    _, _, spots, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    areas = spots[1:, cv2.CC_STAT_AREA]
    specks = areas[areas <= _SPECK]
    return bool(specks.sum() > _SPECK_SHARE * areas.sum() and len(specks) > _SPECKS * pixels.size / 1e6)
