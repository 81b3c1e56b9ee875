"""Looking words up gives what extracting them anew gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron_grpc.classify.features import FEATURES, MAX_CHARS, FeatureExtractor
from heron_grpc.classify.lexicon import Lexicon

EXTRACTOR = FeatureExtractor()
# Every third feature is unknown; the others share columns.
COLUMNS = np.where(np.arange(FEATURES) % 3 == 0, -1, np.arange(FEATURES) % 1000).astype(np.int32)
WORDS = [
    "Form",
    "1040",
    "form",
    "W-2",
    "Straße",
    "STRASSE",
    "e\u0301cole",
    "請求書",
    "\u0130zmir",
    "12,345.67",
    "²½Ⅷ",
    "\ud800",
    "x",
]
texts = st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


def check(lexicon: Lexicon, text: str) -> None:
    found = EXTRACTOR.extract(text)
    columns = COLUMNS[found.ids]
    (content,) = lexicon.read([text])
    known = content.columns[content.columns >= 0]
    assert np.array_equal(np.sort(known), np.sort(columns[columns >= 0]))
    assert np.array_equal(content.word_ids, np.unique(found.word_ids))


LATIN = 0x100
REMEMBERS, FORGETS = Lexicon(EXTRACTOR, COLUMNS), Lexicon(EXTRACTOR, COLUMNS, max_bytes=2_000)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_a_text_has_the_same_features_looked_up_as_extracted(text: str) -> None:
    for _ in range(2):
        check(REMEMBERS, text)
        check(FORGETS, text)


def test_every_character_separates_words_in_both_ways_or_in_none() -> None:
    edges = (0xD800, 0xE000, 0xF900, 0x1F000, 0x20000, 0x30000)
    codes = (*range(0x3100), *(edge + offset for edge in edges for offset in range(-3, 3)), 0x10FFFF)
    check(REMEMBERS, "".join(f"a{chr(code)}b" for code in codes if code < LATIN))
    for start in range(0, len(codes), 5_000):
        check(FORGETS, "".join(f"a{chr(code)}b" for code in codes[start : start + 5_000]))


def test_texts_read_together_are_read_as_alone() -> None:
    together = [" ".join(f"word{number}x{chr(0x100 + size)}" for number in range(size)) for size in (0, 1, 900, 2_000)]
    fresh = Lexicon(EXTRACTOR, COLUMNS)
    for _ in range(2):
        for text, content in zip(together, fresh.read(together), strict=True):
            (alone,) = REMEMBERS.read([text])
            assert np.array_equal(content.word_ids, alone.word_ids)
            assert np.array_equal(np.sort(content.columns), np.sort(alone.columns))
            check(REMEMBERS, text)


@pytest.mark.parametrize(
    "text", ["", " ", "a", "1", "a" * MAX_CHARS + "b", "word " * MAX_CHARS, "é" + " 7" * MAX_CHARS]
)
def test_only_the_head_is_read(text: str) -> None:
    check(REMEMBERS, text)
    check(FORGETS, text)
