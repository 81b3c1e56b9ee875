"""What to do with an answer: accept it, have it reviewed, or say that it is unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heron_grpc.classify.decision_rule import DecisionRule
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


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where an answer is sure enough: a category's own threshold, else the deployment's, else the fitted one."""

    taxonomy: Taxonomy
    settings: ClassifySettings
    rule: DecisionRule

    def accept(self, category: str) -> float:
        """Least probability for automatic acceptance of a category."""
        own = self.taxonomy[category].accept_threshold
        if own is not None:
            return own
        chosen = self.settings.accept_threshold
        return self.rule.threshold(category) if chosen is None else chosen


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision and the category it is about: the best leaf, or what lies above it; None where no label is given."""

    decision: Decision
    category: str | None = None


def decide(case: Case, thresholds: Thresholds) -> Outcome:
    """The decision table, strictest line first."""
    sure = case.levels[case.best]
    if _is_none(case.best):
        return Outcome(Decision.UNKNOWN)
    if case.settled:
        return Outcome(_accepted(sure >= thresholds.accept(case.best)), case.best)
    if _is_foreign(case, thresholds):
        return Outcome(Decision.UNKNOWN)
    found = _deepest_sure(case, thresholds)
    if found is not None:
        return Outcome(_accepted(case.letters >= FEWEST_LETTERS), found)
    if sure < thresholds.settings.unknown_below:
        return Outcome(Decision.UNKNOWN)
    return Outcome(Decision.NEEDS_REVIEW, case.best)


def labels(categories: Sequence[str], levels: Mapping[str, float]) -> tuple[LabelScore, ...]:
    """Each label followed by its parents, none twice."""
    named = dict.fromkeys(one for category in categories for one in (category, *parents(category)))
    return tuple(LabelScore(category, levels[category]) for category in named)


def _accepted(is_sure: bool) -> Decision:
    return Decision.ACCEPTED if is_sure else Decision.NEEDS_REVIEW


def _is_none(category: str) -> bool:
    return category.split("/", 1)[0] == NO_LABEL


def _is_foreign(case: Case, thresholds: Thresholds) -> bool:
    if case.novelty > thresholds.settings.unknown_above_novelty:
        return True
    # 1 means never, also where rounding makes a sum 1.
    from_here = thresholds.rule.unknown_from
    return from_here < 1.0 and case.levels.get(NO_LABEL, 0.0) >= from_here


def _deepest_sure(case: Case, thresholds: Thresholds) -> str | None:
    """The best leaf or the nearest category above it that is sure enough and says less than the leaf alone."""
    sure = case.levels[case.best]
    if sure >= thresholds.accept(case.best):
        return case.best
    if not case.likeliest:
        return None
    above = (parent for parent in parents(case.best) if case.levels[parent] > sure)
    return next((parent for parent in above if case.levels[parent] >= thresholds.accept(parent)), None)
