"""Puts the stages together: probabilities of all leaves and of everything above them.

For leaf l out of the n that compete:

    logit(l) = (m * log prior(l) + sum over stages of w(stage) * log-odds(stage, l) + [l is meta/other] * foreign) / T
    p(l)     = softmax(logit)(l),   p(parent) = sum of p over its leaves

prior is the model's calibrated probability over the leaves that compete; leaves the model was not trained on share
UNTRAINED of it evenly. Where decisive rules settle a label, the prior is half that label and half the rest: the
model's distribution if it ran, else all leaves evenly. m is the model's weight, less where OCR was unsure or the text
has few words the model knows. A stage's log-odds for an inner category count for each of its leaves. Each stage caps
its own log-odds. Weights, foreign and T are those of a DecisionRule.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from heron_grpc.domain.classification import LabelScore
from heron_grpc.domain.taxonomy import Taxonomy

# Share of the prior for all leaves the model cannot know: small, so that only rules and titles can lift them.
UNTRAINED = 0.02
# Keeps a probability of 0 from being beyond any evidence.
FLOOR = 1e-6
_LOG_FLOOR = math.log(FLOOR)
# A model that gives all candidates together less than this says nothing about them.
_NEGLIGIBLE = 1e-9


def prior(leaves: Sequence[str], model: Mapping[str, float] | None, settled: str | None = None) -> dict[str, float]:
    """The distribution over `leaves` (not empty) the stages' log-odds are added to; adds up to 1."""
    shares = _even(leaves) if model is None else _trained(leaves, model)
    if settled is None:
        return shares
    return {leaf: half_settled(share, leaf, settled) for leaf, share in shares.items()}


def prior_without_model(leaves: Sequence[str], leaf: str, settled: str | None) -> float:
    """prior(leaves, None, settled)[leaf]."""
    share = 1.0 / len(leaves)
    return share if settled is None else half_settled(share, leaf, settled)


def half_settled(share: float, leaf: str, settled: str) -> float:
    """A leaf's share of the prior where half of it goes to the settled one."""
    return 0.5 * share + (0.5 if leaf == settled else 0.0)


def combine(
    taxonomy: Taxonomy,
    prior_shares: Mapping[str, float],
    log_odds: Iterable[Mapping[str, float]],
    model_weight: float = 1.0,
    heat: float = 1.0,
) -> dict[str, float]:
    """Probabilities of the open leaves, which add up to 1; m and T of the formula, log-odds with their weights."""
    logits = {
        leaf: model_weight * (math.log(share) if share > FLOOR else _LOG_FLOOR) for leaf, share in prior_shares.items()
    }
    for stage in log_odds:
        for category, value in stage.items():
            for leaf in taxonomy.open_leaves_below.get(category, ()):
                logits[leaf] += value
    top = max(logits.values())
    weights = {leaf: math.exp((value - top) / heat) for leaf, value in logits.items()}
    total = math.fsum(weights.values())
    return {leaf: weight / total for leaf, weight in weights.items()}


def gain(share: float, before: float) -> float:
    """How much the log of a leaf's share of the prior grew from `before`."""
    return math.log(max(share, FLOOR) / max(before, FLOOR))


def all_levels(taxonomy: Taxonomy, leaves: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of every category with open leaves: a parent has the sum of its leaves, 1 at most.

    By depth, then by id.
    """
    return {
        category: leaves[category] if category in leaves else min(1.0, sum(map(leaves.__getitem__, below)))
        for category, below in taxonomy.open_leaves_below.items()
    }


def likeliest(leaves: Sequence[str], probabilities: Mapping[str, float]) -> str:
    """The leaf with the highest probability; of equals the last by id."""
    return max(zip(map(probabilities.__getitem__, leaves), leaves, strict=True))[1]


def best_first(levels: Mapping[str, float], max_scores: int, min_score: float) -> tuple[LabelScore, ...]:
    """At most `max_scores` (-1 means none) scores from `min_score` up; equal ones stay in the order of `levels`."""
    if max_scores < 0:
        return ()
    ranked = sorted(levels, key=levels.__getitem__, reverse=True)[:max_scores]
    return tuple(LabelScore(category, levels[category]) for category in ranked if levels[category] >= min_score)


def _trained(leaves: Sequence[str], model: Mapping[str, float]) -> dict[str, float]:
    known = {leaf: model[leaf] for leaf in leaves if leaf in model}
    total = sum(known.values())
    if total < _NEGLIGIBLE:
        return _even(leaves)
    unknown = len(leaves) - len(known)
    if not unknown:
        return {leaf: probability / total for leaf, probability in known.items()}
    return {leaf: (1.0 - UNTRAINED) * known[leaf] / total if leaf in known else UNTRAINED / unknown for leaf in leaves}


def _even(leaves: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(leaves, 1.0 / len(leaves))
