"""A model of two models: the quick one answers alone where it is sure, else both do."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.manifest import Manifest, load_manifest, read_verified
from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier

KIND = "cascade"
# Parameters that name the members' directories, beside the cascade's own.
FIRST, SECOND = "first", "second"
# Least probability of a label: what a member says of one that it does not know.
_FLOOR = 1e-6
# Of a parameter; further off they say nothing more.
_MOST = 100.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """Fitted numbers, by their names in the manifest; the defaults trust both members alike and always ask both."""

    # The first is sure enough from this probability of its best label on, up to this novelty.
    exit_probability: float = 2.0
    exit_novelty: float = 1.0
    # What the logarithms of the members' probabilities are multiplied by, and what their sum is divided by.
    first_weight: float = 0.5
    second_weight: float = 0.5
    temperature: float = 1.0
    # What the members' novelties are multiplied by; where the first answered alone, its own is the answer's.
    first_novelty: float = 1.0
    second_novelty: float = 0.0

    @classmethod
    def of(cls, manifest: Manifest) -> "Parameters":
        """Raises ModelFileRefused for what is no number or out of range."""
        names = {field.name for field in fields(cls)}
        given = {name: _number(name, value) for name, value in manifest.parameters.items() if name in names}
        parameters = cls(**given)
        if parameters.temperature <= 0:
            raise ModelFileRefused("the manifest's temperature is not above 0")
        return parameters


class Cascade:
    """Classifier: asks `first` and, of the texts it is not sure of, `second`.

    Labels are those of both, the first's in front. Word weights are those of the member whose best label is the
    answer's, the first's rather than the second's; none where neither's is.
    """

    def __init__(self, manifest: Manifest, first: Classifier, second: Classifier) -> None:
        self.manifest = manifest
        self.first, self.second = first, second
        self.labels = tuple(dict.fromkeys((*first.labels, *second.labels)))
        self._parameters = Parameters.of(manifest)
        places = {label: place for place, label in enumerate(self.labels)}
        self._first_places, self._second_places = (
            np.array([places[label] for label in member.labels]) for member in (first, second)
        )

    @classmethod
    def load(cls, directory: Path, load_member: Callable[[Path], Classifier]) -> "Cascade":
        """Reads a model directory and, with `load_member`, those of its members. Blocks.

        Raises ModelFileRefused when a file of one of them is missing, damaged or not the one its manifest names.
        """
        manifest = load_manifest(directory)
        read_verified(directory, manifest)
        first, second = (_member(directory, manifest.parameters.get(place), load_member) for place in (FIRST, SECOND))
        return cls(manifest, first, second)

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version}."""
        return self.manifest.model_version

    @property
    def member_names(self) -> tuple[str, str]:
        """The members' directories, beside the cascade's own."""
        return str(self.manifest.parameters[FIRST]), str(self.manifest.parameters[SECOND])

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        """One prediction a text, which names the members that were asked."""
        said = self.first.predict(texts, explain)
        unsure = [place for place, one in enumerate(said) if not self._is_sure(one)]
        others = self.second.predict([texts[place] for place in unsure], [False] * len(unsure)) if unsure else []
        answers = [*map(self._alone, said)]
        for place, other in zip(unsure, others, strict=True):
            answer = self._together(said[place], other)
            words = self._words(answer, said[place], other, texts[place]) if explain[place] else ()
            answers[place] = replace(answer, words=words)
        return answers

    def _is_sure(self, said: Prediction) -> bool:
        best = max(said.probabilities.values())
        return best >= self._parameters.exit_probability and said.novelty <= self._parameters.exit_novelty

    def _alone(self, said: Prediction) -> Prediction:
        probabilities = said.probabilities
        if self.first.labels != self.labels:
            probabilities = self._by_label(np.exp(self._logarithms(said, self._first_places)))
        members = (said.model_version,)
        return Prediction(probabilities, said.novelty, self.model_version, said.words, members=members)

    def _together(self, said: Prediction, other: Prediction) -> Prediction:
        parameters = self._parameters
        logits = parameters.first_weight * self._logarithms(said, self._first_places)
        logits += parameters.second_weight * self._logarithms(other, self._second_places)
        novelty = parameters.first_novelty * said.novelty + parameters.second_novelty * other.novelty
        probabilities = self._by_label(softmax(logits / parameters.temperature))
        members = (said.model_version, other.model_version)
        return Prediction(probabilities, min(max(novelty, 0.0), 1.0), self.model_version, members=members)

    def _words(self, answer: Prediction, said: Prediction, other: Prediction, text: str) -> tuple[WordWeight, ...]:
        """The second explains only what the first's words do not speak for: it may take many runs to do so."""
        best = _best(answer)
        if best == _best(said):
            return said.words
        return self.second.predict([text], [True])[0].words if best == _best(other) else ()

    def _logarithms(self, said: Prediction, places: NDArray[np.int_]) -> NDArray[np.float64]:
        """Of the probabilities of all labels, in their order; (labels,)."""
        logarithms = np.full(len(self.labels), math.log(_FLOOR))
        given = np.fromiter(said.probabilities.values(), np.float64, len(places))
        logarithms[places] = np.log(np.maximum(given, _FLOOR))
        return logarithms

    def _by_label(self, probabilities: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.labels, (probabilities / probabilities.sum()).tolist(), strict=True))


def _best(said: Prediction) -> str:
    return max(said.probabilities, key=said.probabilities.__getitem__)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise ModelFileRefused(f"the manifest's {name} is no number from 0 to {_MOST:g}")
    return float(value)


def _member(directory: Path, name: object, load_member: Callable[[Path], Classifier]) -> Classifier:
    if not isinstance(name, str) or name != Path(name).name or not (directory.parent / name).is_dir():
        raise ModelFileRefused(f"{directory.name}: the manifest names no member beside it: {FIRST}, {SECOND}")
    try:
        return _single(directory.parent / name, load_member)
    except ModelFileRefused as error:
        raise ModelFileRefused(f"{name}: {error.message}") from error


def _single(directory: Path, load_member: Callable[[Path], Classifier]) -> Classifier:
    """One that names itself would be loaded without end."""
    if load_manifest(directory).kind == KIND:
        raise ModelFileRefused("a cascade cannot be a member of one")
    return load_member(directory)
