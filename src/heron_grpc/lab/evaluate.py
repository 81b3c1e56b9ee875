"""All figures of answers to documents whose labels are known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from heron_grpc.domain.ports import Classifier
from heron_grpc.lab.corpus import CorpusRow, load_corpus, split_rows
from heron_grpc.lab.curves import (
    CoveragePoint,
    OutOfScope,
    ReliabilityBin,
    calibration_error,
    coverage_at,
    coverage_curve,
    out_of_scope,
    reliability,
    thinned,
)
from heron_grpc.lab.decision_figures import coverage_by_label, decision_figures
from heron_grpc.lab.judging import Progress, judge_by_model
from heron_grpc.lab.labelled_texts import of_corpus
from heron_grpc.lab.measures import (
    ClassFigures,
    DecisionFigures,
    Judged,
    Share,
    class_figures,
    confusions,
    decisions,
    leaf_accuracy,
    macro_f1,
    rolled_up_accuracy,
    slices,
)
from heron_grpc.lab.stage_figures import StageFigures, stage_figures

# Labels with fewer documents say little alone; the second macro-F1 leaves them out.
MANY = 20
# Accuracies people ask of answers nobody looks at again.
_ACCURACIES = (0.95, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one run."""

    leaf: Share
    rolled_up: Share
    macro_f1: float
    # Over the labels with at least 20 documents.
    macro_f1_many: float
    calibration_error: float
    reliability: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]
    # Accuracy, and the largest share of documents, the surest ones, that has it.
    coverage_at: tuple[tuple[float, float], ...]
    out_of_scope: OutOfScope
    classes: tuple[ClassFigures, ...]
    confusions: tuple[tuple[str, str, int], ...]
    # Accuracy by language, source and format, where known.
    slices: tuple[tuple[str, Share], ...]
    # Empty where a model was asked alone.
    decisions: tuple[DecisionFigures, ...]
    # Figures of whole decisions by name; by label, how often its set of plausible labels holds it.
    whole: dict[str, Share]
    plausible: dict[str, Share]
    stages: tuple[StageFigures, ...]

    @property
    def headline(self) -> dict[str, Share]:
        """The figures a model's manifest tells, by name; without an interval low and high are the value."""
        documents = self.leaf.documents
        plain = {
            "macro_f1": self.macro_f1,
            "macro_f1_many": self.macro_f1_many,
            "calibration_error": self.calibration_error,
        }
        separations = {
            "out_of_scope_auroc": self.out_of_scope.by_probability,
            "novelty_auroc": self.out_of_scope.by_novelty,
        }
        return {
            "leaf_accuracy": self.leaf,
            "rolled_up_accuracy": self.rolled_up,
            **{name: Share(value, value, value, documents) for name, value in plain.items()},
            **{
                name: Share(found.value, found.low, found.high, found.inside + found.outside)
                for name, found in separations.items()
                if found
            },
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)


def evaluate_rows(rows: Sequence[Judged]) -> Evaluation:
    """The figures of answered documents, wherever the answers come from."""
    decided = any(row.plausible for row in rows)
    figures, bins, curve = class_figures(rows), reliability(rows), coverage_curve(rows)
    return Evaluation(
        leaf=leaf_accuracy(rows),
        rolled_up=rolled_up_accuracy(rows),
        macro_f1=macro_f1(figures),
        macro_f1_many=macro_f1(figures, MANY),
        calibration_error=calibration_error(bins),
        reliability=bins,
        coverage=thinned(curve),
        coverage_at=tuple((accuracy, coverage_at(curve, accuracy)) for accuracy in _ACCURACIES),
        out_of_scope=out_of_scope(rows),
        classes=figures,
        confusions=confusions(rows),
        slices=slices(rows),
        decisions=decisions(rows),
        whole=decision_figures(rows) if decided else {},
        plausible=coverage_by_label(rows) if decided else {},
        stages=stage_figures(rows),
    )


def evaluate_corpus(
    classifier: Classifier, corpus_path: Path, split: str = "dev", progress: Progress | None = None
) -> Evaluation:
    """A classifier's figures on a split of the corpus, its labels as they are. Blocks."""
    return evaluate_texts(classifier, split_rows(load_corpus(corpus_path), split), progress)


def evaluate_texts(
    classifier: Classifier, documents: Sequence[CorpusRow], progress: Progress | None = None
) -> Evaluation:
    """A classifier's figures on texts of a corpus. Blocks."""
    return evaluate_rows(judge_by_model(classifier, of_corpus(documents), progress))
