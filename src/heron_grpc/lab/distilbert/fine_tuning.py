"""Fits the network to documents of known labels, and goes on where it was stopped."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.distilbert.batches import POOL, Batch, Draw, SpecialTokens, in_order, pool
from heron_grpc.lab.distilbert.network import DocumentNetwork, best_device
from heron_grpc.lab.distilbert.tokens import TokenSet

_CHECKPOINT = "checkpoint.pt"
_CURVE = "curve.jsonl"

# Hears of (steps done, loss of late).
Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What can be tuned."""

    steps: int = 2480
    rate: float = 1e-4
    head_rate: float = 1e-3
    warm_up_share: float = 0.06
    label_smoothing: float = 0.05
    # Of the loss, for what a teacher says of a document; the rest is for its label.
    teacher_share: float = 0.5
    seed: int = 1
    checkpoint_every: int = 20 * POOL
    draw: Draw = field(default_factory=Draw)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to learn from: `rows` of the set, and a teacher's probabilities (documents, labels) where there is one."""

    data: TokenSet
    rows: NDArray[np.int64]
    special: SpecialTokens
    teacher: NDArray[np.float32] | None = None


def fine_tune(
    network: DocumentNetwork,
    lesson: Lesson,
    options: FineTuning,
    directory: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Trains in place, on a GPU where there is one. Blocks for minutes there, for hours elsewhere.

    With a `directory` its state is kept there every so many steps, and one found there is gone on from. The losses are
    written to curve.jsonl beside it. Raises ConfigurationError when the state there is of another training.
    """
    torch.manual_seed(options.seed)
    network.to(best_device()).train()
    optimiser = _optimiser(network, options)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, options))
    run = _Run(network, optimiser, schedule, options, directory)
    step, late = run.resume(), 0.0
    while step < options.steps:
        for batch in pool(lesson.data, lesson.rows, lesson.special, options.draw, (options.seed, step)):
            loss = _loss(network, batch, lesson, options)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            late = loss.detach()
        step += POOL
        run.keep(step, float(late))
        if progress:
            progress(min(step, options.steps), float(late))
    network.eval()


@torch.no_grad()
def outputs(
    network: DocumentNetwork, data: TokenSet, rows: NDArray[np.int64], special: SpecialTokens, max_tokens: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits and embeddings of the documents' heads, in the order of `rows`."""
    network.to(best_device()).eval()
    logits = np.zeros((len(data), len(data.labels)), np.float32)
    embeddings = np.zeros((len(data), network.encoder.config.dim), np.float32)
    for batch in in_order(data, rows, special, max_tokens):
        with half_precision():
            made = network(*on_device(batch))
        logits[batch.places], embeddings[batch.places] = (each.float().cpu().numpy() for each in made)
    return logits[rows], embeddings[rows]


def on_device(batch: Batch) -> tuple[Tensor, Tensor]:
    """Its ids and mask, where the network is."""
    device = best_device()
    return torch.from_numpy(batch.ids).to(device), torch.from_numpy(batch.mask).to(device)


def half_precision() -> torch.autocast:
    """On a GPU; a CPU would be slower for it."""
    return torch.autocast("cuda", dtype=torch.bfloat16, enabled=best_device().type == "cuda")


def _optimiser(network: DocumentNetwork, options: FineTuning) -> torch.optim.AdamW:
    encoder = [each for each in network.encoder.parameters() if each.requires_grad]
    head = [*network.hidden.parameters(), *network.classifier.parameters()]
    groups = [{"params": encoder, "lr": options.rate}, {"params": head, "lr": options.head_rate}]
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=best_device().type == "cuda")


def _rate(step: int, options: FineTuning) -> float:
    """Rises in a line, falls as a cosine."""
    warm_up = max(1, int(options.warm_up_share * options.steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, options.steps - warm_up))))


def _loss(network: DocumentNetwork, batch: Batch, lesson: Lesson, options: FineTuning) -> Tensor:
    truth = torch.from_numpy(lesson.data.truth[batch.places]).to(best_device())
    with half_precision():
        logits, _ = network(*on_device(batch))
    logits = logits.float()
    by_label = nn.functional.cross_entropy(logits, truth, label_smoothing=options.label_smoothing)
    if lesson.teacher is None:
        return by_label
    taught = torch.from_numpy(lesson.teacher[batch.places].astype(np.float32)).to(logits.device)
    by_teacher = -(taught * nn.functional.log_softmax(logits, dim=-1)).sum(dim=-1).mean()
    return (1 - options.teacher_share) * by_label + options.teacher_share * by_teacher


@dataclass(slots=True)
class _Run:
    """A training's state, in memory and in its directory."""

    network: DocumentNetwork
    optimiser: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.LambdaLR
    options: FineTuning
    directory: Path | None

    def resume(self) -> int:
        """Steps that are done."""
        if self.directory is None or not (self.directory / _CHECKPOINT).is_file():
            return 0
        state = torch.load(self.directory / _CHECKPOINT, map_location=best_device(), weights_only=True)
        if state["options"] != _described(self.options):
            raise ConfigurationError("a training with other options was begun in this directory")
        for name in ("network", "optimiser", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        return int(state["step"])

    def keep(self, step: int, loss: float) -> None:
        """Writes the curve, and the state every so often."""
        if self.directory is None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / _CURVE).open("a", encoding="utf-8") as curve:
            curve.write(json.dumps({"step": step, "loss": round(loss, 5)}) + "\n")
        if step % self.options.checkpoint_every and step < self.options.steps:
            return
        state = {name: getattr(self, name).state_dict() for name in ("network", "optimiser", "schedule")}
        partial = self.directory / f"{_CHECKPOINT}.partial"
        torch.save({**state, "step": step, "options": _described(self.options)}, partial)
        partial.replace(self.directory / _CHECKPOINT)


def _described(options: FineTuning) -> str:
    return json.dumps(asdict(options), sort_keys=True)
