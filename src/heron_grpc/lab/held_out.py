"""What the Naive Bayes model says of documents it was not trained on, by cross-fitting over groups and layouts."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify.known_text import LANGUAGES
from heron_grpc.classify.manifest import Manifest
from heron_grpc.classify.naive_bayes import KIND, NaiveBayes, Weights
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.corpus import CorpusRow, assign_folds
from heron_grpc.lab.fitting import FitParameters, count_features, fit, fit_sharpness, score, sharpened
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.measures import is_outside

REAL, GENERATED, OTHER_LANGUAGE = "real", "generated", "other_language"
# The beginning of a document with a label, and of one that is none of the others.
HEAD, FOREIGN_HEAD = "head", "foreign_head"
# Words of a document's beginning, drawn evenly on a logarithmic scale: what is left where little was read.
_HEAD_WORDS = (3, 80)
_BATCH = 32

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A text, its true label, and what a model says of it that saw neither it nor its like."""

    id: str
    # REAL, GENERATED, HEAD (of a real one), FOREIGN_HEAD (of any), or OTHER_LANGUAGE: real, of a language taken out of
    # training.
    kind: str
    label: str
    text: str
    group: str
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class HoldOptions:
    """How documents are held out."""

    folds: int = 5
    # Generated documents of every label; the generator draws more of the common ones.
    per_label: int = 60
    seed: int = 1
    # What a generated document counts in training beside a real one.
    generated_weight: float = 0.3
    fit: FitParameters = field(default_factory=FitParameters)


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    kind: str
    label: str
    text: str
    group: str
    language: str


def held_out(rows: Sequence[CorpusRow], options: HoldOptions, tell: Progress) -> list[HeldOut]:
    """Real and generated documents by folds, heads of the real ones, and each language but English by the others.

    Blocks for minutes.
    """
    documents = [_Document(row.id, REAL, row.label, row.text, row.group, row.lang) for row in rows]
    drawn = Generator().draw_all(options.per_label, options.seed) if options.per_label else ()
    documents += [
        _Document(f"generated-{place}", GENERATED, one.label, one.text, one.layout, one.language)
        for place, one in enumerate(drawn)
    ]
    work = _Work(documents, options)
    tell(f"{len(rows)} real and {len(documents) - len(rows)} generated documents of {len(work.labels)} labels")
    return [*work.by_fold(tell), *work.by_language(tell)]


def predictions_from(path: Path, rows: Sequence[HeldOut]) -> list[HeldOut]:
    """The real documents, and others it tells of, with what another model says that did not see their groups.

    An npz of `ids` (n,), `labels` (l,), `probabilities` (n, l) and, where it is not Naive Bayes's, `novelty` (n,).
    Raises ConfigurationError for a file that is not such or leaves documents out.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            ids, labels = archive["ids"].tolist(), archive["labels"].tolist()
            probabilities = archive["probabilities"].astype(np.float64)
            by_id = {
                one: dict(zip(labels, shares.tolist(), strict=True))
                for one, shares in zip(ids, probabilities, strict=True)
            }
            novelty = dict(zip(ids, archive["novelty"].tolist(), strict=True)) if "novelty" in archive else {}
        told = (row for row in rows if row.kind == REAL or (row.id in by_id and row.kind != OTHER_LANGUAGE))
        return [
            replace(row, prediction=Prediction(by_id[row.id], novelty.get(row.id, row.prediction.novelty), ""))
            for row in told
        ]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ConfigurationError(f"{path.name} holds no predictions of all training documents") from error


class _Work:
    """Counts once, fits once a part."""

    def __init__(self, documents: Sequence[_Document], options: HoldOptions) -> None:
        self._documents = documents
        self._options = options
        self.labels = sorted({document.label for document in documents})
        self._counts = count_features([document.text for document in documents])
        self._truth = np.array([self.labels.index(document.label) for document in documents])
        self._weights = np.array(
            [options.generated_weight if one.kind == GENERATED else 1.0 for one in documents], dtype=np.float64
        )
        # Of the fold-wise scores of all documents; known after the first pass.
        self._sharpness = 1.0

    def by_fold(self, tell: Progress) -> Iterator[HeldOut]:
        folds = np.array(assign_folds([one.group for one in self._documents], self._options.folds))
        fitted = []
        scores = np.zeros((len(self._documents), len(self.labels)))
        for fold in range(self._options.folds):
            held = folds == fold
            fitted.append(self._without(held))
            scores[held] = score(fitted[-1], self._counts[held])
            tell(f"fold {fold + 1} of {self._options.folds}")
        self._sharpness = fit_sharpness(scores, self._truth, self._weights)
        for fold, weights in enumerate(fitted):
            held_documents = [one for one, is_held in zip(self._documents, folds == fold, strict=True) if is_held]
            heads = [
                _head(one, self._options.seed) for one in held_documents if one.kind == REAL or is_outside(one.label)
            ]
            yield from self._predicted(weights, [*held_documents, *heads])

    def by_language(self, tell: Progress) -> Iterator[HeldOut]:
        """Real documents of each language, by a model trained on none in that language."""
        for language in sorted(LANGUAGES - {"en"}):
            held = np.array([document.language == language for document in self._documents])
            real = [
                replace(one, kind=OTHER_LANGUAGE)
                for one in self._documents
                if one.language == language and one.kind == REAL
            ]
            if real:
                yield from self._predicted(self._without(held), real)
                tell(f"{len(real)} documents in {language} by the other languages")

    def _without(self, held: NDArray[np.bool_]) -> Weights:
        kept = ~held
        if not kept.any():
            raise ConfigurationError("the corpus has too few groups to hold some out")
        return fit(self._counts[kept], self._truth[kept], self._weights[kept], self._options.fit, len(self.labels))

    def _predicted(self, weights: Weights, documents: Sequence[_Document]) -> Iterator[HeldOut]:
        manifest = Manifest("nb", KIND, "0", date.min.isoformat(), tuple(self.labels), (), "", 1)
        classifier = NaiveBayes(manifest, sharpened(weights, self._sharpness))
        for start in range(0, len(documents), _BATCH):
            batch = documents[start : start + _BATCH]
            found = classifier.predict([one.text for one in batch], [False] * len(batch))
            for one, prediction in zip(batch, found, strict=True):
                yield HeldOut(one.id, one.kind, one.label, one.text, one.group, prediction)


def _head(document: _Document, seed: int) -> _Document:
    chance = random.Random(f"{seed}-{document.id}")  # noqa: S311  a draw, no secret
    least, most = map(math.log, _HEAD_WORDS)
    words = round(math.exp(chance.uniform(least, most)))
    kind = FOREIGN_HEAD if is_outside(document.label) else HEAD
    return replace(document, id=f"{document.id}-head", kind=kind, text=" ".join(document.text.split()[:words]))
