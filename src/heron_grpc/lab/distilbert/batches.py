"""Draws documents to train on: real ones more often than they come, long ones by any window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.distilbert.tokens import TokenSet

# Batches drawn together and sorted by length; a checkpoint lies between two pools.
POOL = 16


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Their ids."""

    start: int
    end: int
    pad: int
    unknown: int
    mask: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "SpecialTokens":
        """As BERT names them. Raises ConfigurationError when the tokenizer lacks one."""
        found = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"))
        ids = [each for each in found if each is not None]
        if len(ids) < 5:
            raise ConfigurationError("the encoder's tokenizer has not BERT's special tokens")
        return cls(*ids)


@dataclass(frozen=True, slots=True)
class Draw:
    """How documents are drawn."""

    batch: int = 64
    # Tokens of a sequence, special ones included.
    max_tokens: int = 256
    # Real documents among those drawn.
    real_share: float = 0.3
    # Long documents that are cut anywhere, not after their head.
    window_share: float = 0.3
    # Tokens replaced by the unknown one, in half of the documents.
    blank_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents padded to the longest: (documents, tokens) int64, and their places in the set."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    places: NDArray[np.int64]


def pool(
    data: TokenSet, rows: NDArray[np.int64], special: SpecialTokens, how: Draw, seed: Sequence[int]
) -> list[Batch]:
    """POOL batches drawn from `rows`; the same for the same seed."""
    random = np.random.default_rng(seed)
    places = _places(data, rows, how, random)
    sequences = [_training_sequence(data.document(place), special, how, random) for place in places]
    order = sorted(range(len(places)), key=lambda each: len(sequences[each]))
    batches = [order[start : start + how.batch] for start in range(0, len(order), how.batch)]
    random.shuffle(batches)
    return [_padded([sequences[each] for each in batch], places[batch], special) for batch in batches]


def in_order(
    data: TokenSet, rows: NDArray[np.int64], special: SpecialTokens, max_tokens: int, batch: int = 256
) -> Iterator[Batch]:
    """The heads of all documents once, longest first."""
    ordered = rows[np.argsort(-(data.offsets[rows + 1] - data.offsets[rows]), kind="stable")]
    for start in range(0, len(ordered), batch):
        places = ordered[start : start + batch]
        sequences = [_framed(data.document(place)[: max_tokens - 2], special) for place in places]
        yield _padded(sequences, places, special)


def _places(data: TokenSet, rows: NDArray[np.int64], how: Draw, random: np.random.Generator) -> NDArray[np.int64]:
    real, generated = rows[rows < data.real], rows[rows >= data.real]
    share = how.real_share if len(generated) else 1.0
    wanted = random.binomial(POOL * how.batch, share) if len(real) else 0
    chosen = [random.choice(generated, POOL * how.batch - wanted)] if wanted < POOL * how.batch else []
    if wanted:
        # By the square root of their number: the commonest labels would take up all.
        chance = 1 / np.sqrt(np.bincount(data.truth[real], minlength=len(data.labels))[data.truth[real]])
        chosen.append(random.choice(real, wanted, p=chance / chance.sum()))
    places = np.concatenate(chosen)
    random.shuffle(places)
    return places


def _training_sequence(
    tokens: NDArray[np.uint16], special: SpecialTokens, how: Draw, random: np.random.Generator
) -> NDArray[np.int64]:
    room = how.max_tokens - 2
    start = 0
    if len(tokens) > room and random.random() < how.window_share:
        start = int(random.integers(len(tokens) - room + 1))
    sequence = _framed(tokens[start : start + room], special)
    if how.blank_share and random.random() < 0.5:
        blank = random.random(len(sequence)) < how.blank_share
        blank[[0, -1]] = False
        sequence[blank] = special.unknown
    return sequence


def _framed(tokens: NDArray[np.uint16], special: SpecialTokens) -> NDArray[np.int64]:
    return np.concatenate(([special.start], tokens, [special.end])).astype(np.int64)


def _padded(sequences: Sequence[NDArray[np.int64]], places: NDArray[np.int64], special: SpecialTokens) -> Batch:
    shape = (len(sequences), max(map(len, sequences)))
    ids, mask = np.full(shape, special.pad, np.int64), np.zeros(shape, np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return Batch(ids, mask, places)
