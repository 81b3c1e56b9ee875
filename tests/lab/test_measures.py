"""Figures against values worked out by hand."""

import json

import pytest

from heron_grpc.lab.evaluate import evaluate_rows
from heron_grpc.lab.measures import (
    Judged,
    calibration_error,
    class_figures,
    confusions,
    leaf_accuracy,
    macro_f1,
    rolled_up_accuracy,
    wilson,
)

ROWS = [
    Judged("a/x", {"a/x": 0.9, "a/y": 0.1}),
    Judged("a/x", {"a/x": 0.4, "a/y": 0.6}),
    Judged("a/y", {"a/x": 0.2, "a/y": 0.8}),
    Judged("b/z", {"a/x": 0.95, "b/z": 0.05}),
    Judged("b/z", {}),
]


def test_wilson_interval_matches_the_published_formula():
    # p = .8, n = 10: centre .7166, half width .2268 for z = 1.96 (Wilson, 1927).
    share = wilson(8, 10)
    assert (share.value, share.documents) == (0.8, 10)
    assert share.low == pytest.approx(0.4902, abs=5e-4)
    assert share.high == pytest.approx(0.9433, abs=5e-4)


def test_wilson_interval_stays_within_bounds():
    assert wilson(0, 0).high == 1.0
    assert wilson(0, 5).low == 0.0
    assert wilson(5, 5).high == 1.0


def test_accuracies_count_hits_and_family_hits():
    assert leaf_accuracy(ROWS).value == pytest.approx(2 / 5)
    assert rolled_up_accuracy(ROWS).value == pytest.approx(3 / 5)


def test_f1_by_class_and_macro():
    figures = {figure.label: figure for figure in class_figures(ROWS)}
    assert figures["a/x"].precision == pytest.approx(1 / 2)
    assert figures["a/x"].recall == pytest.approx(1 / 2)
    assert figures["a/y"].f1 == pytest.approx(2 / 3)
    assert figures["b/z"].f1 == 0.0
    assert macro_f1(class_figures(ROWS)) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert macro_f1(class_figures(ROWS), least_documents=2) == pytest.approx((1 / 2 + 0) / 2)


def test_calibration_error_weighs_bins_by_documents():
    # Bins: 0 (no answer, wrong: gap 0), .6 (wrong: .6), .8 (right: .2), .9 and .95 (one of two right: |1.85 - 1|).
    assert calibration_error(ROWS) == pytest.approx((0.0 + 0.6 + 0.2 + 0.85) / 5)


def test_confusions_are_the_mistakes_most_frequent_first():
    rows = [*ROWS, Judged("b/z", {"a/x": 1.0})]
    assert confusions(rows)[0] == ("b/z", "a/x", 2)
    assert ("a/x", "a/y", 1) in confusions(rows)


def test_no_documents_give_no_figures():
    assert evaluate_rows([]).leaf.documents == 0


def test_an_evaluation_is_plain_json():
    content = json.loads(json.dumps(evaluate_rows(ROWS).to_json()))
    assert content["leaf"]["documents"] == 5
