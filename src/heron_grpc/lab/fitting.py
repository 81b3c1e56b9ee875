"""Fits the arrays of the Naive Bayes classifier to labelled texts."""

import io
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.features import BUCKETS, FEATURES, FeatureExtractor
from heron_grpc.classify.naive_bayes import Weights
from heron_grpc.domain.errors import ConfigurationError

# Bounds of the natural logarithm of the sharpness.
_LOG_SHARPNESS = (-4.0, 6.0)
# Ways to find the weights: NBSVM (Wang and Manning, 2012), Naive Bayes as it is and by complements (Rennie, 2003),
# and logistic regression. All give a linear model, which the same backend serves.
METHODS = ("nbsvm", "complement", "multinomial", "logistic")
# Inverse regularisation of the logistic regression for each unit of strictness.
_LOGISTIC_STRICTNESS = 30.0
# Fixed, so that equal arrays give equal files.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class FitParameters:
    """What can be tuned."""

    # One of METHODS.
    method: str = "nbsvm"
    # Documents a feature must stand in, and the most features kept.
    min_documents: int = 3
    max_features: int = 60_000
    # Weight of the character n-grams' unit vector beside that of the words.
    char_weight: float = 0.7
    # Smoothing of the Naive Bayes log-ratios, and how much they scale a feature (0: not at all).
    alpha: float = 0.1
    ratio_power: float = 0.5
    # Inverse regularisation of the discriminative step.
    strictness: float = 1.0


def count_features(texts: Sequence[str]) -> csr_matrix:
    """(texts, FEATURES) float32 counts."""
    extractor = FeatureExtractor()
    pairs = [np.unique(extractor.extract(text).ids, return_counts=True) for text in texts]
    pointers = np.cumsum([0, *(len(ids) for ids, _ in pairs)])
    indices = np.concatenate([ids for ids, _ in pairs])
    data = np.concatenate([counts for _, counts in pairs]).astype(np.float32)
    return csr_matrix((data, indices, pointers), shape=(len(texts), FEATURES))


def fit(
    counts: csr_matrix,
    truth: NDArray[np.int64],
    weights: NDArray[np.float64],
    parameters: FitParameters,
    labels: int | None = None,
) -> Weights:
    """Weights of sharpness 1 for labels 0 .. `labels` - 1, of which `truth` may lack some.

    `weights` counts each document.

    Raises ConfigurationError when the documents have fewer than two labels, or for an unknown method.
    """
    if parameters.method not in METHODS:
        raise ConfigurationError(f"the method must be one of {', '.join(METHODS)}")
    ids = _select(counts, truth, parameters)
    kept = counts[:, ids].tocsr()
    documents = np.bincount(kept.indices, minlength=len(ids))
    idf = np.log((1 + kept.shape[0]) / (1 + documents)) + 1
    values = weigh(kept, idf, _border(ids), parameters.char_weight)
    known, places = np.unique(truth, return_inverse=True)
    if len(known) < 2:
        raise ConfigurationError("a classifier needs documents of two labels")
    labels = labels or int(truth.max()) + 1
    found, offsets = _METHODS[parameters.method](values, places, weights, parameters)
    # What all labels share changes no answer and would take up the range of the stored numbers.
    found -= found.mean(axis=0)
    coefficients, bias = np.zeros((labels, len(ids))), np.full(labels, offsets.min() - 1)
    coefficients[known], bias[known] = found, offsets
    coefficients[:, _border(ids) :] *= parameters.char_weight
    scale = np.maximum(np.abs(coefficients).max(axis=1), 1e-9) / 127
    # Names, and mistakes of OCR, that stand in one document fill half of all places: then nothing would look new.
    seen = np.bincount(counts.indices, minlength=FEATURES)[:BUCKETS] > 1
    totals = np.bincount(truth, weights, minlength=labels) + 1
    return Weights(
        ids=ids.astype(np.uint32),
        idf=idf.astype(np.float16),
        values=np.rint(coefficients.T / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
        prior=(totals / totals.sum()).astype(np.float32),
        seen=np.packbits(seen),
        sharpness=np.array(1.0, np.float32),
    )


def weigh(kept: csr_matrix, idf: NDArray[np.float64], border: int, char_weight: float) -> csr_matrix:
    """Sublinear counts times idf; words and characters each of unit length, the latter times `char_weight`."""
    values = kept.copy()
    values.data = 1 + np.log(values.data)
    values = values.multiply(idf).tocsr()
    words, characters = normalize(values[:, :border]), normalize(values[:, border:])
    return hstack([words, characters * char_weight]).tocsr()


def score(weights: Weights, counts: csr_matrix) -> NDArray[np.float64]:
    """(documents, labels) scores before sharpness, as NaiveBayes computes them but for rounding."""
    values = weigh(counts[:, weights.ids].tocsr(), weights.idf.astype(np.float32), _border(weights.ids), 1.0)
    return np.asarray(values @ (weights.values * weights.scale) + weights.bias, dtype=np.float64)


def fit_sharpness(scores: NDArray[np.float64], truth: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """The factor (an inverse temperature, Guo 2017) under which held-out (documents, labels) scores lose least."""
    rows = np.arange(len(truth))

    def loss(log_sharpness: float) -> float:
        chosen = softmax(np.exp(log_sharpness) * scores)[rows, truth]
        return float(-(weights * np.log(np.maximum(chosen, 1e-12))).sum() / weights.sum())

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_SHARPNESS, method="bounded").x))


def sharpened(weights: Weights, sharpness: float) -> Weights:
    """The same weights with another sharpness."""
    return replace(weights, sharpness=np.array(sharpness, np.float32))


def pack(weights: Weights) -> bytes:
    """The npz file of the arrays: the same bytes for the same arrays, unlike numpy's own writer."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for field in fields(weights):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(getattr(weights, field.name)), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{field.name}.npy", _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())
    return target.getvalue()


def _select(counts: csr_matrix, truth: NDArray[np.int64], parameters: FitParameters) -> NDArray[np.int64]:
    """Features in enough documents, those most unevenly spread over the labels first; ascending."""
    documents = np.bincount(counts.indices, minlength=FEATURES)
    frequent = np.flatnonzero(documents >= parameters.min_documents)
    if len(frequent) <= parameters.max_features:
        return frequent
    present = counts[:, frequent].tocsr()
    present.data = np.ones_like(present.data)
    observed = np.asarray((_one_hot(truth).T @ present).todense())
    share = np.bincount(truth)[:, None] / len(truth)
    expected = share * documents[frequent]
    unevenness = np.max((observed - expected) / np.sqrt(expected + 1.0), axis=0)
    best = np.argsort(-unevenness, kind="stable")[: parameters.max_features]
    return np.sort(frequent[best])


def _ratio_strength(
    values: csr_matrix, truth: NDArray[np.int64], weights: NDArray[np.float64], parameters: FitParameters
) -> NDArray[np.float64]:
    """How far each feature's Naive Bayes log-ratio is from 0 at most, tempered (after Wang and Manning, 2012)."""
    sums = np.asarray((_one_hot(truth, weights).T @ values).todense()) + parameters.alpha
    rest = sums.sum(axis=0) - sums
    ratios = np.log(sums / sums.sum(axis=1, keepdims=True)) - np.log(rest / rest.sum(axis=1, keepdims=True))
    return np.asarray(np.maximum(ratios.max(axis=0), 0.05) ** parameters.ratio_power)


def _nbsvm(
    values: csr_matrix, truth: NDArray[np.int64], weights: NDArray[np.float64], parameters: FitParameters
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    strength = _ratio_strength(values, truth, weights, parameters)
    model = LinearSVC(C=parameters.strictness, random_state=0, tol=1e-3, max_iter=300)
    with warnings.catch_warnings():
        # A run cut short is still deterministic, and its worth is measured afterwards.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(values.multiply(strength).tocsr(), truth, sample_weight=weights)
    return _both_sides(model.coef_ * strength, model.intercept_)


def _logistic(
    values: csr_matrix, truth: NDArray[np.int64], weights: NDArray[np.float64], parameters: FitParameters
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    model = LogisticRegression(C=_LOGISTIC_STRICTNESS * parameters.strictness, max_iter=100, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(values, truth, sample_weight=weights)
    return _both_sides(model.coef_, model.intercept_)


def _complement(
    values: csr_matrix, truth: NDArray[np.int64], weights: NDArray[np.float64], parameters: FitParameters
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    model = ComplementNB(alpha=parameters.alpha).fit(values, truth, sample_weight=weights)
    return model.feature_log_prob_, np.zeros(len(model.classes_))


def _multinomial(
    values: csr_matrix, truth: NDArray[np.int64], weights: NDArray[np.float64], parameters: FitParameters
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    model = MultinomialNB(alpha=parameters.alpha).fit(values, truth, sample_weight=weights)
    return model.feature_log_prob_, model.class_log_prior_


_METHODS = {"nbsvm": _nbsvm, "complement": _complement, "multinomial": _multinomial, "logistic": _logistic}


def _both_sides(
    coefficients: NDArray[np.float64], offsets: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(labels, features) and (labels,) also where two labels share one row."""
    if len(coefficients) > 1:
        return coefficients, offsets
    return np.vstack([-coefficients, coefficients]), np.concatenate([-offsets, offsets])


def _one_hot(truth: NDArray[np.int64], weights: NDArray[np.float64] | None = None) -> csr_matrix:
    ones = np.ones(len(truth)) if weights is None else weights
    return csr_matrix((ones, (np.arange(len(truth)), truth)))


def _border(ids: NDArray[np.int64] | NDArray[np.uint32]) -> int:
    """Where the character n-grams begin among ascending feature ids."""
    return int(np.searchsorted(ids, BUCKETS))
