"""Sets of leaves that hold the true one as often as promised (split conformal prediction, one group a label).

Vovk, "Conditional validity of inductive conformal predictors" (2012): a leaf is in the set when its probability is at
least what all but the allowed share of documents of that very leaf had.
"""

import math
from collections.abc import Mapping, Sequence

from heron_grpc.classify.decision_rule import DecisionRule

# What has text that could be read is neither.
_WITHOUT_TEXT = frozenset({"meta/blank", "meta/unreadable"})


def plausible_leaves(leaves: Sequence[str], probabilities: Mapping[str, float], rule: DecisionRule) -> tuple[str, ...]:
    """Likeliest first; the likeliest is always among them, which can only add to what the sets hold."""
    ranked = sorted(
        (leaf for leaf in leaves if leaf not in _WITHOUT_TEXT), key=lambda leaf: (-probabilities[leaf], leaf)
    )
    if not ranked:
        return tuple(leaves)
    if rule.plausible_others is None:
        return tuple(_adding_up(ranked, probabilities, rule.coverage))
    others = rule.plausible_others
    likely = (leaf for leaf in ranked[1:] if probabilities[leaf] >= rule.plausible.get(leaf, others))
    return (ranked[0], *likely)


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
