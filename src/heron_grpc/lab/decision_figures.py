"""Figures of whole decisions: what is accepted, whether the true label is among the plausible ones, what is foreign."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from heron_grpc.domain.classification import Decision
from heron_grpc.lab.curves import calibration_error, out_of_scope, reliability
from heron_grpc.lab.measures import Judged, Share, is_outside, leaf_accuracy, wilson
from heron_grpc.lab.stage_figures import is_within

# Documents a label needs for figures of its own; the others share theirs.
FEWEST_OF_A_LABEL = 30
OTHERS = "labels with fewer documents"
# Of documents with a label, the share that is to be accepted where foreign ones are counted.
COVERAGE = 0.9


def decision_figures(rows: Sequence[Judged]) -> dict[str, Share]:
    """By name; shares with their 95 % intervals, others with the value as both ends."""
    accepted = [row for row in rows if row.decision is Decision.ACCEPTED]
    right = [is_within(row.truth, row.answered) for row in accepted]
    found = {
        "leaf_accuracy": leaf_accuracy(rows),
        "calibration_error": _plain(calibration_error(reliability(rows)), len(rows)),
        "accepted": wilson(len(accepted), len(rows)),
        "accepted_right": wilson(sum(right), len(right)),
        "accepted_above_leaf": wilson(sum(row.answered not in row.probabilities for row in accepted), len(accepted)),
        "plausible_coverage": plausible_coverage(rows),
        "plausible_size": _plain(sum(len(row.plausible) for row in rows) / max(len(rows), 1), len(rows)),
        "foreign_accepted_at_90": foreign_accepted(rows),
    }
    separation = out_of_scope(rows).by_probability
    if separation:
        documents = separation.inside + separation.outside
        found["out_of_scope_auroc"] = Share(separation.value, separation.low, separation.high, documents)
    return found


def coverage_by_label(rows: Sequence[Judged]) -> dict[str, Share]:
    """How often the true label is among the plausible ones, by that label."""
    documents = Counter(row.truth for row in rows)
    parts: dict[str, list[Judged]] = {}
    for row in rows:
        parts.setdefault(row.truth if documents[row.truth] >= FEWEST_OF_A_LABEL else OTHERS, []).append(row)
    return {label: plausible_coverage(parts[label]) for label in sorted(parts)}


def plausible_coverage(rows: Sequence[Judged]) -> Share:
    """How often the true label is among the plausible ones."""
    return wilson(sum(row.truth in row.plausible for row in rows), len(rows))


def foreign_accepted(rows: Sequence[Judged]) -> Share:
    """Foreign documents as sure of a label as the surest nine tenths of the others."""
    inside = sorted((_best(row) for row in rows if not is_outside(row.truth)), reverse=True)
    outside = [_best(row) for row in rows if is_outside(row.truth)]
    if not inside:
        return wilson(0, 0)
    least = inside[ceil(COVERAGE * len(inside)) - 1]
    return wilson(sum(best >= least for best in outside), len(outside))


def _best(row: Judged) -> float:
    return max((share for label, share in row.probabilities.items() if not is_outside(label)), default=0.0)


def _plain(value: float, documents: int) -> Share:
    return Share(value, value, value, documents)
