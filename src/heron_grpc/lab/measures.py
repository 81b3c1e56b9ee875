"""Figures of classifier answers: intervals, accuracy, F1, calibration error."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from heron_grpc.domain.taxonomy import parents

# Two-sided 95 %.
_Z = 1.959964
ECE_BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """A document's true label and what was said of it; no probabilities mean no answer."""

    truth: str
    probabilities: dict[str, float]

    @property
    def predicted(self) -> str:
        """The likeliest label, the first by name among equals; empty without an answer."""
        return min(self.probabilities, key=lambda label: (-self.probabilities[label], label), default="")

    @property
    def confidence(self) -> float:
        """Probability of the likeliest label."""
        return self.probabilities.get(self.predicted, 0.0)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of documents with its 95 % Wilson score interval."""

    value: float
    low: float
    high: float
    documents: int


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One true label's precision, recall and F1."""

    label: str
    documents: int
    precision: float
    recall: float
    f1: float


def wilson(hits: int, documents: int) -> Share:
    """The share hits / documents and its interval (Wilson, 1927); 0 to 1 for no documents."""
    if not documents:
        return Share(0.0, 0.0, 1.0, 0)
    share, square = hits / documents, _Z * _Z / documents
    centre = (share + square / 2) / (1 + square)
    half = _Z * sqrt(share * (1 - share) / documents + square / (4 * documents)) / (1 + square)
    return Share(share, max(centre - half, 0.0), min(centre + half, 1.0), documents)


def leaf_accuracy(rows: Sequence[Judged]) -> Share:
    """Share whose likeliest label is the true one."""
    return wilson(sum(row.predicted == row.truth for row in rows), len(rows))


def rolled_up_accuracy(rows: Sequence[Judged]) -> Share:
    """Share whose likeliest label has the true label's nearest parent, or is the true label where that has none."""
    return wilson(sum(_parent(row.predicted) == _parent(row.truth) for row in rows), len(rows))


def class_figures(rows: Sequence[Judged]) -> tuple[ClassFigures, ...]:
    """Precision, recall and F1 of every true label, by name."""
    true, said = Counter(row.truth for row in rows), Counter(row.predicted for row in rows)
    hits = Counter(row.truth for row in rows if row.predicted == row.truth)
    return tuple(
        ClassFigures(
            label,
            true[label],
            hits[label] / said[label] if said[label] else 0.0,
            hits[label] / true[label],
            2 * hits[label] / (true[label] + said[label]),
        )
        for label in sorted(true)
    )


def macro_f1(figures: Sequence[ClassFigures], least_documents: int = 1) -> float:
    """Mean F1 of the labels with at least so many documents; 0 when there is none."""
    scores = [figure.f1 for figure in figures if figure.documents >= least_documents]
    return sum(scores) / len(scores) if scores else 0.0


def calibration_error(rows: Sequence[Judged]) -> float:
    """Expected calibration error: |confidence - accuracy| over equal-width bins, weighted by documents (Guo 2017)."""
    bins: dict[int, list[Judged]] = {}
    for row in rows:
        bins.setdefault(min(int(row.confidence * ECE_BINS), ECE_BINS - 1), []).append(row)
    gaps = (abs(sum(row.confidence - (row.predicted == row.truth) for row in found)) for found in bins.values())
    return sum(gaps) / len(rows) if rows else 0.0


def confusions(rows: Sequence[Judged]) -> tuple[tuple[str, str, int], ...]:
    """(truth, predicted, documents) of the mistakes, most frequent first."""
    counts = Counter((row.truth, row.predicted) for row in rows if row.predicted != row.truth)
    return tuple((truth, said, count) for (truth, said), count in sorted(counts.items(), key=lambda x: (-x[1], x[0])))


def _parent(label: str) -> str:
    return next(parents(label), label)
