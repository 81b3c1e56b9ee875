"""The Naive Bayes classifier: a linear model over hashed n-grams, read from npz and JSON alone."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.features import BUCKETS, FEATURES, FeatureExtractor, Occurrences
from heron_grpc.classify.lexicon import Content, Lexicon
from heron_grpc.classify.manifest import Manifest, load_manifest, read_verified
from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ModelFileRefused

KIND = "naive_bayes"
WEIGHTS = "weights.npz"
MAX_WORDS = 20


@dataclass(frozen=True, slots=True)
class Weights:
    """The arrays of weights.npz, for F features and L labels."""

    # (F,) uint32, ascending: the feature ids that are kept; words come before character n-grams.
    ids: NDArray[np.uint32]
    # (F,) float16: inverse document frequencies times the weight of the feature's family.
    idf: NDArray[np.float16]
    # (F, L) int8 and (L,) float32: weights are values * scale.
    values: NDArray[np.int8]
    scale: NDArray[np.float32]
    # (L,) float32, added to the scores.
    bias: NDArray[np.float32]
    # (L,) float32 probabilities, the answer for a text without any known feature.
    prior: NDArray[np.float32]
    # (BUCKETS / 8,) uint8 bit field of the words seen in training.
    seen: NDArray[np.uint8]
    # () float32: scores times this are calibrated logits.
    sharpness: NDArray[np.float32]


class NaiveBayes:
    """Classifier: a text's score for a label is the sum over its own features, so no neighbour can change it."""

    def __init__(self, manifest: Manifest, weights: Weights) -> None:
        self.manifest = manifest
        self._weights = weights
        self._extractor = FeatureExtractor()
        self._columns = np.full(FEATURES, -1, dtype=np.int32)
        self._columns[weights.ids] = np.arange(len(weights.ids), dtype=np.int32)
        self._lexicon = Lexicon(self._extractor, self._columns)
        # One row after the other, as they are taken: labels after each other would take 20 times as long.
        self._rows = np.ascontiguousarray(weights.values)
        self._first_char = int(np.searchsorted(weights.ids, BUCKETS))
        self._idf = weights.idf.astype(np.float32)
        self._seen = np.unpackbits(weights.seen).astype(bool)
        self._sharpness = float(weights.sharpness)

    @classmethod
    def load(cls, directory: Path) -> "NaiveBayes":
        """Reads a model directory. Blocks.

        Raises ModelFileRefused when a file is missing, damaged or not the one the manifest names.
        """
        manifest = load_manifest(directory)
        if manifest.kind != KIND:
            raise ModelFileRefused(f"the model's kind is not {KIND}")
        contents = read_verified(directory, manifest)
        if WEIGHTS not in contents:
            raise ModelFileRefused(f"the manifest does not name {WEIGHTS}")
        classifier = cls(manifest, _parse(contents[WEIGHTS], len(manifest.labels)))
        # Builds the extractor's tables now instead of in the first call.
        classifier.predict(["a b"], [False])
        return classifier

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version}."""
        return self.manifest.model_version

    @property
    def labels(self) -> tuple[str, ...]:
        """Leaf categories, in the order of the outputs."""
        return self.manifest.labels

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        """One prediction a text; words come one entry a distinct word, at its first place, summed over all places."""
        contents = self._lexicon.read(texts)
        return [
            self._predict(text, content, explain=wanted)
            for text, content, wanted in zip(texts, contents, explain, strict=True)
        ]

    def _predict(self, text: str, content: Content, *, explain: bool) -> Prediction:
        present, counts = _counted(content.columns)
        if not len(present):
            return Prediction(self._by_label(self._weights.prior.astype(np.float64)), 1.0, self.model_version)
        values = self._values(present, counts)
        probabilities = softmax(self._logits(present, values))
        words: tuple[WordWeight, ...] = ()
        if explain:
            gains = self._gains(present, values, probabilities) / counts
            found = self._extractor.extract(text)
            words = _word_weights(found, self._columns[found.ids], present, gains)
        return Prediction(self._by_label(probabilities), self._novelty(content), self.model_version, words)

    def _values(self, present: NDArray[np.int32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Sublinear counts times idf, each family (words, characters) scaled to unit length."""
        values = np.asarray((1.0 + np.log(counts.astype(np.float32))) * self._idf[present], dtype=np.float32)
        border = int(np.searchsorted(present, self._first_char))
        return np.concatenate((_unit(values[:border]), _unit(values[border:])))

    def _logits(self, present: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float64]:
        # Row after row, no BLAS product: the order of the sum does not depend on threads or memory alignment.
        sums = np.einsum("i,ij->j", values, np.take(self._rows, present, axis=0).astype(np.float32))
        scores = sums * self._weights.scale + self._weights.bias
        return np.asarray(self._sharpness * scores.astype(np.float64))

    def _gains(
        self, present: NDArray[np.int32], values: NDArray[np.float32], probabilities: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What each present feature adds to the log-odds of the best label against the others as they stand."""
        best = int(probabilities.argmax())
        contrast = -probabilities
        contrast[best] = 0.0
        contrast /= max(-contrast.sum(), 1e-12)
        contrast[best] = 1.0
        rows = np.take(self._rows, present, axis=0) * (self._weights.scale * contrast)
        return np.asarray(self._sharpness * values * rows.sum(axis=1))

    def _novelty(self, content: Content) -> float:
        """Share of the text's distinct words that training never saw."""
        return float(1.0 - self._seen[content.word_ids].mean())

    def _by_label(self, probabilities: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.labels, probabilities.tolist(), strict=True))


def _counted(columns: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The distinct columns from 0 up, ascending, and how often each occurs."""
    ordered = np.sort(columns)
    ordered = ordered[np.searchsorted(ordered, 0) :]
    is_last = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_last[:-1])
    last = np.flatnonzero(is_last)
    counts = last + 1
    counts[1:] -= counts[:-1].copy()
    return ordered[last], counts


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(np.square(values).sum())
    return np.asarray(values / length if length > 0 else values, dtype=np.float32)


def _parse(content: bytes, labels: int) -> Weights:
    names = [field.name for field in fields(Weights)]
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in names}
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
        raise ModelFileRefused(f"{WEIGHTS} is damaged") from error
    weights = Weights(**arrays)
    count = len(weights.ids)
    shapes = (weights.values.shape, weights.idf.shape, weights.scale.shape, weights.bias.shape, weights.prior.shape)
    if shapes != ((count, labels), (count,), (labels,), (labels,), (labels,)) or weights.seen.shape != (BUCKETS // 8,):
        raise ModelFileRefused(f"{WEIGHTS} does not fit its manifest")
    return weights


def _word_weights(
    found: Occurrences, columns: NDArray[np.int32], present: NDArray[np.int32], gains: NDArray[np.float64]
) -> tuple[WordWeight, ...]:
    known = columns >= 0
    gain = gains[np.searchsorted(present, columns[known])] / found.spans[known]
    first = found.words[known]
    count = len(found.word_starts)
    weights = np.bincount(first, gain, minlength=count)
    pair = found.spans[known] == 2
    weights += np.bincount(first[pair] + 1, gain[pair], minlength=count)
    # One entry a distinct word, at its first place.
    _, places, inverse = np.unique(found.word_ids, return_index=True, return_inverse=True)
    totals = np.bincount(inverse, weights)
    order = np.lexsort((places, -np.abs(totals)))[:MAX_WORDS]
    return tuple(
        WordWeight(int(found.word_starts[places[i]]), int(found.word_ends[places[i]]), float(totals[i])) for i in order
    )
