"""The decision rule: what each number does to an answer, and which files are refused."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from heron_grpc.classify.conformal import least_plausible, plausible_leaves
from heron_grpc.classify.decision import Case, Outcome, Thresholds, decide, labels
from heron_grpc.classify.decision_rule import (
    NEUTRAL,
    DecisionRule,
    DecisionRules,
    Foreign,
    load_decision_rules,
    parse_decision_rules,
)
from heron_grpc.classify.known_text import is_other_language
from heron_grpc.classify.manifest import Manifest, describe_file, write_manifest
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision, Verdict
from heron_grpc.domain.document import Page, Reading
from heron_grpc.domain.errors import ConfigurationError, ModelFileRefused
from heron_grpc.domain.taxonomy import Category, Taxonomy
from heron_grpc.settings import ClassifySettings
from stage_inputs import LETTERS, PACK, SETTINGS, ChosenModel, text_reading, uniform_but

RECEIPT, INVOICE = "financial/receivable/receipt", "financial/receivable/invoice"
PAYSLIP, RESUME = "hr/payslip", "hr/resume"
TWO = Taxonomy("taxonomies/two", "Two", 1, tuple(Category(one, one) for one in ("hr", PAYSLIP, RESUME)), "")
# Distinct words of two letters and more in LETTERS.
WORDS = 13
LEAVES = len(PACK.taxonomy.leaves)


async def answer(rule: DecisionRule, model: ChosenModel, text: str = LETTERS) -> Verdict:
    subject = Subject(text_reading(text), is_file=False)
    return await classify_reading(subject, PACK, ClassifyOptions(max_scores=100), model, SETTINGS, DecisionRules(rule))


def share(verdict: Verdict, category: str) -> float:
    return next(score.probability for score in verdict.scores if score.category == category)


def odds(top: float, power: float) -> float:
    """Probability of a leaf that had `top`, the others even, once all are taken to a power."""
    rest = (1 - top) / (LEAVES - 1)
    return top**power / (top**power + (LEAVES - 1) * rest**power)


async def test_few_known_words_take_the_model_back_as_far_as_the_formula_says() -> None:
    model = ChosenModel(uniform_but(receipt=0.9), novelty=0.0)
    trust = WORDS / (WORDS + 13)
    assert share(await answer(DecisionRule(half_words=13), model), RECEIPT) == pytest.approx(odds(0.9, trust))
    novel = replace(model, novelty=0.5)
    assert share(await answer(DecisionRule(half_words=13), novel), RECEIPT) == pytest.approx(odds(0.9, 6.5 / 19.5))


async def test_weights_and_temperature_scale_the_log_odds() -> None:
    model = ChosenModel(uniform_but(receipt=0.9))
    assert share(await answer(DecisionRule(temperature=2), model), RECEIPT) == pytest.approx(odds(0.9, 0.5))
    assert share(await answer(DecisionRule(weights={"model": 1.5}), model), RECEIPT) == pytest.approx(odds(0.9, 1.5))
    even = ChosenModel(uniform_but(receipt=1 / LEAVES))
    text = "Lease agreement\n" + LETTERS
    plain, doubled = (
        await answer(DecisionRule(), even, text),
        await answer(DecisionRule(weights={"text": 2.0}), even, text),
    )
    ratios = [math.log(share(one, "legal/lease") / share(one, PAYSLIP)) for one in (plain, doubled)]
    assert ratios[1] == pytest.approx(2 * ratios[0])
    assert ratios[0] > 0


async def test_novelty_and_doubt_speak_for_other() -> None:
    rule = DecisionRule(foreign=Foreign(novelty=4, doubt=2))
    verdict = await answer(rule, ChosenModel(uniform_but(receipt=0.7), novelty=0.5))
    rest = 0.3 / (LEAVES - 1)
    raised = rest * math.exp(4 * 0.5 + 2 * 0.3)
    assert share(verdict, "meta/other") == pytest.approx(raised / (1 - rest + raised))


@pytest.mark.parametrize(
    ("language", "share", "other"),
    [("pt", 0.9, True), ("pt", 0.6, False), ("pl", 0.9, False), ("la", 0.9, False), ("", 0.0, False)],
)
def test_a_text_surely_in_a_language_nobody_trained_on_is_told_from_figures_and_filler(
    language: str, share: float, other: bool
) -> None:
    page = Page(1, LETTERS, language=language, language_confidence=share)
    assert is_other_language(Reading("text/plain", (page,))) is other


def case(levels: dict[str, float], **changes: object) -> Case:
    return replace(Case(PAYSLIP, levels, 0.1, 100, settled=False), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sure", "parent", "outcome"),
    [
        (0.91, 0.95, Outcome(Decision.ACCEPTED, PAYSLIP)),
        (0.89, 0.97, Outcome(Decision.ACCEPTED, "hr")),
        (0.89, 0.95, Outcome(Decision.NEEDS_REVIEW, PAYSLIP)),
        (0.30, 0.97, Outcome(Decision.ACCEPTED, "hr")),
        (0.30, 0.95, Outcome(Decision.UNKNOWN)),
        (0.89, 0.89, Outcome(Decision.NEEDS_REVIEW, PAYSLIP)),
    ],
)
def test_the_deepest_category_that_is_sure_enough_is_answered(sure: float, parent: float, outcome: Outcome) -> None:
    rule = DecisionRule(accept={PAYSLIP: 0.9, "hr": 0.96})
    levels = {PAYSLIP: sure, "hr": parent, RESUME: parent - sure}
    assert decide(case(levels), Thresholds(TWO, SETTINGS, rule)) == outcome


def test_a_categorys_threshold_is_its_own_then_the_deployments_then_the_fitted_one() -> None:
    rule = DecisionRule(accept={PAYSLIP: 0.9}, accept_others=0.85)
    own = tuple(replace(one, accept_threshold=0.99) if one.id == RESUME else one for one in TWO.categories)
    taxonomy = replace(TWO, categories=own)
    fitted = Thresholds(taxonomy, ClassifySettings(), rule)
    assert [fitted.accept(one) for one in (RESUME, PAYSLIP, "hr")] == [0.99, 0.9, 0.85]
    chosen = Thresholds(taxonomy, ClassifySettings(accept_threshold=0.7), rule)
    assert [chosen.accept(one) for one in (RESUME, PAYSLIP, "hr")] == [0.99, 0.7, 0.7]


def test_much_of_meta_together_is_unknown_though_no_label_below_it_is_the_likeliest() -> None:
    levels = {PAYSLIP: 0.45, "hr": 0.45, "meta": 0.55}
    rule = DecisionRule(unknown_from=0.5, accept={"hr": 0.5, PAYSLIP: 0.5})
    assert decide(case(levels), Thresholds(TWO, SETTINGS, rule)).decision is Decision.UNKNOWN
    assert decide(case(levels, settled=True), Thresholds(TWO, SETTINGS, rule)).category == PAYSLIP


def test_labels_name_no_category_twice() -> None:
    levels = {PAYSLIP: 0.5, RESUME: 0.4, "hr": 0.9}
    assert [label.category for label in labels((PAYSLIP, RESUME), levels)] == [PAYSLIP, "hr", RESUME]


def test_the_quantile_of_conformal_prediction_by_hand() -> None:
    own = [0.9, 0.2, 0.6, 0.5, 0.8, 0.7, 0.3, 0.4, 0.95]
    # floor(0.2 * 10) = 2: the second smallest.
    assert least_plausible(own, 0.8) == 0.3
    assert least_plausible(own[:3], 0.8) == 0.0


def test_a_leaf_is_plausible_from_its_own_floor_on_and_the_likeliest_always() -> None:
    probabilities = {PAYSLIP: 0.6, RESUME: 0.3, RECEIPT: 0.1, "meta/blank": 0.2}
    rule = DecisionRule(plausible={PAYSLIP: 0.9, RESUME: 0.35}, plausible_others=0.05)
    assert plausible_leaves(tuple(probabilities), probabilities, rule) == (PAYSLIP, RECEIPT)
    assert plausible_leaves((PAYSLIP, RESUME, RECEIPT), probabilities, DecisionRule(coverage=0.85)) == (PAYSLIP, RESUME)


def test_each_model_has_its_rule_and_others_the_default() -> None:
    rules = DecisionRules(DecisionRule(), {"nb": DecisionRule(temperature=2), "auto": DecisionRule()}, "auto")
    again = parse_decision_rules(rules.to_json().encode(), "decision.json")
    assert again == rules
    assert again.of("models/nb/versions/7").temperature == 2
    assert again.of("models/distilbert/versions/1") is again.default
    assert again.of("") is again.default


def content(**changes: object) -> dict[str, object]:
    return {"format": 1, "default": "nb", "rules": {"nb": {"temperature": 1.5, **changes}}}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("not json", "it is no JSON"),
        ({**content(), "format": 2}, "of a format this release does not know"),
        ({"format": 1, "default": "nb"}, "rules is missing"),
        ({**content(), "default": "auto"}, "auto is missing"),
        (content(temprature=1), "temprature is unknown"),
        (content(temperature=0), "temperature must lie between 0.01 and 100"),
        (content(temperature="hot"), "temperature is no number"),
        (content(weights={"model": float("nan")}), "weights: model is no number"),
        (content(weights={"horoscope": 1}), "weights: horoscope is unknown"),
        (content(accept={"hr": 0.2}), "accept: hr must lie between 0.5 and 1"),
        (content(plausible={"hr": 2}), "plausible: hr must lie between 0 and 1"),
        (content(foreign=[]), "its structure is not the documented one"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(tmp_path: Path, wrong: object, says: str) -> None:
    file = tmp_path / "ours.json"
    file.write_text(wrong if isinstance(wrong, str) else json.dumps(wrong))
    with pytest.raises(ConfigurationError, match=says) as refused:
        load_decision_rules(file, tmp_path)
    assert "ours.json" in refused.value.message


def test_the_deployments_file_wins_over_the_models_and_without_either_all_is_neutral(tmp_path: Path) -> None:
    assert load_decision_rules(None, tmp_path) is NEUTRAL
    directory = tmp_path / "decision"
    directory.mkdir()
    text = json.dumps(content()).encode()
    (directory / "decision.json").write_bytes(text)
    file = describe_file("decision.json", text)
    manifest = Manifest("decision", "decision", "1", "2026-01-02", (), (file,), "taxonomies/default", 1)
    write_manifest(directory, manifest)
    assert load_decision_rules(None, tmp_path).default.temperature == 1.5
    own = tmp_path / "ours.json"
    own.write_text(json.dumps(content(temperature=3)))
    assert load_decision_rules(own, tmp_path).default.temperature == 3
    (directory / "decision.json").write_bytes(text + b" ")
    with pytest.raises(ModelFileRefused, match="not the file its manifest names"):
        load_decision_rules(None, tmp_path)
    with pytest.raises(ConfigurationError, match="HERON_CLASSIFY_CALIBRATION"):
        load_decision_rules(tmp_path / "gone.json", tmp_path)
