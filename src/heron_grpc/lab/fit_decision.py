"""Fits a decision rule to held-out documents: weights and temperature, thresholds, and sets of plausible leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from heron_grpc.classify.conformal import least_plausible
from heron_grpc.classify.decision import NO_LABEL
from heron_grpc.classify.decision_rule import DecisionRule, Foreign
from heron_grpc.domain.taxonomy import parents
from heron_grpc.lab.decision_cases import Cases
from heron_grpc.lab.held_out import FOREIGN_HEAD, GENERATED, HEAD, REAL
from heron_grpc.lab.measures import Share, wilson

# Documents a label needs for a group of its own in conformal prediction.
FEWEST_OF_A_GROUP = 30
# It is likelier that no label fits than that one does.
UNKNOWN_FROM = 0.5
# Answers whose precision stands for that of thresholds fewer reach.
_SUREST = 20
# Digits that are written: more say nothing.
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class FitDecision:
    """How a rule is fitted."""

    # What a document counts by its kind for the weights, and for the thresholds; those of other kinds do not.
    counts: Mapping[str, float] = field(
        default_factory=lambda: {REAL: 1.0, HEAD: 0.3, FOREIGN_HEAD: 1.0, GENERATED: 0.02}
    )
    judged: Mapping[str, float] = field(default_factory=lambda: {REAL: 1.0, GENERATED: 0.02})
    # Strength with which weights are drawn to neutral, in documents.
    ridge: float = 1.0
    # Precision among accepted answers, and the documents' worth of the pooled precision every category starts with.
    precision: float = 0.98
    pooled_documents: float = 20.0
    # Whatever the precision was, less than the first is not sure, and the second is.
    least_accepted: float = 0.8
    most_asked: float = 0.98
    coverage: float = 0.95


# log temperature, log weight of headings, log weight of rules, log half_words, and the terms of Foreign.
_START = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
# The neutral rule, which all are drawn to; half_words stays where the documents put it.
_DRAWN = np.array([1.0, 1.0, 1.0, 0.0, 0.1, 0.1])


def fit_rule(cases: Cases, how: FitDecision, like: DecisionRule | None = None) -> DecisionRule:
    """The whole rule; half_words and foreign are those of `like` where real documents alone cannot tell. Blocks."""
    rule = fit_weights(cases, how, like)
    rule = replace(rule, unknown_from=UNKNOWN_FROM)
    accept, others = fit_thresholds(answers_of(cases, rule, how), how)
    plausible, plausible_others = fit_plausible(cases, rule, how)
    return replace(
        rule,
        accept=accept,
        accept_others=others,
        coverage=how.coverage,
        plausible=plausible,
        plausible_others=plausible_others,
    )


def fit_weights(cases: Cases, how: FitDecision, like: DecisionRule | None = None) -> DecisionRule:
    """The weights under which the true leaves are likeliest (penalised maximum likelihood)."""
    counts = np.array([how.counts.get(kind, 0.0) for kind in cases.kinds])
    cases, counts = cases.of(counts > 0), counts[counts > 0]
    rows = np.arange(len(cases))

    def loss(numbers: NDArray[np.float64]) -> float:
        own = cases.probabilities(_rule(numbers, like))[rows, cases.truth]
        drawn = how.ridge * float((_DRAWN * numbers**2).sum())
        return float(-(counts * np.log(np.maximum(own, 1e-12))).sum() + drawn)

    bounds = [(-2, 2), (-2, 2), (-2, 2), (-3, 5), (-30, 30), (-30, 30)]
    found = minimize(loss, _START, method="L-BFGS-B", bounds=bounds)
    neat = np.round(np.concatenate((np.exp(found.x[:4]), found.x[4:])), _DIGITS)
    return _rule(np.concatenate((np.log(neat[:4]), neat[4:])), like, digits=_DIGITS)


def _rule(numbers: NDArray[np.float64], like: DecisionRule | None, digits: int = 15) -> DecisionRule:
    temperature, headings, rules, words = (round(float(np.exp(number)), digits) for number in numbers[:4])
    novelty, doubt = map(float, numbers[4:])
    weights = {"model": 1.0, "metadata": 1.0, "text": headings, "ocr": headings, "rules": rules, "layout": 1.0}
    return DecisionRule(
        weights={**weights, "quality": 1.0},
        temperature=temperature,
        half_words=words if like is None else like.half_words,
        foreign=Foreign(novelty, doubt) if like is None else like.foreign,
    )


def fit_temperature(cases: Cases, rule: DecisionRule) -> float:
    """What the temperature must be multiplied by for these documents, 1 at least."""
    rows = np.arange(len(cases))

    def loss(log_factor: NDArray[np.float64]) -> float:
        hotter = replace(rule, temperature=rule.temperature * float(np.exp(log_factor[0])))
        own = cases.probabilities(hotter)[rows, cases.truth]
        return float(-np.log(np.maximum(own, 1e-12)).mean())

    return round(float(np.exp(minimize(loss, [0.1], method="L-BFGS-B", bounds=[(0.0, 3.0)]).x[0])), _DIGITS)


def fit_plausible(cases: Cases, rule: DecisionRule, how: FitDecision) -> tuple[dict[str, float], float]:
    """Least probabilities by label, and that of labels with few real documents or none."""
    own = cases.probabilities(rule)[np.arange(len(cases)), cases.truth]
    real = np.array([kind == REAL for kind in cases.kinds])
    generated = np.array([kind == GENERATED for kind in cases.kinds])
    documents = np.bincount(cases.truth[real], minlength=len(cases.leaves))
    many = np.flatnonzero(documents >= FEWEST_OF_A_GROUP)
    floor = {
        leaf: _rounded_down(least_plausible(own[real & (cases.truth == leaf)].tolist(), how.coverage)) for leaf in many
    }
    pooled = _rounded_down(least_plausible(own[real & ~np.isin(cases.truth, many)].tolist(), how.coverage))
    # Labels with few real documents share one group; those with none get what generated ones of unseen layouts need.
    for leaf in np.flatnonzero(documents == 0):
        drawn = own[generated & (cases.truth == leaf)].tolist()
        if len(drawn) >= FEWEST_OF_A_GROUP:
            floor[leaf] = min(pooled, _rounded_down(least_plausible(drawn, how.coverage)))
    return {cases.leaves[leaf]: floor[leaf] for leaf in sorted(floor) if floor[leaf] != pooled}, pooled


def fit_thresholds(answers: Sequence["Answer"], how: FitDecision) -> tuple[dict[str, float], float]:
    """Least probabilities for acceptance by category, inner ones too, and that of categories without documents."""
    leaves, inner = ([one for one in answers if one.is_leaf is leaf] for leaf in (True, False))
    found = {}
    for part in (leaves, inner):
        pool = _Pool(part)
        for category in sorted({one.category for one in part}):
            found[category] = pool.threshold([one for one in part if one.category == category], how)
    return found, _Pool(leaves).threshold([], how)


@dataclass(frozen=True, slots=True)
class Answer:
    """A category that may be answered of a document, how likely it is, whether it is right, and what that counts."""

    category: str
    probability: float
    is_right: bool
    count: float
    is_leaf: bool


def answers_of(cases: Cases, rule: DecisionRule, how: FitDecision) -> list[Answer]:
    """The likeliest leaf of each document that is not UNKNOWN, and the categories above it."""
    probabilities = cases.probabilities(rule)
    outside = [place for place, leaf in enumerate(cases.leaves) if leaf.split("/", 1)[0] == NO_LABEL]
    below = {
        category: [place for place, leaf in enumerate(cases.leaves) if leaf.startswith(f"{category}/")]
        for category in {parent for leaf in cases.leaves for parent in parents(leaf)}
    }
    found = []
    for shares, truth, kind in zip(probabilities, cases.truth, cases.kinds, strict=True):
        best = int(shares.argmax())
        count = how.judged.get(kind, 0.0)
        if best in outside or not count or shares[outside].sum() >= rule.unknown_from:
            continue
        leaf = cases.leaves[best]
        found.append(Answer(leaf, float(shares[best]), best == truth, count, is_leaf=True))
        for parent in parents(leaf):
            sure = float(shares[below[parent]].sum())
            found.append(Answer(parent, sure, truth in below[parent], count, is_leaf=False))
    return found


def held_out_precision(cases: Cases, rule: DecisionRule, how: FitDecision) -> dict[str, Share]:
    """Of real documents whose leaf reaches its threshold, the share that is right, by that leaf."""
    real = cases.of(np.array([kind == REAL for kind in cases.kinds]))
    right: dict[str, list[bool]] = {}
    for answer in answers_of(real, rule, how):
        if answer.is_leaf and answer.probability >= rule.threshold(answer.category):
            right.setdefault(answer.category, []).append(answer.is_right)
    return {leaf: wilson(sum(right[leaf]), len(right[leaf])) for leaf in sorted(right)}


class _Pool:
    """Answers of all categories, which those with few documents borrow from."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        ranked = sorted(answers, key=lambda one: -one.probability)
        self._probabilities = np.array([one.probability for one in ranked])
        counts = np.array([one.count for one in ranked])
        right = np.array([one.is_right for one in ranked], dtype=np.float64)
        self._precisions = np.cumsum(counts * right) / np.cumsum(counts) if ranked else np.zeros(0)

    def precision(self, threshold: float) -> float:
        """Of the answers at least so likely, or of the surest where they are few; 1 without any."""
        if not len(self._probabilities):
            return 1.0
        surest = self._probabilities[min(_SUREST, len(self._probabilities)) - 1]
        covered = int((self._probabilities >= min(threshold, surest)).sum())
        return float(self._precisions[covered - 1])

    def threshold(self, own: Sequence[Answer], how: FitDecision) -> float:
        """The least from which on the precision, with the pool's share, is as wished for."""
        steps = range(round(how.least_accepted * 1000), round(how.most_asked * 1000))
        for threshold in (step / 1000 for step in steps):
            sure = [one for one in own if one.probability >= threshold]
            right = sum(one.count for one in sure if one.is_right) + how.pooled_documents * self.precision(threshold)
            if right >= how.precision * (sum(one.count for one in sure) + how.pooled_documents):
                return _midway(own, threshold, how) if threshold > how.least_accepted else threshold
        return how.most_asked


def _midway(own: Sequence[Answer], threshold: float, how: FitDecision) -> float:
    """Between the real documents below and above a threshold, where all do as well: the edge is one document's whim."""
    real = [one.probability for one in own if one.count >= 1.0]
    below, above = [one for one in real if one < threshold], [one for one in real if one >= threshold]
    if not (below and above):
        return threshold
    return min(how.most_asked, max(threshold, round((max(below) + min(above)) / 2, 3)))


def _rounded_down(value: float) -> float:
    return float(np.floor(value * 10**_DIGITS) / 10**_DIGITS)
