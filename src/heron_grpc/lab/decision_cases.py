"""Held-out documents as arrays: what each source says of every leaf, and the probabilities a decision rule gives."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify import ensemble
from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.decision_rule import DecisionRule
from heron_grpc.classify.known_text import distinct_words
from heron_grpc.classify.stages import MODEL, Subject, listen
from heron_grpc.domain.classification import ClassifyOptions
from heron_grpc.domain.document import Page, Reading
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.lab.held_out import HeldOut

OTHER = "meta/other"
# Stages that have something to say of plain text; the others need files.
STAGES = ("text", "rules")


@dataclass(frozen=True, slots=True)
class Cases:
    """n documents and l leaves."""

    leaves: tuple[str, ...]
    groups: tuple[str, ...]
    kinds: tuple[str, ...]
    # (n,) places of the true leaves.
    truth: NDArray[np.int64]
    # (n, l) log of the prior.
    prior: NDArray[np.float64]
    # (stages, n, l) log-odds, in the order of STAGES.
    stages: NDArray[np.float64]
    # (n,) distinct words the model knows; infinite where decisive rules left it out.
    known_words: NDArray[np.float64]
    # (n, 2): what novelty and doubt of Foreign multiply, 0 where the model was left out.
    foreign: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.truth)

    def probabilities(self, rule: DecisionRule) -> NDArray[np.float64]:
        """(n, l) as the service computes them from text in a language it knows."""
        with np.errstate(invalid="ignore"):
            trust = self.known_words / (self.known_words + rule.half_words)
        # No word and no half: the model counts whole; no model: nothing is taken from the rules' prior.
        trust = np.where(np.isfinite(trust), trust, 1.0)
        asked = np.isfinite(self.known_words)
        weight = np.where(asked, rule.weight(MODEL), 1.0) * trust
        logits = weight[:, None] * self.prior
        for stage, log_odds in zip(STAGES, self.stages, strict=True):
            logits = logits + rule.weight(stage) * log_odds
        logits[:, self.leaves.index(OTHER)] += self.foreign @ (rule.foreign.novelty, rule.foreign.doubt)
        return softmax(logits / rule.temperature)

    def of(self, kept: NDArray[np.bool_]) -> "Cases":
        """The documents that are kept."""
        places = np.flatnonzero(kept)
        return Cases(
            self.leaves,
            tuple(self.groups[place] for place in places),
            tuple(self.kinds[place] for place in places),
            self.truth[kept],
            self.prior[kept],
            self.stages[:, kept],
            self.known_words[kept],
            self.foreign[kept],
        )


def cases_of(documents: Sequence[HeldOut], pack: TaxonomyPack) -> Cases:
    """Asks the stages about every document; labels the taxonomy has no open leaf for are left out."""
    leaves = pack.taxonomy.open_leaves
    places = {leaf: place for place, leaf in enumerate(leaves)}
    kept = [document for document in documents if document.label in places]
    stages = np.zeros((len(STAGES), len(kept), len(leaves)))
    prior, words, foreign = np.zeros((len(kept), len(leaves))), np.zeros(len(kept)), np.zeros((len(kept), 2))
    for row, document in enumerate(kept):
        reading = Reading("text/plain", (Page(1, document.text),))
        heard = listen(Subject(reading, is_file=False), pack, ClassifyOptions())
        asked = heard.settled is None
        prediction = document.prediction
        shares = ensemble.prior(leaves, prediction.probabilities if asked else None, heard.settled)
        prior[row] = [math.log(max(shares[leaf], ensemble.FLOOR)) for leaf in leaves]
        words[row] = distinct_words(reading.text) * (1.0 - prediction.novelty) if asked else math.inf
        if asked:
            foreign[row] = prediction.novelty, 1.0 - max(prediction.probabilities.values())
        said = {found.stage: found.log_odds for found in heard.content}
        for number, stage in enumerate(STAGES):
            _add(stages[number, row], said[stage], places, pack)
    return Cases(
        leaves,
        tuple(document.group for document in kept),
        tuple(document.kind for document in kept),
        np.array([places[document.label] for document in kept]),
        prior,
        stages,
        words,
        foreign,
    )


def _add(
    row: NDArray[np.float64], log_odds: Mapping[str, float], places: Mapping[str, int], pack: TaxonomyPack
) -> None:
    for category, value in log_odds.items():
        for leaf in pack.taxonomy.open_leaves_below.get(category, ()):
            row[places[leaf]] += value
