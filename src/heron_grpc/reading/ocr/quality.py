"""How much of a page's text is probably right, from the ink that words explain and how sure the engine is of them."""

import numpy as np

from heron_grpc.domain.document import Page
from heron_grpc.reading.ocr.letters import Letters

# Mean confidence, weighted by the length of words, against the share of characters right where all the ink lies in
# words: fitted on 94 generated pages spoilt in 18 ways. Alone it ranks pages with medium errors at rho .62; times the
# explained ink at .93, and .95 over all.
_CONFIDENCES = (0.0, 0.25, 0.5, 0.65, 0.8, 0.9, 0.97)
_RIGHT = (0.0, 0.1, 0.6, 0.8, 0.92, 0.97, 1.0)
# By which share of its height a word's box is larger on each side.
_GROWN = 0.125
# Fewer spots of ink for a word: the ink was not found, as on a very faint page.
_LEAST_LETTERS = 2


def estimate_quality(page: Page, letters: Letters) -> float:
    """Estimated share of the page's characters right, 0 to 1; `letters` are those of the image it was read from."""
    if not page.words:
        return 0.0
    lengths = np.array([word.end - word.start for word in page.words], np.float64)
    confidences = np.array([word.confidence for word in page.words])
    sure = float(np.interp(np.average(confidences, weights=lengths), _CONFIDENCES, _RIGHT))
    return sure * explained_ink(page, letters)


def explained_ink(page: Page, letters: Letters) -> float:
    """Share of the letters' ink whose centres lie in words."""
    if len(letters) < _LEAST_LETTERS * len(page.words):
        return 1.0
    x, y = letters.centres[:, 0], letters.centres[:, 1]
    order = np.argsort(y)
    heights = y[order]
    inside = np.zeros(len(letters), bool)
    for word in page.words:
        box = word.box
        grown = _GROWN * (box.y_max - box.y_min)
        first, last = np.searchsorted(heights, (box.y_min - grown, box.y_max + grown))
        near = order[first:last]
        inside[near] |= (x[near] >= box.x_min - grown) & (x[near] <= box.x_max + grown)
    return float(letters.ink[inside].sum())
