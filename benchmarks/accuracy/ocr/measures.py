"""How far a text is from the true one, and how well an estimate tells it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Printers and readers choose between these freely.
_ALIKE = str.maketrans(
    "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2010\u2011\u2013\u2014\u2212", '\'\'\'"""""-----'
)
_WORD = re.compile(r"\w+")


def normalised(text: str) -> str:
    """NFKC, quotes and dashes made alike, white space as single spaces; case and punctuation stay."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_ALIKE)).split())


def character_error_rate(found: str, true: str) -> float:
    """Edits (Levenshtein) from the true text to the one found, to the true one's length; both normalised; at most 1."""
    found, true = normalised(found), normalised(true)
    return min(1.0, edits(found, true) / max(1, len(true)))


def edits(left: str, right: str) -> int:
    """Levenshtein distance, row by row: insertions are a running minimum."""
    if not left or not right:
        return len(left) + len(right)
    signs, places = _codes(right), np.arange(len(right) + 1)
    row = places.copy()
    for number, code in enumerate(_codes(left), 1):
        best = np.empty_like(row)
        best[0] = number
        np.minimum(row[1:] + 1, row[:-1] + (signs != code), out=best[1:])
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Words found of the true ones, each as often as it occurs; upper and lower case are one."""

    hits: int
    true: int
    found: int

    def __add__(self, other: "WordCounts") -> "WordCounts":
        return WordCounts(self.hits + other.hits, self.true + other.true, self.found + other.found)

    @property
    def recall(self) -> float:
        """Share of the true words that were found."""
        return self.hits / max(1, self.true)

    @property
    def precision(self) -> float:
        """Share of the words found that are true."""
        return self.hits / max(1, self.found)


def word_counts(found: str, true: str) -> WordCounts:
    """Of two texts."""
    left, right = words(found), words(true)
    return WordCounts((left & right).total(), right.total(), left.total())


def words(text: str) -> Counter[str]:
    """Runs of letters and digits, case folded."""
    return Counter(_WORD.findall(normalised(text).casefold()))


def rank_correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Spearman's: Pearson's of the ranks, ties sharing theirs; 0 where either side never changes."""
    ranks = [_ranks(np.asarray(values, float)) for values in (left, right)]
    if any(np.ptp(side) == 0 for side in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles: NDArray[np.float64] = (ends - (counts - 1) / 2)[places]
    return middles


def _codes(text: str) -> NDArray[np.int32]:
    return np.frombuffer(text.encode("utf-32-le"), np.int32)
