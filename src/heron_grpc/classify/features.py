"""Turns text into hashed word and character n-grams, each tied to the word it lies in."""

import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Features are words and pairs of words in the lower half of the id space, character n-grams in the upper half.
BUCKET_BITS = 20
BUCKETS = 1 << BUCKET_BITS
FEATURES = 2 * BUCKETS

# Code points of a text that are looked at: its head.
MAX_CHARS = 20_000
CHAR_NGRAMS = (3, 4, 5)

# Code points folded one by one; above lie mostly scripts without case, whose letters stand for themselves.
_TABLE_SIZE = 0x3000
_BOUNDARY = 1
# Odd, so that it has an inverse modulo 2**64; the others are the mixers of splitmix64 (Steele et al., 2014).
_MULTIPLIER = 0x9E3779B97F4A7C15
_INVERSE = pow(_MULTIPLIER, -1, 1 << 64)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_PAIR_SALT = np.uint64(0xD6E8FEB86659FD93)
_FORM_SALT = np.uint64(0xA0761D6478BD642F)
# Numbers this short after a word are kept as they are: "form 1040", "acord 25".
_FORM_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Every n-gram of a text: (n,) feature ids and the (n,) first word each lies in."""

    ids: NDArray[np.int64]
    words: NDArray[np.int64]
    # 1 or 2: how many words, from the first on, the n-gram spans.
    spans: NDArray[np.int64]
    # Code points of the text, half-open, one entry a word.
    word_starts: NDArray[np.int64]
    word_ends: NDArray[np.int64]
    # Feature id of each word itself.
    word_ids: NDArray[np.int64]


class FeatureExtractor:
    """Words (1-2, digits folded to 0) and character n-grams within words, hashed; integer arithmetic throughout."""

    @cached_property
    def _folded(self) -> NDArray[np.uint64]:
        return np.array([_fold(chr(code)) for code in range(_TABLE_SIZE)], dtype=np.uint64)

    @cached_property
    def _powers(self) -> NDArray[np.uint64]:
        return np.cumprod(_steps(_MULTIPLIER), dtype=np.uint64)

    @cached_property
    def _inverse_powers(self) -> NDArray[np.uint64]:
        return np.cumprod(_steps(_INVERSE), dtype=np.uint64)

    def extract(self, text: str) -> Occurrences:
        """All n-grams of the first MAX_CHARS code points of any string."""
        codes = np.frombuffer(text[:MAX_CHARS].encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
        folded = self._fold(codes)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], folded != 0, [0])).astype(np.int8)))
        starts, ends = edges[::2], edges[1::2]
        if not len(starts):
            nothing = np.zeros(0, dtype=np.int64)
            return Occurrences(nothing, nothing, nothing, nothing, nothing, nothing)
        digit = (codes >= ord("0")) & (codes <= ord("9"))
        raw = np.where(digit, codes.astype(np.uint64) + np.uint64(_TABLE_SIZE), folded)
        word_hashes = self._hashes(folded, starts, ends)
        raw_hashes = self._hashes(raw, starts, ends)
        word_ids = _bucket(word_hashes)
        parts = [_pairs(word_hashes), _form_numbers(word_hashes, raw_hashes, digit, starts, ends)]
        parts += self._char_ngrams(folded, starts, ends)
        count = len(starts)
        ids = [word_ids, *(part[0] for part in parts)]
        words = [np.arange(count), *(part[1] for part in parts)]
        spans = [np.ones(count, dtype=np.int64), *(np.full(len(part[0]), part[2]) for part in parts)]
        return Occurrences(np.concatenate(ids), np.concatenate(words), np.concatenate(spans), starts, ends, word_ids)

    def _fold(self, codes: NDArray[np.int64]) -> NDArray[np.uint64]:
        # Private use and pictographs stand for no letter.
        letters = (
            (codes >= 0x3040) & ~((codes >= 0xE000) & (codes < 0xF900)) & ~((codes >= 0x1F000) & (codes < 0x20000))
        )
        beyond = np.where(letters, codes, 0).astype(np.uint64)
        table = self._folded
        return np.where(codes < _TABLE_SIZE, table[np.minimum(codes, _TABLE_SIZE - 1)], beyond)

    def _hashes(
        self, codes: NDArray[np.uint64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.uint64]:
        """Polynomial hashes, modulo 2**64, of the slices codes[start:end]."""
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(codes * self._powers[: len(codes)], dtype=np.uint64)))
        return (sums[ends] - sums[starts]) * self._inverse_powers[starts]

    def _char_ngrams(
        self, folded: NDArray[np.uint64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64], int]]:
        """N-grams of each word with one boundary mark before and after it."""
        lengths = ends - starts
        # Every word is followed by one mark; the first is preceded by one.
        marks = np.concatenate(([0], np.cumsum(lengths + 1)))
        line = np.full(marks[-1] + 1, _BOUNDARY, dtype=np.uint64)
        inside = np.ones(len(line), dtype=bool)
        inside[marks] = False
        line[inside] = folded[folded != 0]
        word_of = np.cumsum(~inside) - 1
        marks_before = np.concatenate(([0], np.cumsum(~inside)))
        found = []
        for size in CHAR_NGRAMS:
            first = np.arange(max(len(line) - size + 1, 0))
            # No mark among the inner characters: the n-gram lies in one word.
            first = first[marks_before[first + size - 1] == marks_before[first + 1]]
            hashes = self._hashes(line, first, first + size)
            found.append((_bucket(hashes * np.uint64(2 * size + 1)) + BUCKETS, word_of[first], 1))
        return found


def _fold(character: str) -> int:
    """The code point a character counts as: lower case, without accents, digits as 0; 0 when it separates words."""
    if character.isdigit():
        return ord("0")
    if unicodedata.combining(character):
        return 0
    if not character.isalnum():
        return 0
    return ord(unicodedata.normalize("NFKD", character.casefold())[0])


def _steps(factor: int) -> NDArray[np.uint64]:
    # The line of marked words is at most twice as long as the text, plus one mark.
    steps = np.full(2 * MAX_CHARS + 2, factor, dtype=np.uint64)
    steps[0] = 1
    return steps


def _bucket(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    mixed = (hashes ^ (hashes >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return (mixed >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)


def _pairs(word_hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    ids = _bucket(word_hashes[:-1] * _PAIR_SALT + word_hashes[1:])
    return ids, np.arange(len(ids)), 2


def _form_numbers(
    word_hashes: NDArray[np.uint64],
    raw_hashes: NDArray[np.uint64],
    digit: NDArray[np.bool_],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """A word followed by a short number, which is not folded here."""
    digits_before = np.concatenate(([0], np.cumsum(digit)))
    digits = digits_before[ends] - digits_before[starts]
    lengths = ends - starts
    number = (digits == lengths) & (lengths <= _FORM_DIGITS)
    first = np.flatnonzero(number[1:] & (digits[:-1] == 0))
    return _bucket(word_hashes[first] * _FORM_SALT + raw_hashes[first + 1]), first, 2
