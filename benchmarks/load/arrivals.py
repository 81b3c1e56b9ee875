"""When an open loop sends: moments fixed beforehand, whatever the service does."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Arrivals = Literal["poisson", "constant"]


@dataclass(frozen=True, slots=True)
class Step:
    """A rate held for a while."""

    per_s: float
    seconds: float


def ramp(first_per_s: float, last_per_s: float, step_per_s: float, step_s: float) -> tuple[Step, ...]:
    """Rates from first to last, both included when the step divides their distance."""
    count = int((last_per_s - first_per_s) / step_per_s + 1e-9) + 1
    return tuple(Step(first_per_s + number * step_per_s, step_s) for number in range(count))


def moments(steps: Sequence[Step], arrivals: Arrivals, seed: int) -> list[list[float]]:
    """For each step its calls, in ascending seconds since the first step began; the same for the same seed."""
    draw = random.Random(seed)
    found = []
    begin = 0.0
    for step in steps:
        found.append(_poisson(step, begin, draw) if arrivals == "poisson" else _constant(step, begin))
        begin += step.seconds
    return found


def _constant(step: Step, begin: float) -> list[float]:
    return [begin + number / step.per_s for number in range(round(step.per_s * step.seconds))]


def _poisson(step: Step, begin: float, draw: random.Random) -> list[float]:
    """Exponential gaps: independent callers, and the bunching that a queue must bear."""
    found: list[float] = []
    at = begin + draw.expovariate(step.per_s)
    while at < begin + step.seconds:
        found.append(at)
        at += draw.expovariate(step.per_s)
    return found
