"""Figures against values worked out by hand."""

import json

import pytest

from heron_grpc.domain.classification import Decision
from heron_grpc.lab.curves import (
    calibration_error,
    coverage_at,
    coverage_curve,
    out_of_scope,
    reliability,
    separation,
    thinned,
)
from heron_grpc.lab.evaluate import evaluate_rows
from heron_grpc.lab.measures import (
    Judged,
    class_figures,
    confusions,
    decisions,
    leaf_accuracy,
    macro_f1,
    rolled_up_accuracy,
    slices,
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


def test_calibration_error_weighs_bins_by_documents_that_got_an_answer():
    # Bins: .6 (wrong: .6), .8 (right: .2), .9 and .95 (one of two right: |1.85 - 1|).
    assert calibration_error(reliability(ROWS)) == pytest.approx((0.6 + 0.2 + 0.85) / 4)


def test_reliability_tells_what_comes_true_of_each_confidence():
    low, middle, high = reliability(ROWS)
    assert (low.low, low.high, low.accuracy.value) == (0.6, 0.7, 0.0)
    assert (middle.mean_confidence, middle.accuracy.value) == (0.8, 1.0)
    assert (high.mean_confidence, high.accuracy.value, high.accuracy.documents) == (pytest.approx(0.925), 0.5, 2)


def test_coverage_counts_the_surest_first_and_equals_together():
    rows = [
        Judged("a", {"a": 0.9, "b": 0.1}),
        Judged("a", {"a": 0.8, "b": 0.2}),
        Judged("b", {"a": 0.8, "b": 0.2}),
        Judged("b", {}),
    ]
    curve = coverage_curve(rows)
    assert [(point.confidence, point.coverage, point.accuracy.value) for point in curve] == [
        (0.9, 0.25, 1.0),
        (0.8, 0.75, pytest.approx(2 / 3)),
    ]
    assert coverage_at(curve, 0.9) == 0.25
    assert coverage_at(curve, 0.5) == 0.75
    assert coverage_at([], 0.5) == 0.0


def test_a_thinned_curve_keeps_its_end():
    curve = coverage_curve([Judged("a", {"a": 0.5 + number / 1000}) for number in range(400)])
    kept = thinned(curve)
    assert len(kept) <= 60
    assert kept[-1] == curve[-1]


def test_separation_counts_pairs_in_order_and_ties_by_half():
    # Outside .9 and .5 against inside .5 and .1: three pairs right, one tie.
    found = separation([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
    assert found is not None
    assert found.value == pytest.approx(3.5 / 4)
    assert (found.inside, found.outside) == (2, 2)
    # Hanley and McNeil: Q1 = .875 / 1.125, Q2 = 2 * .875^2 / 1.875; standard error .2077.
    assert found.low == pytest.approx(0.875 - 1.96 * 0.2077, abs=1e-3)
    assert found.high == 1.0
    assert separation([0.1, 0.9], [False, False]) is None


def test_out_of_scope_goes_by_all_labels_below_meta_together():
    rows = [
        Judged("meta/other", {"meta/other": 0.3, "meta/blank": 0.3, "a/x": 0.4}, novelty=0.2),
        Judged("meta/blank", {"meta/other": 0.7, "a/x": 0.3}, novelty=0.9),
        Judged("a/x", {"meta/other": 0.5, "a/x": 0.5}, novelty=0.5),
        Judged("meta/other", {}),
    ]
    found = out_of_scope(rows)
    assert found.by_probability is not None
    assert found.by_novelty is not None
    assert (found.by_probability.value, found.by_probability.outside) == (1.0, 2)
    assert found.by_novelty.value == 0.5


def test_unknown_means_other_unless_a_narrower_reason_was_likeliest():
    probabilities = {"a/x": 0.6, "meta/blank": 0.4}
    assert Judged("", probabilities, Decision.UNKNOWN).predicted == "meta/other"
    assert Judged("", {"a/x": 0.3, "meta/blank": 0.7}, Decision.UNKNOWN).predicted == "meta/blank"
    assert Judged("", probabilities, Decision.NEEDS_REVIEW).predicted == "a/x"
    assert Judged("", {}, Decision.UNREADABLE).predicted == "meta/unreadable"
    assert Judged("", {}).predicted == ""


def test_decisions_are_right_when_their_label_is_or_none_fits():
    sure = {"a/x": 0.9, "meta/other": 0.1}
    rows = [
        Judged("a/x", sure, Decision.ACCEPTED),
        Judged("a/y", sure, Decision.ACCEPTED),
        Judged("a/x", sure, Decision.UNKNOWN),
        Judged("meta/not_a_document", sure, Decision.UNKNOWN),
        Judged("a/x", {}),
    ]
    found = {made.decision: (made.documents, made.right.value) for made in decisions(rows)}
    assert found == {"accepted": (2, 0.5), "unknown": (2, 0.5), "refused": (1, 0.0)}
    assert decisions([Judged("a/x", sure)]) == ()


def test_slices_are_made_by_every_facet():
    rows = [
        Judged("a", {"a": 1.0}, facets={"language": "de", "format": "pdf"}),
        Judged("a", {"b": 1.0}, facets={"language": "de"}),
    ]
    found = {name: (share.value, share.documents) for name, share in slices(rows)}
    assert found == {"format pdf": (1.0, 1), "language de": (0.5, 2)}


def test_confusions_are_the_mistakes_most_frequent_first():
    rows = [*ROWS, Judged("b/z", {"a/x": 1.0})]
    assert confusions(rows)[0] == ("b/z", "a/x", 2)
    assert ("a/x", "a/y", 1) in confusions(rows)


def test_no_documents_give_no_figures():
    assert evaluate_rows([]).leaf.documents == 0


def test_an_evaluation_is_plain_json():
    content = json.loads(json.dumps(evaluate_rows(ROWS).to_json()))
    assert content["leaf"]["documents"] == 5
