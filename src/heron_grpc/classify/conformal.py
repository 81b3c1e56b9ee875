"""Sets of leaves that hold the true one as often as promised (split conformal prediction, one group a label).

Vovk, "Conditional validity of inductive conformal predictors" (2012): a leaf is in the set when its probability is at
least what all but the allowed share of documents of that very leaf had.
"""

import math
from collections.abc import Mapping, Sequence

from heron_grpc.classify.decision_rule import DecisionRule


def plausible_leaves(leaves: Sequence[str], probabilities: Mapping[str, float], rule: DecisionRule) -> tuple[str, ...]:
    """Likeliest first, never empty: the likeliest leaf stands for a set in which none is likely enough."""
    ranked = sorted(leaves, key=lambda leaf: (-probabilities[leaf], leaf))
    if rule.plausible_others is None:
        return tuple(_adding_up(ranked, probabilities, rule.coverage))
    others = rule.plausible_others
    found = tuple(leaf for leaf in ranked if probabilities[leaf] >= rule.plausible.get(leaf, others))
    return found or (ranked[0],)


def least_plausible(own: Sequence[float], coverage: float) -> float:
    """The probability that all but the allowed share of documents gave their own label; 0 for too few documents.

    The floor(alpha * (n + 1))-th smallest of n, the finite-sample quantile of split conformal prediction.
    """
    rank = math.floor((1.0 - coverage) * (len(own) + 1) + 1e-9)
    return sorted(own)[rank - 1] if rank else 0.0


def _adding_up(ranked: Sequence[str], probabilities: Mapping[str, float], coverage: float) -> Sequence[str]:
    total = 0.0
    for place, leaf in enumerate(ranked):
        total += probabilities[leaf]
        if total >= coverage:
            return ranked[: place + 1]
    return ranked
