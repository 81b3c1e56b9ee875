"""Lets the encoder see the documents of the field before it learns their labels: it guesses tokens that are hidden."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import DistilBertForMaskedLM, DistilBertModel

from heron_grpc.lab.distilbert.batches import POOL, Batch, Draw, SpecialTokens, pool
from heron_grpc.lab.distilbert.fine_tuning import half_precision, on_device
from heron_grpc.lab.distilbert.network import best_device
from heron_grpc.lab.distilbert.tokens import TokenSet

# Of the tokens, and of those the ones that stay as they are (Devlin et al., 2019).
_HIDDEN, _LEFT = 0.15, 0.1

Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class PreTraining:
    """What can be tuned; 0 steps leave the encoder as it is."""

    steps: int = 608
    rate: float = 2e-4
    warm_up_steps: int = 100
    seed: int = 77
    draw: Draw = field(default_factory=lambda: Draw(real_share=0.5, window_share=0.8, blank_share=0.0))


def pre_train(
    encoder: DistilBertModel,
    data: TokenSet,
    rows: NDArray[np.int64],
    special: SpecialTokens,
    options: PreTraining,
    progress: Progress | None = None,
) -> None:
    """Masked language modelling in place, on a GPU where there is one; the word table stays as it is. Blocks."""
    torch.manual_seed(options.seed)
    guesser = DistilBertForMaskedLM(encoder.config)
    guesser.distilbert = encoder
    words = encoder.embeddings.word_embeddings.weight
    guesser.vocab_projector.weight = words
    words.requires_grad_(requires_grad=False)
    guesser.to(best_device()).train()
    optimiser = torch.optim.AdamW(
        [each for each in guesser.parameters() if each.requires_grad], lr=options.rate, weight_decay=0.01
    )
    for start in range(0, options.steps, POOL):
        loss = 0.0
        for step, batch in enumerate(pool(data, rows, special, options.draw, (options.seed, start)), start):
            for group in optimiser.param_groups:
                group["lr"] = options.rate * _pace(step, options)
            hidden = _guess(guesser, batch, special)
            optimiser.zero_grad(set_to_none=True)
            hidden.backward()
            optimiser.step()
            loss = float(hidden.detach())
        if progress:
            progress(min(start + POOL, options.steps), loss)
    encoder.to("cpu").eval()


def _guess(guesser: DistilBertForMaskedLM, batch: Batch, special: SpecialTokens) -> Tensor:
    """The loss over the tokens that are hidden."""
    ids, mask = on_device(batch)
    content = (mask > 0) & (ids != special.start) & (ids != special.end)
    hidden = content & (torch.rand(ids.shape, device=ids.device) < _HIDDEN)
    covered = hidden & (torch.rand(ids.shape, device=ids.device) >= _LEFT)
    with half_precision():
        given = torch.where(covered, torch.full_like(ids, special.mask), ids)
        states = guesser.distilbert(input_ids=given, attention_mask=mask).last_hidden_state[hidden]
        states = guesser.vocab_layer_norm(guesser.activation(guesser.vocab_transform(states)))
        guesses = guesser.vocab_projector(states).float()
    return nn.functional.cross_entropy(guesses, ids[hidden], reduction="sum") / max(1, int(hidden.sum()))


def _pace(step: int, options: PreTraining) -> float:
    return min(1.0, (step + 1) / options.warm_up_steps) * max(0.05, 1 - step / options.steps)
