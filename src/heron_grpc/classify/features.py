"""Turns text into hashed word and character n-grams, each tied to the word it lies in."""

import re
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
# Those letters, half-open: private use and pictographs stand for none.
_LETTERS_BEYOND = ((0x3040, 0xE000), (0xF900, 0x1F000), (0x20000, 0x110000))
_LATIN = 0x100
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
class Words:
    """What n words are, wherever they stand; words are equal when their hashes are."""

    # (n,) uint64, digits folded and as they are.
    hashes: NDArray[np.uint64]
    raw_hashes: NDArray[np.uint64]
    # (n,): at most _FORM_DIGITS digits and nothing else; no digit at all.
    numbers: NDArray[np.bool_]
    plain: NDArray[np.bool_]

    @property
    def ids(self) -> NDArray[np.int64]:
        """Feature id of each word itself."""
        return _bucket(self.hashes)


@dataclass(frozen=True, slots=True)
class Spelling:
    """The words of a text, (n,) code points where each starts and ends (half-open), and the n-grams within them."""

    words: Words
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    # (m,) feature ids, and the place of the word each lies in.
    char_ids: NDArray[np.int64]
    char_words: NDArray[np.int64]


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

    @cached_property
    def word_pattern(self) -> re.Pattern[str]:
        """Matches what `spell` holds for a word."""
        return re.compile(f"[{self._letters(0)}]+")

    @cached_property
    def letter_beyond_latin(self) -> re.Pattern[str]:
        """Matches what `spell` holds for part of a word and Latin-1 does not contain."""
        return re.compile(f"[{self._letters(_LATIN)}]")

    @cached_property
    def latin_letters(self) -> bytes:
        """(256,) translates Latin-1: letters that `spell` holds equal become one where they can, others spaces."""
        return bytes(_plain_latin(chr(code)) for code in range(_LATIN))

    def _letters(self, start: int) -> str:
        """From a code point on, as ranges of a character class."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self._folded[start:] != 0, [0])).astype(np.int8))) + start
        ranges = (*zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True), *_LETTERS_BEYOND)
        return "".join(f"{chr(first)}-{chr(end - 1)}" for first, end in ranges)

    def extract(self, text: str) -> Occurrences:
        """All n-grams of the first MAX_CHARS code points of any string."""
        found = self.spell(text)
        word_ids = found.words.ids
        following_ids, following_words = following(found.words)
        return Occurrences(
            ids=np.concatenate((word_ids, following_ids, found.char_ids)),
            words=np.concatenate((np.arange(len(word_ids)), following_words, found.char_words)),
            spans=np.repeat([1, 2, 1], [len(word_ids), len(following_ids), len(found.char_ids)]),
            word_starts=found.starts,
            word_ends=found.ends,
            word_ids=word_ids,
        )

    def spell(self, text: str) -> Spelling:
        """The words of the first MAX_CHARS code points of any string."""
        codes = np.frombuffer(text[:MAX_CHARS].encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
        folded = self._fold(codes)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], folded != 0, [0])).astype(np.int8)))
        starts, ends = edges[::2], edges[1::2]
        digit = (codes >= ord("0")) & (codes <= ord("9"))
        raw = np.where(digit, codes.astype(np.uint64) + np.uint64(_TABLE_SIZE), folded)
        digits_before = np.concatenate(([0], np.cumsum(digit)))
        digits = digits_before[ends] - digits_before[starts]
        lengths = ends - starts
        words = Words(
            hashes=self._hashes(folded, starts, ends),
            raw_hashes=self._hashes(raw, starts, ends),
            numbers=(digits == lengths) & (lengths <= _FORM_DIGITS),
            plain=digits == 0,
        )
        return Spelling(words, starts, ends, *self._char_ngrams(folded, starts, ends))

    def _fold(self, codes: NDArray[np.int64]) -> NDArray[np.uint64]:
        letters = np.zeros(len(codes), dtype=bool)
        for start, end in _LETTERS_BEYOND:
            letters |= (codes >= start) & (codes < end)
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
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and words of the n-grams of each word with one boundary mark before and after it."""
        lengths = ends - starts
        # Every word is followed by one mark; the first is preceded by one.
        marks = np.concatenate(([0], np.cumsum(lengths + 1)))
        line = np.full(marks[-1] + 1, _BOUNDARY, dtype=np.uint64)
        inside = np.ones(len(line), dtype=bool)
        inside[marks] = False
        line[inside] = folded[folded != 0]
        word_of = np.cumsum(~inside) - 1
        marks_before = np.concatenate(([0], np.cumsum(~inside)))
        firsts = []
        for size in CHAR_NGRAMS:
            # No mark among the inner characters: the n-gram lies in one word.
            within = marks_before[size - 1 : -1] == marks_before[1 : 1 - size]
            firsts.append(np.flatnonzero(within))
        first = np.concatenate(firsts)
        sizes = np.repeat(CHAR_NGRAMS, [len(one) for one in firsts])
        hashes = self._hashes(line, first, first + sizes) * (2 * sizes + 1).astype(np.uint64)
        return _bucket(hashes) + BUCKETS, word_of[first]


def following(words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of what two words in a row make, and the place of the first of them.

    First every pair; then every word before a short number, which is not folded here.
    """
    hashes = words.hashes
    before_number = np.flatnonzero(words.numbers[1:] & words.plain[:-1])
    pairs = hashes[:-1] * _PAIR_SALT + hashes[1:]
    forms = hashes[before_number] * _FORM_SALT + words.raw_hashes[before_number + 1]
    return _bucket(np.concatenate((pairs, forms))), np.concatenate((np.arange(len(pairs)), before_number))


def _fold(character: str) -> int:
    """The code point a character counts as: lower case, without accents, digits as 0; 0 when it separates words."""
    if character.isdigit():
        return ord("0")
    if unicodedata.combining(character):
        return 0
    if not character.isalnum():
        return 0
    return ord(unicodedata.normalize("NFKD", character.casefold())[0])


def _plain_latin(character: str) -> int:
    lower = character.lower()
    same = ord(lower) < _LATIN and _fold(lower) == _fold(character)
    return ord(lower if same else character) if _fold(character) else ord(" ")


def _steps(factor: int) -> NDArray[np.uint64]:
    # The line of marked words is at most twice as long as the text, plus one mark.
    steps = np.full(2 * MAX_CHARS + 2, factor, dtype=np.uint64)
    steps[0] = 1
    return steps


def _bucket(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    mixed = (hashes ^ (hashes >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return (mixed >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)
