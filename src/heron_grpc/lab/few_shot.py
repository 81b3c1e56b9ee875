"""Teaches labels by a few examples: a regression on embeddings, with the known labels' means as counter-examples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from heron_grpc.classify.few_shot import (
    ENCODER,
    KIND,
    WEIGHTS,
    FewShotHead,
    FewShotWeights,
    Floats,
    centred,
    encoder_digest,
)
from heron_grpc.classify.manifest import Manifest, describe_file
from heron_grpc.classify.transformer import OnnxTransformer
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.distilbert.out_of_fold import fit_temperature
from heron_grpc.lab.generator.noise import wear
from heron_grpc.lab.keeping import next_version, write_model

# Worn copies of each example, and the part of them that looks like OCR: with 5 examples a label and the known means
# counting thrice, they take .82 of unseen layouts to .90.
_COPIES, _SCANNED = 3, 0.5
_KNOWN_COUNT = 3
# Inverse regularisation.
_STRICTNESS = 10.0
# Documents of a label from which on its own held-out answers tell how sharp the head should be.
_FEWEST_TO_SHARPEN = 3
_SHARPEST, _TEMPERATURE_OF_FEW = 0.2, 0.5


@dataclass(frozen=True, slots=True)
class Examples:
    """Embeddings of examples and their worn copies."""

    embeddings: Floats
    # Places in `labels`, and which document each is of.
    truth: NDArray[np.int64]
    documents: NDArray[np.int64]
    labels: tuple[str, ...]

    def joined(self, other: "Examples") -> "Examples":
        """Both; where both have a label, the other's examples take the place of these."""
        kept = ~np.isin(np.array(self.labels)[self.truth], other.labels) if len(self.truth) else np.zeros(0, bool)
        labels = tuple(sorted({*self.labels, *other.labels}))
        truth = [
            np.array([labels.index(each.labels[place]) for place in places], dtype=np.int64)
            for each, places in ((self, self.truth[kept]), (other, other.truth))
        ]
        first = self.documents.max(initial=-1) + 1
        return Examples(
            np.concatenate((self.embeddings[kept], other.embeddings)),
            np.concatenate(truth),
            np.concatenate((self.documents[kept], other.documents + first)),
            labels,
        )


def embed_examples(texts: Mapping[str, Sequence[str]], embed: Callable[[Sequence[str]], Floats]) -> Examples:
    """Label -> texts of its examples. Blocks for some 50 ms an example."""
    labels = tuple(sorted(texts))
    pairs = [(place, text) for place, label in enumerate(labels) for text in texts[label]]
    random = Random("worn")  # noqa: S311 - draws samples, guards nothing
    copies = [[text, *(wear(text, random, scanned=_SCANNED) for _ in range(_COPIES))] for _, text in pairs]
    return Examples(
        embed([copy for row in copies for copy in row]),
        np.repeat([place for place, _ in pairs], _COPIES + 1),
        np.repeat(np.arange(len(pairs)), _COPIES + 1),
        labels,
    )


def fit_head(examples: Examples, known: Floats) -> FewShotWeights:
    """The head for the examples' labels; `known` are the mean embeddings of the labels the encoder was trained on."""
    centre = known.mean(axis=0)
    features = centred(examples.embeddings, centre)
    model = _fitted(features, examples.truth, centred(known, centre), len(examples.labels))
    sharpness = 1.0 / _temperature(examples, features, centred(known, centre))
    return FewShotWeights(
        (sharpness * model.coef_).astype(np.float32),
        (sharpness * model.intercept_).astype(np.float32),
        centre.astype(np.float32),
        examples.embeddings.astype(np.float32),
        examples.truth,
        examples.documents,
    )


def teach(directory: Path, added: Examples, transformer: OnnxTransformer, known: Floats, created: date) -> Manifest:
    """Adds labels to those of `directory`, which is made when it is missing. Blocks for seconds.

    Raises ConfigurationError when the examples there are of another encoder, ModelFileRefused when they are damaged.
    """
    encoder = encoder_digest(transformer.manifest)
    examples = added
    if (directory / WEIGHTS).is_file():
        present = FewShotHead.load(directory)
        if present.manifest.parameters.get(ENCODER) != encoder:
            raise ConfigurationError("the labels there were taught to another encoder: remove them and add all again")
        kept = present.weights
        examples = Examples(kept.examples, kept.truth, kept.documents, present.labels).joined(added)
    weights = fit_head(examples, known)
    content = weights.pack()
    counts = np.bincount(examples.truth[np.unique(examples.documents, return_index=True)[1]])
    manifest = Manifest(
        name="few_shot",
        kind=KIND,
        version=next_version(directory),
        created=created.isoformat(),
        labels=examples.labels,
        files=(describe_file(WEIGHTS, content),),
        taxonomy=transformer.manifest.taxonomy,
        taxonomy_revision=transformer.manifest.taxonomy_revision,
        parameters={
            ENCODER: encoder,
            **{f"examples {one}": int(n) for one, n in zip(examples.labels, counts, strict=True)},
        },
    )
    write_model(directory, manifest, {WEIGHTS: content})
    return manifest


def _fitted(features: Floats, truth: NDArray[np.int64], known: Floats, labels: int) -> LogisticRegression:
    places = np.concatenate((truth, np.repeat(np.arange(len(known)) + labels, _KNOWN_COUNT)))
    model = LogisticRegression(C=_STRICTNESS, max_iter=500)
    return model.fit(np.concatenate((features, np.repeat(known, _KNOWN_COUNT, axis=0))), places)


def _temperature(examples: Examples, features: Floats, known: Floats) -> float:
    """Under which examples, each left out in turn with its copies, are as sure as they are right."""
    numbers, firsts = np.unique(examples.documents, return_index=True)
    counts = np.bincount(examples.truth[firsts], minlength=len(examples.labels))
    parts = np.array(
        [
            np.count_nonzero(examples.truth[firsts[:place]] == examples.truth[first])
            for place, first in enumerate(firsts)
        ]
    )
    if counts.min() < _FEWEST_TO_SHARPEN:
        return _TEMPERATURE_OF_FEW
    scores, truth = [], []
    for part in range(_FEWEST_TO_SHARPEN):
        held = numbers[parts % _FEWEST_TO_SHARPEN == part]
        left = ~np.isin(examples.documents, held)
        model = _fitted(features[left], examples.truth[left], known, len(examples.labels))
        places = firsts[np.isin(numbers, held)]
        scores.append(model.decision_function(features[places]))
        truth.append(examples.truth[places])
    return max(_SHARPEST, min(1.0, fit_temperature(np.concatenate(scores), np.concatenate(truth))))
