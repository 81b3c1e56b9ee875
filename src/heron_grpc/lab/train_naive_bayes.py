"""Makes the Naive Bayes model: real texts and generated ones in, weights and manifest out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from heron_grpc.classify.manifest import Figure, Manifest, describe_file
from heron_grpc.classify.naive_bayes import KIND, WEIGHTS, NaiveBayes, Weights
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY
from heron_grpc.lab.corpus import CorpusRow, assign_folds, load_corpus, split_rows
from heron_grpc.lab.evaluate import evaluate_texts
from heron_grpc.lab.fitting import FitParameters, count_features, fit, fit_sharpness, pack, score, sharpened
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.keeping import NOTES, beats, data_sources, next_version, with_figures, write_model
from heron_grpc.lab.label_overrides import LabelOverride, overridden
from heron_grpc.lab.measures import wilson
from heron_grpc.lab.read_back import read_back

Progress = Callable[[str], None]

_NOTES = (
    *NOTES,
    "The weight of generated documents was chosen on dev.",
    "generated_unseen_layouts_accuracy is cross-fitted over layouts and says nothing of real documents.",
)


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How a model is made; `seed` draws the generated documents."""

    name: str = "nb"
    seed: int = 1
    # Generated documents of every label; the generator draws more of the common ones.
    per_label: int = 200
    # Of the generated documents, those that are rendered and read back: text files and pictures of their kinds.
    read_share: float = 0.05
    picture_share: float = 0.01
    # How much a generated document counts beside a real one; the best on dev is taken, the greatest among equals.
    generated_weights: tuple[float, ...] = (0.1, 0.3)
    # Parts of the training set, by group and layout, that calibration holds out in turn.
    folds: int = 3
    taxonomy: str = DEFAULT_TAXONOMY
    taxonomy_revision: int = 1
    # Labels that real documents should have, by their ids.
    overrides: Mapping[str, LabelOverride] = field(default_factory=dict)
    fit: FitParameters = field(default_factory=FitParameters)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Counts and labels, real documents first."""

    counts: csr_matrix
    truth: NDArray[np.int64]
    labels: tuple[str, ...]
    # The group of a real document, the layout of a generated one.
    groups: tuple[str, ...]
    real: int

    def weights(self, generated: float) -> NDArray[np.float64]:
        """What each document counts."""
        return np.concatenate((np.ones(self.real), np.full(len(self.truth) - self.real, generated)))


def train(
    corpus_path: Path,
    models_dir: Path,
    created: date,
    options: TrainOptions | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Trains and writes models_dir/{name} when that beats the model there on dev; the same input gives the same bytes.

    Blocks for minutes. Returns the new model's manifest, whether it was written or not.
    Raises ConfigurationError when the corpus cannot be read or has no documents to train on or to choose by.
    """
    options = options or TrainOptions()
    tell = progress or (lambda _: None)
    given = load_corpus(corpus_path)
    rows = overridden(given, options.overrides)
    training, dev = split_rows(rows, "train"), split_rows(rows, "dev")
    if not training or not dev:
        raise ConfigurationError("the corpus has no documents to train on or none to choose by")
    data = _gather(training, dev, options, tell)
    generated_weight = _choose_weight(data, dev, options, tell)
    weights, unseen = _calibrated(data, generated_weight, options, tell)
    directory = models_dir / options.name
    content = pack(weights)
    manifest = Manifest(
        name=options.name,
        kind=KIND,
        version=next_version(directory),
        created=created.isoformat(),
        labels=data.labels,
        files=(describe_file(WEIGHTS, content),),
        taxonomy=options.taxonomy,
        taxonomy_revision=options.taxonomy_revision,
        data=data_sources(training, len(data.truth) - data.real),
        notes=_NOTES,
        parameters={**asdict(options.fit), **_drawn(options), "generated_weight": generated_weight},
    )
    classifier = NaiveBayes(manifest, weights)
    evaluation = evaluate_texts(classifier, dev)
    as_given = evaluate_texts(classifier, split_rows(given, "dev"))
    measured = {"dev": as_given, "dev_corrected": evaluation}
    manifest = with_figures(manifest, measured, *([unseen] if unseen.documents else []))
    tell(f"dev accuracy as labelled {as_given.leaf.value:.4f}, corrected {evaluation.leaf.value:.4f}")
    if force or beats(evaluation, manifest.labels, directory, dev):
        write_model(directory, manifest, {WEIGHTS: content})
    else:
        tell("the model there is at least as good and stays")
    return manifest


def _gather(
    training: Sequence[CorpusRow], dev: Sequence[CorpusRow], options: TrainOptions, tell: Progress
) -> TrainingSet:
    generator = Generator()
    drawn = list(generator.draw_all(options.per_label, options.seed)) if options.per_label else []
    if options.read_share or options.picture_share:
        drawn = read_back(drawn, options.read_share, options.picture_share)
    labels = sorted({row.label for row in (*training, *dev)} | {document.label for document in drawn})
    tell(f"{len(training)} real and {len(drawn)} generated documents of {len(labels)} labels")
    texts = [row.text for row in training] + [document.text for document in drawn]
    truth = [labels.index(label) for label in (*(r.label for r in training), *(d.label for d in drawn))]
    groups = (*(row.group for row in training), *(document.layout for document in drawn))
    return TrainingSet(count_features(texts), np.array(truth), tuple(labels), groups, len(training))


def _choose_weight(data: TrainingSet, dev: Sequence[CorpusRow], options: TrainOptions, tell: Progress) -> float:
    counts = count_features([row.text for row in dev])
    truth = np.array([data.labels.index(row.label) for row in dev])
    hits = {}
    for weight in options.generated_weights:
        fitted = fit(data.counts, data.truth, data.weights(weight), options.fit)
        hits[weight] = int((score(fitted, counts).argmax(axis=1) == truth).sum())
        tell(f"generated documents at {weight}: {hits[weight]} of {len(dev)} on dev")
    return max(hits, key=lambda weight: (hits[weight], weight))


def _calibrated(
    data: TrainingSet, generated_weight: float, options: TrainOptions, tell: Progress
) -> tuple[Weights, Figure]:
    """The model of all documents, with the sharpness that fits documents of held-out groups and layouts."""
    weights = data.weights(generated_weight)
    folds = np.array(assign_folds(data.groups, options.folds))
    scores = np.zeros((len(data.truth), len(data.labels)))
    for fold in range(options.folds):
        held = folds == fold
        part = fit(data.counts[~held], data.truth[~held], weights[~held], options.fit, len(data.labels))
        scores[held] = score(part, data.counts[held])
    sharpness = fit_sharpness(scores, data.truth, weights)
    generated = np.arange(len(data.truth)) >= data.real
    hits = int((scores.argmax(axis=1) == data.truth)[generated].sum())
    share = wilson(hits, int(generated.sum()))
    tell(f"layouts not trained on: {share.value:.3f}; sharpness {sharpness:.2f}")
    figure = Figure("generated_unseen_layouts_accuracy", share.value, share.low, share.high, share.documents)
    return sharpened(fit(data.counts, data.truth, weights, options.fit), sharpness), figure


def _drawn(options: TrainOptions) -> dict[str, int | float]:
    names = ("seed", "per_label", "read_share", "picture_share", "folds")
    return {**{name: getattr(options, name) for name in names}, "label_overrides": len(options.overrides)}
