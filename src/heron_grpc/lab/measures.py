"""Figures of classifier answers: intervals, accuracy, F1, confusion, decisions, slices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from heron_grpc.domain.classification import Decision, StageOpinion
from heron_grpc.domain.taxonomy import parents

# Two-sided 95 %.
Z = 1.959964
# What UNKNOWN and UNREADABLE say, as labels.
OTHER = "meta/other"
UNREADABLE = "meta/unreadable"
REFUSED = "refused"
# A true "label" that asks for a person: the word for NEEDS_REVIEW of those who know no decisions.
UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Judged:
    """A document's true label and what was said of it; neither probabilities nor a decision: it was refused."""

    truth: str
    # Of leaves.
    probabilities: Mapping[str, float]
    # None where a model was asked alone.
    decision: Decision | None = None
    novelty: float | None = None
    opinions: tuple[StageOpinion, ...] = ()
    # What slices are made by, e.g. "language" -> "de".
    facets: Mapping[str, str] = field(default_factory=dict)
    # The first label given, a leaf or what lies above it; empty where none was.
    answered: str = ""
    # Leaves said to be plausible.
    plausible: tuple[str, ...] = ()

    @property
    def likeliest(self) -> str:
        """The leaf of the highest probability, the first by name among equals; empty without probabilities."""
        return min(self.probabilities, key=lambda label: (-self.probabilities[label], label), default="")

    @property
    def confidence(self) -> float:
        """Probability of the likeliest leaf."""
        return self.probabilities.get(self.likeliest, 0.0)

    @property
    def predicted(self) -> str:
        """The label answered: the likeliest leaf, but a decision for no label is one of those below "meta"."""
        if self.decision is Decision.UNREADABLE:
            return UNREADABLE
        if self.decision is Decision.UNKNOWN and not is_outside(self.likeliest):
            return OTHER
        return self.likeliest

    @property
    def is_right(self) -> bool:
        """Whether the label answered is the true one or, where that is no leaf, lies below it."""
        if self.truth == UNSURE:
            return self.decision is Decision.NEEDS_REVIEW
        return self.predicted == self.truth or self.predicted.startswith(f"{self.truth}/")


@dataclass(frozen=True, slots=True)
class Share:
    """A share of documents with its 95 % Wilson score interval."""

    value: float
    low: float
    high: float
    documents: int


@dataclass(frozen=True, slots=True)
class DecisionFigures:
    """How often a decision was made and how often it was right: its label is, or it gives none and there is none."""

    # As the service says it; "refused" for documents it took no decision on.
    decision: str
    documents: int
    right: Share


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
    share, square = hits / documents, Z * Z / documents
    centre = (share + square / 2) / (1 + square)
    half = Z * sqrt(share * (1 - share) / documents + square / (4 * documents)) / (1 + square)
    return Share(share, max(centre - half, 0.0), min(centre + half, 1.0), documents)


def leaf_accuracy(rows: Sequence[Judged]) -> Share:
    """Share whose label is the true one."""
    return wilson(sum(row.is_right for row in rows), len(rows))


def rolled_up_accuracy(rows: Sequence[Judged]) -> Share:
    """Share whose label has the true label's nearest parent, or is the true label where that has none."""
    return wilson(sum(_parent(row.predicted) == _parent(row.truth) for row in rows), len(rows))


def class_figures(rows: Sequence[Judged]) -> tuple[ClassFigures, ...]:
    """Precision, recall and F1 of every true label, by name."""
    true, said = Counter(row.truth for row in rows), Counter(row.predicted for row in rows)
    hits = Counter(row.truth for row in rows if row.is_right)
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


def confusions(rows: Sequence[Judged]) -> tuple[tuple[str, str, int], ...]:
    """(truth, predicted, documents) of the mistakes, most frequent first."""
    counts = Counter((row.truth, row.predicted) for row in rows if not row.is_right)
    return tuple((truth, said, count) for (truth, said), count in sorted(counts.items(), key=lambda x: (-x[1], x[0])))


def decisions(rows: Sequence[Judged]) -> tuple[DecisionFigures, ...]:
    """Of documents a decision was made on and of those refused; nothing where a model was asked alone."""
    decided = [row for row in rows if row.decision is not None or not row.probabilities]
    made: dict[str, list[bool]] = {name: [] for name in (*(decision.value for decision in Decision), REFUSED)}
    for row in decided:
        made[row.decision.value if row.decision else REFUSED].append(_is_right_decision(row))
    return tuple(
        DecisionFigures(decision, len(right), wilson(sum(right), len(right)))
        for decision, right in made.items()
        if right
    )


def slices(rows: Sequence[Judged]) -> tuple[tuple[str, Share], ...]:
    """Accuracy by every value of every facet, e.g. "language de", by name."""
    parts: dict[str, list[Judged]] = {}
    for row in rows:
        for facet, value in row.facets.items():
            parts.setdefault(f"{facet} {value}", []).append(row)
    return tuple((name, leaf_accuracy(parts[name])) for name in sorted(parts))


def is_outside(label: str) -> bool:
    """Whether a label says that a document is none of the others."""
    return label.split("/", 1)[0] == "meta"


def _is_right_decision(row: Judged) -> bool:
    """UNKNOWN is right of whatever the taxonomy has no label for, whichever of the reasons it is."""
    return row.is_right or (row.decision is Decision.UNKNOWN and is_outside(row.truth))


def _parent(label: str) -> str:
    return next(parents(label), label)
