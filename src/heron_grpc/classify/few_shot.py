"""Labels that a deployment taught by a few examples: a small head on the transformer's embeddings, beside the model."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.manifest import Manifest, load_manifest, read_verified
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier

KIND = "few_shot"
WEIGHTS = "few_shot.npz"
# Manifest parameter: SHA-256 of the network whose embeddings these are.
ENCODER = "encoder_sha256"
# Of a transformer's directory.
_NETWORK = "model.onnx"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FewShotWeights:
    """The head, and the examples it was fitted to, so that further labels can be added."""

    # (labels + known labels, width) and (labels + known labels,): the known ones are those of the encoder's training.
    coefficients: Floats
    bias: Floats
    # (width,) subtracted from embeddings before their length is made 1.
    centre: Floats
    # (examples, width), and the place of each one's label.
    examples: Floats
    truth: NDArray[np.int64]
    # (examples,) which document it is of: copies of one share a number.
    documents: NDArray[np.int64]

    def pack(self) -> bytes:
        """An npz file without pickle."""
        target = io.BytesIO()
        np.savez_compressed(target, **{field.name: getattr(self, field.name) for field in fields(self)})
        return target.getvalue()


def centred(embeddings: Floats, centre: Floats) -> Floats:
    """(n, width) of length 1, seen from the middle of what the encoder knows."""
    moved = embeddings - centre
    made: Floats = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return made


def encoder_digest(manifest: Manifest) -> str:
    """SHA-256 of a transformer's network."""
    return next(file.sha256 for file in manifest.files if file.name == _NETWORK)


class FewShotHead:
    """From embeddings to probabilities of the labels that were taught."""

    def __init__(self, manifest: Manifest, weights: FewShotWeights) -> None:
        count, width = len(manifest.labels), len(weights.centre)
        if weights.coefficients.shape != (len(weights.bias), width) or len(weights.bias) <= count:
            raise ModelFileRefused(f"{WEIGHTS} does not fit its manifest")
        self.manifest, self.weights = manifest, weights

    @classmethod
    def load(cls, directory: Path) -> "FewShotHead":
        """Reads a directory that `heron labels add` wrote. Raises ModelFileRefused when it is damaged."""
        manifest = load_manifest(directory)
        contents = read_verified(directory, manifest)
        if manifest.kind != KIND or WEIGHTS not in contents:
            raise ModelFileRefused("the directory holds no labels taught by examples")
        try:
            with np.load(io.BytesIO(contents[WEIGHTS])) as arrays:
                weights = FewShotWeights(**{field.name: arrays[field.name] for field in fields(FewShotWeights)})
        except (ValueError, KeyError, OSError) as error:
            raise ModelFileRefused(f"{WEIGHTS} is damaged") from error
        return cls(manifest, weights)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that were taught."""
        return self.manifest.labels

    def probabilities(self, embeddings: Floats) -> NDArray[np.float64]:
        """(n, labels): of each label that was taught; what is left to 1 is that of all known ones."""
        features = centred(embeddings, self.weights.centre)
        scores = features @ self.weights.coefficients.T + self.weights.bias
        return softmax(scores.astype(np.float64))[:, : len(self.labels)]


class WithFewShotLabels:
    """Classifier: `base`, whose labels share what the head leaves them. Its version tells of the labels too.

    `embed` gives (texts, width) embeddings by the network that the head was fitted on.
    """

    def __init__(self, base: Classifier, head: FewShotHead, embed: Callable[[Sequence[str]], Floats]) -> None:
        self._base, self._head, self._embed = base, head, embed
        self.labels = (*base.labels, *head.labels)
        digest = hashlib.sha256("".join(file.sha256 for file in head.manifest.files).encode()).hexdigest()
        self.model_version = f"{base.model_version}-{digest[:8]}"

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        """One prediction a text; words speak for the base's best label, so there are none where a taught one wins."""
        taught = self._head.probabilities(self._embed(texts)) if texts else np.empty((0, len(self._head.labels)))
        said = self._base.predict(texts, explain)
        return [self._mixed(one, shares) for one, shares in zip(said, taught, strict=True)]

    def _mixed(self, said: Prediction, shares: NDArray[np.float64]) -> Prediction:
        left = 1.0 - float(shares.sum())
        probabilities = {label: left * share for label, share in said.probabilities.items()}
        best_known = max(probabilities.values())
        probabilities |= dict(zip(self._head.labels, shares.tolist(), strict=True))
        wins = float(shares.max()) > best_known
        return replace(
            said,
            probabilities=probabilities,
            # A document of a label that was taught is like nothing the base was trained on.
            novelty=0.0 if wins else said.novelty,
            words=() if wins else said.words,
            model_version=self.model_version,
        )
