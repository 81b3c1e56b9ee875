"""Whether the words told as evidence are those that count: without them an answer must lose more than without any."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from heron_grpc.domain.classification import WordWeight
from heron_grpc.domain.ports import Classifier
from heron_grpc.lab.measures import Share, wilson

RANDOM_DELETIONS = 20
# Words of evidence that are taken out: as many as an answer tells at most.
_MOST_WORDS = 20
_WORD = re.compile(r"\w+")
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Proof:
    """Of the texts with evidence: where its deletion costs more than each of the random ones, and than their mean."""

    beats_all: Share
    beats_mean: Share
    # Of all texts: those with evidence.
    explained: Share


def prove(
    classifier: Classifier, texts: Sequence[str], seed: int = 1, progress: Callable[[int, int], None] | None = None
) -> Proof:
    """Asks 22 times a text. Blocks."""
    beats_all = beats_mean = explained = 0
    for done, text in enumerate(texts, 1):
        drops = _drops(classifier, text, Random(f"{seed}/{done}"))  # noqa: S311 - draws deletions, guards nothing
        if drops:
            explained += 1
            beats_all += drops[0] > max(drops[1:])
            beats_mean += drops[0] > sum(drops[1:]) / RANDOM_DELETIONS
        if progress:
            progress(done, len(texts))
    return Proof(wilson(beats_all, explained), wilson(beats_mean, explained), wilson(explained, len(texts)))


def _drops(classifier: Classifier, text: str, random: Random) -> list[float]:
    """By how much the log-odds of the label fall without the evidence, then without random words; none without any."""
    (said,) = classifier.predict([text], [True])
    best = max(said.probabilities, key=said.probabilities.__getitem__)
    evidence = sorted((word for word in said.words if word.weight > 0), key=_weight, reverse=True)[:_MOST_WORDS]
    if not evidence:
        return []
    # A word of evidence may be several words of the text.
    words = [match.span() for match in _WORD.finditer(text)]
    told = [span for span in words if any(span[0] < each.end and each.start < span[1] for each in evidence)]
    deletions = [told, *(random.sample(words, len(told)) for _ in range(RANDOM_DELETIONS))]
    shortened = [_without(text, spans) for spans in deletions]
    answers = classifier.predict([text, *shortened], [False] * (1 + len(shortened)))
    odds = [_log_odds(answer.probabilities.get(best, 0.0)) for answer in answers]
    return [odds[0] - each for each in odds[1:]]


def _weight(word: WordWeight) -> float:
    return word.weight


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept, place = [], 0
    for start, end in sorted(spans):
        kept.append(text[place:start])
        place = end
    return "".join([*kept, text[place:]])


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))
