"""Figures of probabilities: calibration, accuracy of the surest answers, and telling what lies outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt

from heron_grpc.lab.measures import Judged, Share, Z, is_outside, wilson

ECE_BINS = 10
# Of a coverage curve that is drawn.
_MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about the same confidence, and how many of them were right."""

    # Of the confidence.
    low: float
    high: float
    mean_confidence: float
    accuracy: Share


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """The share of documents answered with at least a confidence, and the accuracy of those answers."""

    confidence: float
    coverage: float
    accuracy: Share


@dataclass(frozen=True, slots=True)
class Separation:
    """Area under the ROC curve with its 95 % interval (Hanley and McNeil, 1982), 0.5 for no separation."""

    value: float
    low: float
    high: float
    inside: int
    outside: int


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """How well documents that no label fits are told from the others; None where one kind or the figure is missing."""

    # By the probabilities of all labels below "meta" together.
    by_probability: Separation | None
    by_novelty: Separation | None


def reliability(rows: Sequence[Judged]) -> tuple[ReliabilityBin, ...]:
    """The bins of equal width that hold answers, from unsure to sure; refused documents are in none."""
    bins: dict[int, list[Judged]] = {}
    for row in rows:
        if row.probabilities:
            bins.setdefault(min(int(row.confidence * ECE_BINS), ECE_BINS - 1), []).append(row)
    return tuple(
        ReliabilityBin(
            number / ECE_BINS,
            (number + 1) / ECE_BINS,
            sum(row.confidence for row in found) / len(found),
            wilson(sum(map(_is_likeliest, found)), len(found)),
        )
        for number, found in sorted(bins.items())
    )


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: |confidence - accuracy| of the bins, weighted by documents (Guo et al., 2017)."""
    documents = sum(found.accuracy.documents for found in bins)
    gaps = (abs(found.mean_confidence - found.accuracy.value) * found.accuracy.documents for found in bins)
    return sum(gaps) / documents if documents else 0.0


def coverage_curve(rows: Sequence[Judged]) -> tuple[CoveragePoint, ...]:
    """Accuracy of the answers from each confidence up, the surest first; refused documents are never covered."""
    answered = sorted((row for row in rows if row.probabilities), key=lambda row: -row.confidence)
    points: list[CoveragePoint] = []
    covered = right = 0
    for confidence, group in groupby(answered, key=lambda row: row.confidence):
        alike = list(group)
        covered, right = covered + len(alike), right + sum(map(_is_likeliest, alike))
        points.append(CoveragePoint(confidence, covered / len(rows), wilson(right, covered)))
    return tuple(points)


def thinned(points: Sequence[CoveragePoint]) -> tuple[CoveragePoint, ...]:
    """At most so many of the points as a picture shows, the last one always among them."""
    step = -(-len(points) // _MOST_POINTS) or 1
    return tuple(points[::-1][::step][::-1])


def coverage_at(points: Sequence[CoveragePoint], accuracy: float) -> float:
    """The largest coverage with at least an accuracy; 0 when no confidence gives it."""
    return max((point.coverage for point in points if point.accuracy.value >= accuracy), default=0.0)


def out_of_scope(rows: Sequence[Judged]) -> OutOfScope:
    """Documents truly below "meta" against the rest, by what was said of those that got an answer."""
    answered = [row for row in rows if row.probabilities]
    novel = [row for row in answered if row.novelty is not None]
    return OutOfScope(
        separation([_outside_probability(row) for row in answered], [is_outside(row.truth) for row in answered]),
        separation([row.novelty or 0.0 for row in novel], [is_outside(row.truth) for row in novel]),
    )


def separation(scores: Sequence[float], outside: Sequence[bool]) -> Separation | None:
    """How often a document outside scores more than one inside, ties by half; None without both kinds."""
    outer = sum(outside)
    inner = len(outside) - outer
    if not (outer and inner):
        return None
    ranked = sorted(zip(scores, outside, strict=True))
    wins, below = 0.0, 0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        alike = [is_outer for _, is_outer in group]
        here = alike.count(False)
        wins += alike.count(True) * (below + here / 2)
        below += here
    area = wins / (outer * inner)
    half = Z * _standard_error(area, outer, inner)
    return Separation(area, max(area - half, 0.0), min(area + half, 1.0), inner, outer)


def _is_likeliest(row: Judged) -> bool:
    return row.likeliest == row.truth


def _outside_probability(row: Judged) -> float:
    return sum(value for label, value in row.probabilities.items() if is_outside(label))


def _standard_error(area: float, outer: int, inner: int) -> float:
    """Of the area; 0 for a perfect one, whose interval this formula cannot tell."""
    both_outer, both_inner = area / (2 - area), 2 * area * area / (1 + area)
    square = area * (1 - area) + (outer - 1) * (both_outer - area * area) + (inner - 1) * (both_inner - area * area)
    return sqrt(max(square, 0.0) / (outer * inner))
