"""What to do with an answer: accept it, have it reviewed, or say that it is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass

from heron_grpc.domain.classification import Decision, LabelScore
from heron_grpc.domain.taxonomy import Taxonomy, parents
from heron_grpc.settings import ClassifySettings

# The branch of labels that say a document is none of the others.
NO_LABEL = "meta"
# Letters below which a text says too little for a model.
FEWEST_LETTERS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What a decision rests on."""

    # The best leaf.
    best: str
    # Probabilities of all categories.
    levels: Mapping[str, float]
    novelty: float
    # Letters in the document text.
    letters: int
    # Decisive rules settled it.
    settled: bool
    # No other leaf is likelier; False where the caller's candidates leave the likeliest out.
    likeliest: bool = True


def decide(case: Case, taxonomy: Taxonomy, settings: ClassifySettings) -> Decision:
    """The decision table, strictest line first."""
    sure = case.levels[case.best]
    if _is_none(case.best):
        return Decision.UNKNOWN
    if case.settled:
        return Decision.ACCEPTED if sure >= threshold(case.best, taxonomy, settings) else Decision.NEEDS_REVIEW
    if case.novelty > settings.unknown_above_novelty:
        return Decision.UNKNOWN
    if sure < settings.unknown_below and not _some_parent_is_sure(case, settings):
        return Decision.UNKNOWN
    if sure < threshold(case.best, taxonomy, settings) or case.letters < FEWEST_LETTERS:
        return Decision.NEEDS_REVIEW
    return Decision.ACCEPTED


def threshold(category: str, taxonomy: Taxonomy, settings: ClassifySettings) -> float:
    """Least probability for automatic acceptance of a category."""
    own = taxonomy[category].accept_threshold
    return settings.accept_threshold if own is None else own


def labels(decision: Decision, best: str, levels: Mapping[str, float]) -> tuple[LabelScore, ...]:
    """The label followed by its parents; none where the decision gives no label."""
    if decision in {Decision.UNKNOWN, Decision.UNREADABLE}:
        return ()
    return tuple(LabelScore(category, levels[category]) for category in (best, *parents(best)))


def _is_none(category: str) -> bool:
    return category.split("/", 1)[0] == NO_LABEL


def _some_parent_is_sure(case: Case, settings: ClassifySettings) -> bool:
    return case.likeliest and any(case.levels[parent] >= settings.accept_threshold for parent in parents(case.best))
