"""What a stage found: its opinion, its log-odds and the places that speak for them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from heron_grpc.domain.classification import StageOpinion, StageState


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the document text (code points, half-open; 0, 0 for no text) and the log-odds it is worth."""

    category: str
    weight: float
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A stage's opinion and what it adds to the log-odds of categories, leaves or inner ones."""

    stage: str
    state: StageState
    # None when it had no opinion.
    category: str | None = None
    confidence: float | None = None
    duration_s: float = 0.0
    # Why it was skipped or failed, or what it found.
    detail: str = ""
    log_odds: Mapping[str, float] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()

    def lasting(self, duration_s: float) -> "Finding":
        """The same, with the seconds it took."""
        return Finding(
            self.stage,
            self.state,
            self.category,
            self.confidence,
            duration_s,
            self.detail,
            self.log_odds,
            self.marks,
        )

    def opinion(self, weight: float = 0.0) -> StageOpinion:
        """What the stage said, with its share in the decision."""
        return StageOpinion(
            self.stage, self.state, self.category, self.confidence, weight, self.duration_s, self.detail
        )


def no_finding(stage: str, state: StageState, detail: str, duration_s: float = 0.0) -> Finding:
    """A stage that did not run or had nothing to say."""
    return Finding(stage, state, duration_s=duration_s, detail=detail)


def finding(stage: str, log_odds: Mapping[str, float], marks: tuple[Mark, ...], detail: str) -> Finding:
    """A stage that speaks for the category with the largest log-odds."""
    best = max(log_odds, key=lambda category: (log_odds[category], category))
    confidence = sigmoid(log_odds[best])
    return Finding(stage, StageState.COMPLETED, best, confidence, 0.0, detail, dict(log_odds), marks)


def sigmoid(log_odds: float) -> float:
    """The probability of a category with these log-odds when it stood at even odds before."""
    return 1.0 / (1.0 + math.exp(-log_odds))
