"""Probabilities hold together whatever the stages say."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron_grpc.classify.ensemble import (
    UNTRAINED,
    all_levels,
    best_first,
    combine,
    likeliest,
    prior,
    prior_without_model,
)
from heron_grpc.domain.taxonomy import Category, Taxonomy, parents
from stage_inputs import PACK

LEAVES = PACK.taxonomy.leaves
IDS = [category.id for category in PACK.taxonomy.categories]
TWO = ("hr/payslip", "hr/resume")
models = st.dictionaries(st.sampled_from(LEAVES), st.floats(0, 1), max_size=20)
stages = st.lists(st.dictionaries(st.sampled_from(IDS), st.floats(-10, 10), max_size=4), max_size=4)


@settings(max_examples=50)
@given(models, stages, st.none() | st.sampled_from(LEAVES), st.floats(0.5, 1))
def test_leaves_add_up_to_one_and_parents_are_at_least_their_children(
    model: dict[str, float], log_odds: list[dict[str, float]], settled: str | None, quality: float
) -> None:
    shares = prior(LEAVES, model, settled)
    assert math.fsum(shares.values()) == pytest.approx(1.0)
    leaves = combine(PACK.taxonomy, shares, log_odds, quality)
    assert math.fsum(leaves.values()) == pytest.approx(1.0)
    levels = all_levels(PACK.taxonomy, leaves)
    for category, probability in levels.items():
        assert 0.0 <= probability <= 1.0
        assert all(levels[parent] >= probability - 1e-12 for parent in parents(category))
    tops = [levels[category] for category in levels if "/" not in category]
    assert math.fsum(tops) == pytest.approx(1.0)


@given(models, st.sampled_from(LEAVES), st.floats(0.1, 5))
def test_what_speaks_for_a_leaf_never_lowers_it(model: dict[str, float], leaf: str, weight: float) -> None:
    shares = prior(LEAVES, model)
    raised, plain = combine(PACK.taxonomy, shares, [{leaf: weight}]), combine(PACK.taxonomy, shares, [])
    assert raised[leaf] >= plain[leaf] - 1e-12


def test_the_formula_is_the_documented_one() -> None:
    taxonomy = Taxonomy("taxonomies/two", "Two", 1, tuple(Category(one, one) for one in ("hr", *TWO)), "")
    shares = prior(TWO, {"hr/payslip": 0.2, "hr/resume": 0.8})
    found = combine(taxonomy, shares, [{"hr/payslip": 2.0}, {"hr": 1.0}])
    assert found["hr/payslip"] == pytest.approx(0.2 * math.e**2 / (0.2 * math.e**2 + 0.8))


def test_without_a_model_a_settled_label_is_as_sure_as_its_rule() -> None:
    found = combine(PACK.taxonomy, prior(LEAVES, None, "tax/w9"), [{"tax/w9": 6.0}])
    assert found["tax/w9"] == pytest.approx(1 / (1 + math.exp(-6)), abs=1e-3)


def test_labels_the_model_cannot_know_share_a_little() -> None:
    shares = prior(("hr/payslip", "hr/resume", "tax/w9"), {"hr/resume": 0.9})
    assert shares == pytest.approx({"hr/resume": 1 - UNTRAINED, "hr/payslip": UNTRAINED / 2, "tax/w9": UNTRAINED / 2})


def test_of_equal_scores_the_parent_stands_first() -> None:
    leaves = {**dict.fromkeys(LEAVES, 0.0), "tax/w9": 0.6, "hr/resume": 0.4}
    scores = best_first(all_levels(PACK.taxonomy, leaves), 4, 0.0)
    assert [score.category for score in scores] == ["tax", "tax/w9", "hr", "hr/resume"]


@given(models, st.none() | st.sampled_from(LEAVES), st.sampled_from(LEAVES))
def test_the_gain_of_the_model_is_measured_from_the_prior_without_it(
    model: dict[str, float], settled: str | None, leaf: str
) -> None:
    assert prior_without_model(LEAVES, leaf, settled) == prior(LEAVES, None, settled)[leaf]


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5]), min_size=len(LEAVES), max_size=len(LEAVES)))
def test_of_equal_leaves_the_last_by_id_is_the_likeliest(values: list[float]) -> None:
    probabilities = dict(zip(LEAVES, values, strict=True))
    assert likeliest(LEAVES, probabilities) == max(LEAVES, key=lambda leaf: (probabilities[leaf], leaf))
