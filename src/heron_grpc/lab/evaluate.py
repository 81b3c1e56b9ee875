"""Measures a classifier on real documents and lays the figures out for machines and people."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from heron_grpc.domain.ports import Classifier
from heron_grpc.lab.corpus import CorpusRow, load_corpus, split_rows
from heron_grpc.lab.measures import (
    ClassFigures,
    Judged,
    Share,
    calibration_error,
    class_figures,
    confusions,
    leaf_accuracy,
    macro_f1,
    rolled_up_accuracy,
)

# Labels with fewer documents say little alone; the second macro-F1 leaves them out.
_MANY = 20
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one run."""

    leaf: Share
    rolled_up: Share
    macro_f1: float
    # Over the labels with at least 20 documents.
    macro_f1_many: float
    calibration_error: float
    classes: tuple[ClassFigures, ...]
    confusions: tuple[tuple[str, str, int], ...]
    # Accuracy by language and by source, where known.
    slices: tuple[tuple[str, Share], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)


def evaluate_rows(rows: Sequence[Judged], slices: tuple[tuple[str, Share], ...] = ()) -> Evaluation:
    """The figures of answered documents, wherever the answers come from."""
    figures = class_figures(rows)
    return Evaluation(
        leaf=leaf_accuracy(rows),
        rolled_up=rolled_up_accuracy(rows),
        macro_f1=macro_f1(figures),
        macro_f1_many=macro_f1(figures, _MANY),
        calibration_error=calibration_error(rows),
        classes=figures,
        confusions=confusions(rows),
        slices=slices,
    )


def evaluate_corpus(
    classifier: Classifier, corpus_path: Path, split: str = "dev", progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """A classifier's figures on a split of the corpus; `progress` hears of (documents done, all). Blocks."""
    return evaluate_texts(classifier, split_rows(load_corpus(corpus_path), split), progress)


def evaluate_texts(
    classifier: Classifier, documents: Sequence[CorpusRow], progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """A classifier's figures on labelled texts."""
    judged: list[Judged] = []
    for start in range(0, len(documents), _BATCH):
        batch = documents[start : start + _BATCH]
        answers = classifier.predict([row.text for row in batch], [False] * len(batch))
        judged += [Judged(row.label, answer.probabilities) for row, answer in zip(batch, answers, strict=True)]
        if progress:
            progress(len(judged), len(documents))
    return evaluate_rows(judged, _slices(documents, judged))


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Tables for people."""
    summary = Table("figure", "value", "95 % interval", "documents")
    for name, share in (("leaf accuracy", evaluation.leaf), ("rolled up", evaluation.rolled_up), *evaluation.slices):
        summary.add_row(name, f"{share.value:.3f}", f"{share.low:.3f} - {share.high:.3f}", str(share.documents))
    summary.add_row("macro-F1", f"{evaluation.macro_f1:.3f}", "", "")
    summary.add_row(f"macro-F1, labels with {_MANY} or more", f"{evaluation.macro_f1_many:.3f}", "", "")
    summary.add_row("calibration error", f"{evaluation.calibration_error:.3f}", "", "")
    classes = Table("label", "documents", "precision", "recall", "F1")
    for row in evaluation.classes:
        classes.add_row(row.label, str(row.documents), f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}")
    mistakes = Table("truth", "predicted", "documents")
    for truth, said, count in evaluation.confusions:
        mistakes.add_row(truth, said or "(no answer)", str(count))
    for table in (summary, classes, mistakes):
        console.print(table)


def _slices(documents: Sequence[CorpusRow], judged: Sequence[Judged]) -> tuple[tuple[str, Share], ...]:
    parts: dict[str, list[Judged]] = {}
    for row, answer in zip(documents, judged, strict=True):
        parts.setdefault(f"language {row.lang}", []).append(answer)
        parts.setdefault(f"source {row.source}", []).append(answer)
    return tuple((name, leaf_accuracy(parts[name])) for name in sorted(parts))
