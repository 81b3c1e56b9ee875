"""What networks and Naive Bayes say of documents they did not learn from.

Their mean teaches the network that is kept (distillation after Hinton et al., 2015), and what they say of real
documents is what temperatures and the weights of the cascade are fitted on.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from heron_grpc.classify.calibration import softmax
from heron_grpc.lab.corpus import assign_folds
from heron_grpc.lab.distilbert.gathering import Gathered
from heron_grpc.lab.distilbert.tokens import TokenSet
from heron_grpc.lab.fitting import FitParameters, count_features, fit, score

# Of the generated documents, those Naive Bayes learns from, and what each counts: more would change little.
_LEARNED_SHARE, _GENERATED_WEIGHT = 0.35, 0.3


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Scores of the documents of a set by models that did not learn from their groups and layouts."""

    # (documents, labels), NaN for documents nobody scored.
    network: NDArray[np.float32]
    naive_bayes: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """As npz without pickle."""
        np.savez_compressed(path, network=self.network, naive_bayes=self.naive_bayes)

    @classmethod
    def load(cls, path: Path) -> "OutOfFold":
        """What `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["network"], arrays["naive_bayes"])

    def teacher(self, data: TokenSet) -> NDArray[np.float32]:
        """(documents, labels) probabilities: the mean of those who have scored a document, each at its temperature.

        A worn copy, which nobody scored, is taught what its original is.
        """
        shares, voters = np.zeros(self.network.shape), np.zeros((len(data), 1))
        for scores in (self.network, self.naive_bayes):
            known = ~np.isnan(scores[:, 0])
            temperature = fit_temperature(scores[known], data.truth[known])
            shares[known] += softmax(scores[known].astype(np.float64) / temperature)
            voters[known] += 1
        silent = voters[: data.real, 0] == 0
        originals = int((~silent).sum())
        shares = shares / np.maximum(voters, 1)
        if silent.any():
            shares[originals : data.real] = np.tile(shares[:originals], (data.real // originals - 1, 1))
        return shares.astype(np.float32)


def folds_of(data: TokenSet, folds: int) -> NDArray[np.int64]:
    """(documents,) the fold of each, the same for a whole group or layout."""
    return np.array(assign_folds(data.groups, folds))


def naive_bayes_scores(gathered: Gathered, folds: int, seed: int) -> NDArray[np.float32]:
    """(documents, labels) scores by models of the other folds; NaN for those without a text. Blocks for minutes."""
    data, places = gathered.tokens, np.array(sorted(gathered.texts))
    counts = count_features([gathered.texts[place] for place in places])
    truth, fold_of = data.truth[places], folds_of(data, folds)[places]
    real = places < data.real
    weights = np.where(real, 1.0, _GENERATED_WEIGHT)
    learned = real | (np.random.default_rng(seed).random(len(places)) < _LEARNED_SHARE)
    scores = np.full((len(data), len(data.labels)), np.nan, np.float32)
    for fold in range(folds):
        held, part = fold_of == fold, (fold_of != fold) & learned
        found = fit(counts[part], truth[part], weights[part], FitParameters(), len(data.labels))
        scores[places[held]] = score(found, counts[held])
    return scores


def fit_temperature(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """By which (documents, labels) scores are divided so that they lose least on the true labels (Guo et al., 2017)."""
    rows, given = np.arange(len(truth)), scores.astype(np.float64)

    def loss(log_temperature: float) -> float:
        chosen = softmax(given / np.exp(log_temperature))[rows, truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 3.0), method="bounded").x))
