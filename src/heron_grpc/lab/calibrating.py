"""Fits a deployment's temperature and thresholds to its own labelled documents, drawn to the shipped ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from heron_grpc.classify import ensemble
from heron_grpc.classify.decision import FEWEST_LETTERS, Case, Thresholds, decide
from heron_grpc.classify.decision_rule import DecisionRule, DecisionRules
from heron_grpc.domain.classification import Decision, StageState
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import Taxonomy, parents
from heron_grpc.lab.curves import calibration_error, reliability
from heron_grpc.lab.fit_decision import Answer, FitDecision, fit_thresholds
from heron_grpc.lab.measures import UNSURE, Judged, Share, is_outside, wilson
from heron_grpc.lab.stage_figures import is_within
from heron_grpc.settings import ClassifySettings

# Documents below which nothing is fitted.
FEWEST = 10
FOLDS = 5
# What the shipped numbers are worth, in documents: as much as so many that fit them exactly.
_SHIPPED_DOCUMENTS = 20.0
# Of the natural logarithm of what the temperature is multiplied by.
_LOG_HEAT = (-1.5, 1.5)
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """How good answers are under a rule."""

    # Mean negative log of the true label's probability.
    log_loss: float
    calibration_error: float
    accepted: Share
    # Of those accepted.
    right: Share


@dataclass(frozen=True, slots=True)
class Calibration:
    """The rules fitted to all documents; figures under the shipped rule, and under rules fitted to other documents."""

    rules: DecisionRules
    before: CalibrationFigures
    after: CalibrationFigures
    documents: int


def calibrate(
    rows: Sequence[Judged], shipped: DecisionRules, model: str, taxonomy: Taxonomy, settings: ClassifySettings
) -> Calibration:
    """Fits the rule of `model` ("models/nb/versions/3") to answers that were given under the shipped rules.

    Raises ConfigurationError for too few documents that were answered.
    """
    answered = [row for row in rows if row.probabilities and row.truth != UNSURE]
    if len(answered) < FEWEST:
        raise ConfigurationError(f"{len(answered)} documents were answered: {FEWEST} are needed, some 50 do well")
    base = shipped.of(model)
    held: list[Judged] = []
    rules: list[DecisionRule] = []
    for fold in range(FOLDS):
        rest = [row for place, row in enumerate(answered) if place % FOLDS != fold]
        rule, heat = fit_own(rest, base)
        held += [_heated(row, heat) for row in answered[fold::FOLDS]]
        rules += [rule] * len(answered[fold::FOLDS])
    own, _ = fit_own(answered, base)
    return Calibration(
        _with_rule(shipped, model, own),
        _figures(answered, [base] * len(answered), taxonomy, settings),
        _figures(held, rules, taxonomy, settings),
        len(answered),
    )


def fit_own(rows: Sequence[Judged], base: DecisionRule) -> tuple[DecisionRule, float]:
    """The rule for these answers, and what its temperature is of the shipped one's."""
    heat = _fit_heat(rows)
    hotter = [_heated(row, heat) for row in rows]
    how = FitDecision()
    found, _ = fit_thresholds([answer for row in hotter for answer in _answers(row)], how)
    counts = {category: sum(is_within(row.truth, category) for row in rows) for category in found}
    accept = {
        category: round(
            (counts[category] * threshold + _SHIPPED_DOCUMENTS * base.threshold(category))
            / (counts[category] + _SHIPPED_DOCUMENTS),
            _DIGITS,
        )
        for category, threshold in found.items()
    }
    temperature = round(base.temperature * heat, _DIGITS)
    return replace(base, temperature=temperature, accept={**base.accept, **accept}), heat


def _fit_heat(rows: Sequence[Judged]) -> float:
    """What log-odds are divided by: least loss, with a penalty for leaving 1 that so many documents outweigh."""

    def loss(log_heat: float) -> float:
        own = [_log_loss(_heated(row, float(np.exp(log_heat)))) for row in rows]
        return sum(own) + _SHIPPED_DOCUMENTS * log_heat**2 / 2

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_HEAT, method="bounded").x))


def _heated(row: Judged, heat: float) -> Judged:
    """The answer under a temperature so many times the one it was given under."""
    powers = {leaf: share ** (1.0 / heat) for leaf, share in row.probabilities.items()}
    total = sum(powers.values())
    return replace(row, probabilities={leaf: power / total for leaf, power in powers.items()})


def _log_loss(row: Judged) -> float:
    own = sum(share for leaf, share in row.probabilities.items() if is_within(leaf, row.truth))
    return float(-np.log(max(own, 1e-6)))


def _answers(row: Judged) -> list[Answer]:
    best = row.likeliest
    if is_outside(best) or row.decision is Decision.UNKNOWN:
        return []
    shares = {
        category: sum(share for leaf, share in row.probabilities.items() if is_within(leaf, category))
        for category in (best, *parents(best))
    }
    return [
        Answer(category, share, is_right(row.truth, category), 1.0, is_leaf=category == best)
        for category, share in shares.items()
    ]


def is_right(truth: str, category: str) -> bool:
    """Whether an answer is the label, lies above it, or below one that is no leaf."""
    return is_within(truth, category) or is_within(category, truth)


def _figures(
    rows: Sequence[Judged], rules: Sequence[DecisionRule], taxonomy: Taxonomy, settings: ClassifySettings
) -> CalibrationFigures:
    decided = [_decided(row, rule, taxonomy, settings) for row, rule in zip(rows, rules, strict=True)]
    accepted = [(row, category) for row, category in zip(rows, decided, strict=True) if category]
    # A truth above the leaves is a likeliest leaf below it.
    told = [replace(row, truth=row.likeliest) if is_within(row.likeliest, row.truth) else row for row in rows]
    right = sum(is_right(row.truth, category) for row, category in accepted)
    return CalibrationFigures(
        sum(map(_log_loss, rows)) / len(rows),
        calibration_error(reliability(told)),
        wilson(len(accepted), len(rows)),
        wilson(right, len(accepted)),
    )


def _decided(row: Judged, rule: DecisionRule, taxonomy: Taxonomy, settings: ClassifySettings) -> str:
    """The category accepted under a rule; empty for none."""
    leaves = {leaf: row.probabilities.get(leaf, 0.0) for leaf in taxonomy.open_leaves}
    best = ensemble.likeliest(taxonomy.open_leaves, leaves)
    settled = any(one.stage == "model" and one.state is StageState.SKIPPED for one in row.opinions)
    levels = ensemble.all_levels(taxonomy, leaves)
    case = Case(best, levels, row.novelty or 0.0, FEWEST_LETTERS, settled)
    outcome = decide(case, Thresholds(taxonomy, settings, rule))
    return outcome.category or "" if outcome.decision is Decision.ACCEPTED else ""


def _with_rule(shipped: DecisionRules, model: str, rule: DecisionRule) -> DecisionRules:
    name = model.split("/")[1] if model else shipped.default_model
    named = {**(shipped.by_model or {shipped.default_model: shipped.default}), name: rule}
    default = shipped.default_model
    return DecisionRules(named[default], named, default)
