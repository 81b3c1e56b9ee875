import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from benchmarks.accuracy.ocr.measures import (
    character_error_rate,
    edits,
    normalised,
    rank_correlation,
    word_counts,
)


def textbook_edits(left, right):
    row = [*range(len(right) + 1)]
    for number, sign in enumerate(left, 1):
        above, row = row, [number]
        for place, other in enumerate(right):
            row.append(min(above[place + 1] + 1, row[-1] + 1, above[place] + (sign != other)))
    return row[-1]


@given(st.text("ab\u00e9 ", max_size=12), st.text("ab\u00e9 ", max_size=12))
def test_edits_are_the_textbook_s(left, right):
    assert edits(left, right) == textbook_edits(left, right)


def test_the_error_rate_counts_edits_by_the_length_of_the_true_text():
    assert character_error_rate("heron", "heron") == 0
    assert character_error_rate("her0n", "heron") == pytest.approx(0.2)
    assert character_error_rate("", "heron") == 1
    assert character_error_rate("nothing like it at all", "heron") == 1


def test_quotes_dashes_and_white_space_are_no_errors_but_case_is():
    assert normalised(" \u201cA\u201d \u2013\n b\u00a0\ufb01 ") == '"A" - b fi'
    assert character_error_rate("a\n\nb", "a b") == 0
    assert character_error_rate("A", "a") == 1


def test_words_count_as_often_as_they_occur():
    counts = word_counts("the heron, THE reed", "the heron the the")
    assert (counts.hits, counts.true, counts.found) == (3, 4, 4)
    assert (counts + counts).recall == counts.recall == pytest.approx(0.75)
    assert word_counts("", "a").precision == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=20))
def test_the_rank_correlation_is_spearman_s_with_ties(pairs):
    left, right = map(list, zip(*pairs, strict=True))
    if len(set(left)) > 1 and len(set(right)) > 1:
        assert rank_correlation(left, right) == pytest.approx(spearmanr(left, right).statistic)
    else:
        assert rank_correlation(left, right) == 0


def test_the_rank_correlation_asks_for_order_alone():
    values = np.linspace(0.1, 5, 30)
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)
