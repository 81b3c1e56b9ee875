"""Puts the stages together: probabilities of all leaves and of everything above them.

For leaf l out of the n that compete:

    logit(l) = q * log prior(l) + sum over stages of log-odds(stage, l)
    p(l)     = softmax(logit)(l),   p(parent) = sum of p over its leaves

prior is the model's calibrated probability over the leaves that compete; leaves the model was not trained on share
UNTRAINED of it evenly. Where decisive rules settle a label, the prior is half that label and half the rest: the
model's distribution if it ran, else all leaves evenly. q is 1, less where OCR was unsure. A stage's log-odds for an
inner category count for each of its leaves. Each stage caps its own log-odds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from heron_grpc.domain.classification import LabelScore
from heron_grpc.domain.taxonomy import Taxonomy, parents

# Share of the prior for all leaves the model cannot know: small, so that only rules and titles can lift them.
UNTRAINED = 0.02
# Keeps a probability of 0 from being beyond any evidence.
_FLOOR = 1e-6
# A model that gives all candidates together less than this says nothing about them.
_NEGLIGIBLE = 1e-9


def prior(leaves: Sequence[str], model: Mapping[str, float] | None, settled: str | None = None) -> dict[str, float]:
    """The distribution over `leaves` (not empty) the stages' log-odds are added to; adds up to 1."""
    rest = _even(leaves) if model is None else _trained(leaves, model)
    if settled is None:
        return rest
    return {leaf: 0.5 * share + (0.5 if leaf == settled else 0.0) for leaf, share in rest.items()}


def combine(
    prior_shares: Mapping[str, float], log_odds: Iterable[Mapping[str, float]], quality: float = 1.0
) -> dict[str, float]:
    """Leaf probabilities that add up to 1; `quality` is q of the formula, above 0 and at most 1."""
    logits = {leaf: quality * math.log(max(share, _FLOOR)) for leaf, share in prior_shares.items()}
    for stage in log_odds:
        for category, value in stage.items():
            for leaf in leaves_below(logits, category):
                logits[leaf] += value
    top = max(logits.values())
    weights = {leaf: math.exp(value - top) for leaf, value in logits.items()}
    return _normalised(weights)


def gain(prior_shares: Mapping[str, float], before: Mapping[str, float], leaf: str) -> float:
    """How much the log of a leaf's prior grew from `before`."""
    return math.log(max(prior_shares[leaf], _FLOOR) / max(before[leaf], _FLOOR))


def leaves_below(leaves: Iterable[str], category: str) -> list[str]:
    """The leaves that are the category or lie below it."""
    return [leaf for leaf in leaves if leaf == category or leaf.startswith(f"{category}/")]


def all_levels(taxonomy: Taxonomy, leaves: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of every category: a parent has the sum of its leaves, 1 at most."""
    sums: dict[str, float] = {category.id: 0.0 for category in taxonomy.categories}
    for leaf, probability in leaves.items():
        for category in (leaf, *parents(leaf)):
            sums[category] += probability
    return {category: min(1.0, value) for category, value in sums.items()}


def best_first(levels: Mapping[str, float], max_scores: int, min_score: float) -> tuple[LabelScore, ...]:
    """At most `max_scores` (-1 means none) scores from `min_score` up; a parent before its equal child."""
    if max_scores < 0:
        return ()
    ranked = sorted(levels.items(), key=lambda item: (-item[1], item[0].count("/"), item[0]))
    return tuple(LabelScore(*item) for item in ranked if item[1] >= min_score)[:max_scores]


def _trained(leaves: Sequence[str], model: Mapping[str, float]) -> dict[str, float]:
    known = {leaf: model[leaf] for leaf in leaves if leaf in model}
    total = sum(known.values())
    if total < _NEGLIGIBLE:
        return _even(leaves)
    unknown = len(leaves) - len(known)
    share = UNTRAINED if unknown else 0.0
    return {leaf: (1.0 - share) * known[leaf] / total if leaf in known else share / unknown for leaf in leaves}


def _even(leaves: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(leaves, 1.0 / len(leaves))


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(weights.values())
    return {leaf: weight / total for leaf, weight in weights.items()}
