"""A deployment's own rule: the temperature composes with the shipped one, and few documents move little."""

import math

import pytest

from heron_grpc.classify.decision_rule import DecisionRule, DecisionRules, parse_decision_rules
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.calibrating import calibrate, fit_own, is_right
from heron_grpc.lab.measures import Judged
from stage_inputs import LETTERS, PACK, SETTINGS, ChosenModel, text_reading, uniform_but

RECEIPT, RESUME = "financial/receivable/receipt", "hr/resume"
VERSION = "models/nb/versions/9"


def judged(truth: str, shares: dict[str, float]) -> Judged:
    return Judged(truth, shares, Decision.ACCEPTED, 0.1)


def boasting(right: int, wrong: int) -> list[Judged]:
    """Answers that are 0.99 sure of a receipt, mixed evenly."""
    shares = uniform_but(receipt=0.99, resume=0.005)
    rows = [judged(RECEIPT, shares)] * right + [judged(RESUME, shares)] * wrong
    return rows[::2] + rows[1::2]


async def test_the_new_temperature_is_what_the_service_then_answers_by() -> None:
    base = DecisionRule(temperature=1.2)
    rule, heat = fit_own(boasting(40, 20), base)
    assert rule.temperature == pytest.approx(1.2 * heat, abs=1e-4)
    assert heat > 1.5
    subject = Subject(text_reading(LETTERS), is_file=False)
    answers = [
        await classify_reading(
            subject, PACK, ClassifyOptions(max_scores=100), ChosenModel(uniform_but(receipt=0.99)), SETTINGS, rules
        )
        for rules in (DecisionRules(base), DecisionRules(rule))
    ]
    odds = [
        math.log(found[RECEIPT] / found[RESUME])
        for found in ({score.category: score.probability for score in answer.scores} for answer in answers)
    ]
    assert odds[1] == pytest.approx(odds[0] / heat, rel=1e-3)


def test_more_documents_move_the_threshold_further() -> None:
    base = DecisionRule(accept={RECEIPT: 0.8})
    few, many = (fit_own(boasting(4 * count, count), base)[0].threshold(RECEIPT) for count in (3, 60))
    assert 0.8 < few < many <= 0.98


def test_a_rule_is_measured_on_documents_it_was_not_fitted_to_and_written_for_its_model() -> None:
    auto = DecisionRule(half_words=3)
    shipped = DecisionRules(auto, {"nb": DecisionRule(), "auto": auto}, "auto")
    found = calibrate(boasting(160, 80), shipped, VERSION, PACK.taxonomy, SETTINGS)
    assert found.before.log_loss == pytest.approx(-(2 * math.log(0.99) + math.log(0.005)) / 3, rel=1e-3)
    assert found.after.log_loss < found.before.log_loss
    assert found.after.calibration_error < found.before.calibration_error == pytest.approx(0.99 - 2 / 3)
    assert found.before.accepted.value == 1.0
    assert found.before.right.value == pytest.approx(2 / 3)
    assert found.after.accepted.value == 0.0
    again = parse_decision_rules(found.rules.to_json().encode(), "ours.json")
    assert again.of(VERSION).temperature > 1
    assert again.default == auto


def test_what_fits_already_stays_as_shipped() -> None:
    rows = [judged(RECEIPT, uniform_but(receipt=0.95))] * 19 + [judged(RESUME, uniform_but(receipt=0.95))]
    rule, heat = fit_own(rows, DecisionRule(temperature=1.2))
    assert heat == pytest.approx(1.0, abs=0.1)
    assert rule.temperature == pytest.approx(1.2, abs=0.12)


def test_too_few_documents_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="9 documents were answered: 10 are needed"):
        calibrate(boasting(9, 0), DecisionRules(), VERSION, PACK.taxonomy, SETTINGS)


def test_an_answer_is_right_above_its_label_and_below_a_label_that_is_no_leaf() -> None:
    assert is_right(RECEIPT, "financial")
    assert is_right("identity", "identity/passport")
    assert not is_right(RECEIPT, "financial/receivable/invoice")
