"""Texts as token ids, kept in one file so that a training that goes on, or goes elsewhere, has the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Of a longer document its head and its tail are kept, in tokens.
_HEAD, _TAIL = 768, 256
# Characters looked at for them: more than so many tokens have.
_HEAD_CHARS, _TAIL_CHARS = 8 * _HEAD, 8 * _TAIL


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Documents as tokens without special ones, real documents first; ids fit 16 bits."""

    tokens: NDArray[np.uint16]
    # (documents + 1,) places in `tokens`.
    offsets: NDArray[np.int64]
    # (documents,) indices into `labels`.
    truth: NDArray[np.int64]
    labels: tuple[str, ...]
    # The group of a real document, the layout of a generated one.
    groups: tuple[str, ...]
    real: int

    def __len__(self) -> int:
        return len(self.truth)

    def document(self, place: int) -> NDArray[np.uint16]:
        """The tokens of one document."""
        return self.tokens[self.offsets[place] : self.offsets[place + 1]]

    def save(self, path: Path) -> None:
        """As npz without pickle."""
        np.savez_compressed(
            path,
            tokens=self.tokens,
            offsets=self.offsets,
            truth=self.truth,
            labels=np.array(self.labels),
            groups=np.array(self.groups),
            real=np.array(self.real),
        )

    @classmethod
    def load(cls, path: Path) -> "TokenSet":
        """What `save` wrote."""
        with np.load(path) as arrays:
            return cls(
                arrays["tokens"],
                arrays["offsets"],
                arrays["truth"],
                tuple(arrays["labels"].tolist()),
                tuple(arrays["groups"].tolist()),
                int(arrays["real"]),
            )


def tokenise(
    texts: Sequence[str], truth: Sequence[int], labels: tuple[str, ...], groups: tuple[str, ...], tokenizer: Tokenizer
) -> TokenSet:
    """All of them as real documents; `tokenizer` neither cuts nor pads. Blocks."""
    pieces = [_kept(text, tokenizer) for text in texts]
    return TokenSet(
        np.concatenate([np.empty(0, np.uint16), *pieces]),
        np.cumsum([0, *map(len, pieces)]),
        np.array(truth, dtype=np.int64),
        labels,
        groups,
        len(texts),
    )


def joined(real: TokenSet, generated: TokenSet) -> TokenSet:
    """Both in this order; they know the same labels."""
    return TokenSet(
        np.concatenate((real.tokens, generated.tokens)),
        np.concatenate((real.offsets, generated.offsets[1:] + real.offsets[-1])),
        np.concatenate((real.truth, generated.truth)),
        real.labels,
        real.groups + generated.groups,
        len(real),
    )


def bare(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, which from now on neither cuts nor pads."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _kept(text: str, tokenizer: Tokenizer) -> NDArray[np.uint16]:
    ids = tokenizer.encode(text[: _HEAD_CHARS + _TAIL_CHARS], add_special_tokens=False).ids
    if len(text) > _HEAD_CHARS + _TAIL_CHARS:
        tail = tokenizer.encode(text[-_TAIL_CHARS:], add_special_tokens=False).ids
        ids = ids[:_HEAD] + tail[-_TAIL:]
    elif len(ids) > _HEAD + _TAIL:
        ids = ids[:_HEAD] + ids[-_TAIL:]
    return np.array(ids, dtype=np.uint16)
