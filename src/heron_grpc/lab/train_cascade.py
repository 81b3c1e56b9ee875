"""Fits how two models answer together, and when the quick one does alone, on documents neither had learned from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from heron_grpc.classify import load_classifier
from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.cascade import FIRST, KIND, SECOND
from heron_grpc.classify.manifest import Figure, Manifest, load_manifest, write_manifest
from heron_grpc.lab.corpus import CorpusRow, split_rows
from heron_grpc.lab.distilbert.out_of_fold import OutOfFold, fit_temperature
from heron_grpc.lab.distilbert.tokens import TokenSet
from heron_grpc.lab.evaluate import Evaluation, evaluate_rows
from heron_grpc.lab.judging import judge_by_model
from heron_grpc.lab.keeping import NOTES, next_version, with_figures
from heron_grpc.lab.label_overrides import LabelOverride, overridden
from heron_grpc.lab.labelled_texts import of_corpus
from heron_grpc.lab.measures import wilson

# In the directory of the training, with a model's name: what `heron train decision` takes.
PREDICTIONS = "{}.npz"

_FLOOR = 1e-6
# All generated documents together, beside all real ones.
_GENERATED_WEIGHT = 0.3
# Probabilities of the quick model that are tried, the most frugal first, and what may be lost: a share of the answers,
# of real and of generated documents each.
_EXITS = (0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
_MOST_LOST = 0.0025
# Novelty above which the quick model is never sure: it has not seen a third of the words.
_EXIT_NOVELTY = 0.35

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The weights of both, the quick model's exit, and shares of documents it was measured on."""

    first_weight: float
    second_weight: float
    exit_probability: float
    figures: tuple[Figure, ...]
    # Model -> (documents, labels): what it says of documents not learned from; NaN where that is unknown.
    probabilities: Mapping[str, Matrix]


def train(
    given: Sequence[CorpusRow],
    overrides: dict[str, LabelOverride],
    work: Path,
    models: Path,
    created: date,
    tell: Callable[[str], None],
) -> Manifest:
    """Fits on what the training of `distilbert` left in `work`, judges on dev and writes models/auto. Blocks.

    What it and the transformer say out of fold is left in `work` too, for `heron train decision`.

    Raises ConfigurationError and ModelFileRefused.
    """
    data = TokenSet.load(work / "data.npz")
    training = split_rows(given, "train")
    fit = fit_cascade(data, OutOfFold.load(work / "out_of_fold.npz"))
    for name, probabilities in fit.probabilities.items():
        np.savez_compressed(
            work / PREDICTIONS.format(name),
            ids=np.array([row.id for row in training]),
            labels=np.array(data.labels),
            probabilities=probabilities[: len(training)],
        )
    tell(f"weights {fit.first_weight:.2f} and {fit.second_weight:.2f}, exit at {fit.exit_probability}")
    members = [load_manifest(models / name) for name in ("nb", "distilbert")]
    directory = models / "auto"
    version = next_version(directory)
    manifest = Manifest(
        name="auto",
        kind=KIND,
        version=version,
        created=created.isoformat(),
        labels=tuple(dict.fromkeys(label for member in members for label in member.labels)),
        files=(),
        taxonomy=members[0].taxonomy,
        taxonomy_revision=members[0].taxonomy_revision,
        parameters={
            FIRST: members[0].name,
            SECOND: members[1].name,
            "first_weight": fit.first_weight,
            "second_weight": fit.second_weight,
            "exit_probability": fit.exit_probability,
            "exit_novelty": _EXIT_NOVELTY,
        },
        notes=(*NOTES, "out_of_fold_* are of documents whose group or layout no member had learned from."),
    )
    directory.mkdir(parents=True, exist_ok=True)
    write_manifest(directory, manifest)
    measured = _on_dev(directory, given, overrides)
    manifest = with_figures(manifest, measured, *fit.figures)
    write_manifest(directory, manifest)
    return manifest


def fit_cascade(data: TokenSet, said: OutOfFold) -> Fit:
    """Weights under which the probabilities together lose least, and the exit that saves most at little cost."""
    known = ~np.isnan(said.network[:, 0]) & ~np.isnan(said.naive_bayes[:, 0])
    truth, real = data.truth[known], (np.arange(len(data)) < data.real)[known]
    first, second = (_probabilities(scores[known], truth, real) for scores in (said.naive_bayes, said.network))
    weights = np.where(real, 1.0 / real.sum(), _GENERATED_WEIGHT / (~real).sum())
    logarithms = np.log(np.maximum(first, _FLOOR)), np.log(np.maximum(second, _FLOOR))
    rows = np.arange(len(truth))

    def loss(shares: Matrix) -> float:
        chosen = softmax(shares[0] * logarithms[0] + shares[1] * logarithms[1])[rows, truth]
        return float(-(weights * np.log(np.maximum(chosen, 1e-12))).sum())

    shares = minimize(loss, np.array([0.5, 0.5]), method="Nelder-Mead", options={"xatol": 0.005}).x.round(2)
    both = softmax(shares[0] * logarithms[0] + shares[1] * logarithms[1])
    exit_probability, figures = _exit(first, both, truth, real)
    cascade = np.where(first.max(axis=1, keepdims=True) >= exit_probability, first, both)
    told = {}
    for name, answers in (("auto", cascade), ("distilbert", second)):
        told[name] = np.full(said.network.shape, np.nan)
        told[name][known] = answers
    return Fit(float(shares[0]), float(shares[1]), exit_probability, figures, told)


def _probabilities(scores: NDArray[np.float32], truth: NDArray[np.int64], real: NDArray[np.bool_]) -> Matrix:
    return softmax(scores.astype(np.float64) / fit_temperature(scores[real], truth[real]))


def _exit(
    first: Matrix, both: Matrix, truth: NDArray[np.int64], real: NDArray[np.bool_]
) -> tuple[float, tuple[Figure, ...]]:
    parts = {"real": real, "generated": ~real}
    right = both.argmax(axis=1) == truth
    chosen, mixed = 1.0, right
    for least in _EXITS:
        sure = first.max(axis=1) >= least
        mixed = np.where(sure, first.argmax(axis=1) == truth, right)
        if all(right[part].mean() - mixed[part].mean() <= _MOST_LOST for part in parts.values()):
            chosen = least
            break
    sure = first.max(axis=1) >= chosen
    facts = {"first_accuracy": first.argmax(axis=1) == truth, "both_accuracy": right, "accuracy": mixed, "exits": sure}
    figures = []
    for name, part in parts.items():
        for fact, values in facts.items():
            share = wilson(int(values[part].sum()), int(part.sum()))
            figures.append(Figure(f"out_of_fold_{name}_{fact}", share.value, share.low, share.high, share.documents))
    return chosen, tuple(figures)


def _on_dev(directory: Path, given: Sequence[CorpusRow], overrides: dict[str, LabelOverride]) -> dict[str, Evaluation]:
    classifier = load_classifier(directory)
    dev = {"dev": split_rows(given, "dev"), "dev_corrected": split_rows(overridden(given, overrides), "dev")}
    return {name: evaluate_rows(judge_by_model(classifier, of_corpus(rows))) for name, rows in dev.items()}
