"""Probabilities hold together whatever the stages say."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron_grpc.classify.ensemble import UNTRAINED, all_levels, best_first, combine, prior
from heron_grpc.domain.taxonomy import parents
from stage_inputs import PACK

LEAVES = PACK.taxonomy.leaves
IDS = [category.id for category in PACK.taxonomy.categories]
models = st.dictionaries(st.sampled_from(LEAVES), st.floats(0, 1), max_size=20)
stages = st.lists(st.dictionaries(st.sampled_from(IDS), st.floats(-10, 10), max_size=4), max_size=4)


@settings(max_examples=50)
@given(models, stages, st.none() | st.sampled_from(LEAVES), st.floats(0.5, 1))
def test_leaves_add_up_to_one_and_parents_are_at_least_their_children(
    model: dict[str, float], log_odds: list[dict[str, float]], settled: str | None, quality: float
) -> None:
    shares = prior(LEAVES, model, settled)
    assert math.fsum(shares.values()) == pytest.approx(1.0)
    leaves = combine(shares, log_odds, quality)
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
    assert combine(shares, [{leaf: weight}])[leaf] >= combine(shares, [])[leaf] - 1e-12


def test_the_formula_is_the_documented_one() -> None:
    leaves = ("hr/payslip", "hr/resume")
    found = combine(prior(leaves, {"hr/payslip": 0.2, "hr/resume": 0.8}), [{"hr/payslip": 2.0}, {"hr": 1.0}])
    assert found["hr/payslip"] == pytest.approx(0.2 * math.e**2 / (0.2 * math.e**2 + 0.8))


def test_without_a_model_a_settled_label_is_as_sure_as_its_rule() -> None:
    found = combine(prior(LEAVES, None, "tax/w9"), [{"tax/w9": 6.0}])
    assert found["tax/w9"] == pytest.approx(1 / (1 + math.exp(-6)), abs=1e-3)


def test_labels_the_model_cannot_know_share_a_little() -> None:
    shares = prior(("hr/payslip", "hr/resume", "tax/w9"), {"hr/resume": 0.9})
    assert shares == pytest.approx({"hr/resume": 1 - UNTRAINED, "hr/payslip": UNTRAINED / 2, "tax/w9": UNTRAINED / 2})


def test_of_equal_scores_the_parent_stands_first() -> None:
    levels = {"tax/w9": 0.6, "tax": 0.6, "hr": 0.4, "hr/resume": 0.4}
    assert [score.category for score in best_first(levels, 10, 0.0)] == ["tax", "tax/w9", "hr", "hr/resume"]
