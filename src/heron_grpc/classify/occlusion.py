"""Which words a transformer's answer rests on: covered up, and what the answer loses is what it counts for."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from heron_grpc.domain.classification import WordWeight

# Runs of the network: one for each part of the text, then one for each word of the parts that counted most.
_PARTS, _MOST_SINGLE_WORDS = 16, 24

# Token ids of a text -> its scores, (labels,), of which differences are natural log-odds.
Score = Callable[[list[int]], NDArray[np.float64]]


def word_weights(encoding: Encoding, cover: int, best: int, score: Score) -> tuple[WordWeight, ...]:
    """Strongest first; `cover` is the token that takes the place of others, `best` the label's place. Blocks.

    Words of a part whose words were not covered one by one share what the part counts for.
    """
    words = _words(encoding)
    if not words:
        return ()
    whole = _log_odds(score(encoding.ids), best)

    def loss(covered: Sequence[tuple[int, int]]) -> float:
        ids = [*encoding.ids]
        for start, end in covered:
            ids[start:end] = [cover] * (end - start)
        return whole - _log_odds(score(ids), best)

    borders = np.linspace(0, len(words), min(_PARTS, len(words)) + 1).astype(int)
    parts = [words[start:end] for start, end in pairwise(borders)]
    losses = [loss(part) for part in parts]
    weights = {word: lost / len(part) for part, lost in zip(parts, losses, strict=True) for word in part}
    left = _MOST_SINGLE_WORDS
    for place in np.argsort(losses)[::-1]:
        if len(parts[place]) > left or losses[place] <= 0:
            break
        left -= len(parts[place])
        weights |= {word: loss([word]) for word in parts[place]}
    found = [
        WordWeight(encoding.offsets[start][0], encoding.offsets[end - 1][1], float(weight))
        for (start, end), weight in weights.items()
    ]
    return tuple(sorted(found, key=lambda word: -abs(word.weight)))


def _words(encoding: Encoding) -> list[tuple[int, int]]:
    """Token ranges, half-open, of the words in their order; special tokens belong to none."""
    ranges: dict[int, tuple[int, int]] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None:
            ranges[word] = (ranges.get(word, (place, 0))[0], place + 1)
    return [*ranges.values()]


def _log_odds(scores: NDArray[np.float64], best: int) -> float:
    others = np.delete(scores, best)
    top = others.max(initial=-np.inf)
    return float(scores[best] - (top + np.log(np.exp(others - top).sum()))) if len(others) else float(scores[best])
