"""Remembers what each word adds to a text's features, as texts share most of their words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify.features import MAX_CHARS, FeatureExtractor, Spelling, Words, following

# What may be remembered before all is forgotten; some 60,000 words.
MAX_BYTES = 20 << 20
# Of an entry beside its content and its word: a dictionary slot, a bytes object, a string.
_ENTRY_BYTES = 200
# An entry consists of cells of 64 bits: hash, raw hash, id with flags, then columns in pairs, -1 where one is missing.
_CELL_BYTES = 8
_HEAD = 3
_NO_COLUMNS = np.uint64((1 << 64) - 1)
_ID, _NUMBER, _PLAIN = np.uint64((1 << 32) - 1), np.uint64(1 << 32), np.uint64(1 << 33)


@dataclass(frozen=True, slots=True)
class Content:
    """A text as the model sees it: columns, with repetition and -1 among them, and the distinct ids of its words."""

    columns: NDArray[np.int32]
    word_ids: NDArray[np.int64]


class Lexicon:
    """Reads texts as FeatureExtractor does, but looks words up that were met before. Not for two threads at once."""

    def __init__(self, extractor: FeatureExtractor, columns: NDArray[np.int32], max_bytes: int = MAX_BYTES) -> None:
        """`columns`: (FEATURES,) the column of each feature id, -1 for one the model does not know."""
        self._extractor = extractor
        self._max_bytes = max_bytes
        self._column_of = columns
        self._entries: dict[str, bytes] = {}
        self._bytes = 0

    def read(self, texts: Sequence[str]) -> list[Content]:
        """What extract(text) finds of each that the model knows."""
        if self._bytes > self._max_bytes:
            self._entries.clear()
            self._bytes = 0
        split = [self._split(text[:MAX_CHARS]) for text in texts]
        found = [list(map(self._entries.get, words, repeat(b""))) for words in split]
        incomplete = [place for place, entries in enumerate(found) if not all(entries)]
        # All at once: what it costs depends little on how many there are.
        for group in _groups(set().union(*(split[place] for place in incomplete)).difference(self._entries)):
            self._learn(group)
        for place in incomplete:
            found[place] = [self._entries[word] for word in split[place]]
        return list(map(self._content, found))

    def _split(self, text: str) -> list[str]:
        """The words; most texts go the first way, which is four times as fast and makes fewer words different."""
        try:
            latin = text.encode("latin-1")
        except UnicodeEncodeError:
            if self._extractor.letter_beyond_latin.search(text):
                return self._extractor.word_pattern.findall(text)
            # What separates words becomes a question mark, which does too.
            latin = text.encode("latin-1", "replace")
        return latin.translate(self._extractor.latin_letters).decode("latin-1").split()

    def _content(self, entries: Sequence[bytes]) -> Content:
        cells = np.frombuffer(bytearray().join(entries), dtype=np.uint64)
        lengths = np.fromiter(map(len, entries), dtype=np.int64, count=len(entries)) // _CELL_BYTES
        heads = np.cumsum(lengths) - lengths
        facts = cells[heads + 2]
        known = Words(cells[heads], cells[heads + 1], (facts & _NUMBER) != 0, (facts & _PLAIN) != 0)
        for offset in range(_HEAD):
            cells[heads + offset] = _NO_COLUMNS
        between = self._column_of[following(known)[0]]
        return Content(np.concatenate((cells.view(np.int32), between)), _distinct((facts & _ID).view(np.int64)))

    def _learn(self, new: Sequence[str]) -> None:
        found = self._extractor.spell(" ".join(new))
        cells, ends = self._entries_of(found)
        packed = cells.tobytes()
        start = 0
        for word, end in zip(new, (ends * _CELL_BYTES).tolist(), strict=True):
            self._entries[word] = packed[start:end]
            self._bytes += end - start + 4 * len(word) + _ENTRY_BYTES
            start = end

    def _entries_of(self, found: Spelling) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The entries of all words, one after the other, and where each ends."""
        count = len(found.starts)
        columns = self._column_of[np.concatenate((found.words.ids, found.char_ids))]
        words = np.concatenate((np.arange(count), found.char_words))[columns >= 0]
        by_word = np.argsort(words, kind="stable")
        sizes = np.bincount(words, minlength=count)
        ends = np.cumsum(_HEAD + (sizes + 1) // 2)
        heads = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
        cells = np.full(ends[-1], _NO_COLUMNS)
        cells[heads], cells[heads + 1] = found.words.hashes, found.words.raw_hashes
        cells[heads + 2] = (
            found.words.ids.astype(np.uint64) | found.words.numbers * _NUMBER | found.words.plain * _PLAIN
        )
        first = np.cumsum(sizes) - sizes
        place = np.arange(len(words)) - np.repeat(first, sizes) + np.repeat(2 * (heads + _HEAD), sizes)
        cells.view(np.int32)[place] = columns[columns >= 0][by_word]
        return cells, ends


def _distinct(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    ordered = np.sort(ids)
    is_last = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_last[:-1])
    return ordered[is_last]


def _groups(words: Iterable[str]) -> Iterator[list[str]]:
    """The words in groups of which each, with a space between its words, is no longer than what is read of a text."""
    group: list[str] = []
    length = 0
    for word in words:
        if length + len(word) > MAX_CHARS:
            yield group
            group, length = [], 0
        group.append(word)
        length += len(word) + 1
    if group:
        yield group
