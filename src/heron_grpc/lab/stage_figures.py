"""What each stage alone said: how often it had an opinion, and how often that was right."""

from collections.abc import Sequence
from dataclasses import dataclass

from heron_grpc.lab.measures import Judged, Share, wilson


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One stage's opinions; a category above the true label is right, as the stage said no more than that."""

    stage: str
    # Of the documents that got an answer.
    coverage: Share
    # Of its opinions.
    precision: Share


def stage_figures(rows: Sequence[Judged]) -> tuple[StageFigures, ...]:
    """Every stage that was asked, in the order they ran; none for answers of a model alone."""
    answered = [row for row in rows if row.opinions]
    stages = dict.fromkeys(opinion.stage for row in answered for opinion in row.opinions)
    return tuple(_figures(stage, answered) for stage in stages)


def _figures(stage: str, rows: Sequence[Judged]) -> StageFigures:
    said = [
        is_within(row.truth, opinion.category)
        for row in rows
        for opinion in row.opinions
        if opinion.stage == stage and opinion.category is not None
    ]
    return StageFigures(stage, wilson(len(said), len(rows)), wilson(sum(said), len(said)))


def is_within(label: str, category: str) -> bool:
    """Whether a category is the label or lies above it."""
    return label == category or label.startswith(f"{category}/")
