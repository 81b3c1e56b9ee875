"""What a run is to do; picklable, so that several processes can each do their part."""

from dataclasses import dataclass

from benchmarks.load.arrivals import Arrivals, Step
from benchmarks.load.shapes import Bulk, Unary, Upload


@dataclass(frozen=True, slots=True)
class Closed:
    """Callers that each ask again as soon as they are answered; for bulk each caller is a stream."""

    callers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Open:
    """Calls at moments fixed beforehand. Latency counts from the moment meant, not from when the call got sent, so
    that calls which a slow service holds up are not left out of the figures (coordinated omission)."""

    steps: tuple[Step, ...]
    arrivals: Arrivals = "poisson"
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """One run against one address."""

    address: str
    shape: Unary | Upload | Bulk
    load: Closed | Open
    # Of each call; of the whole stream for bulk.
    deadline_s: float = 60.0
    # Connections of each process. The service takes 128 streams on one; more would queue inside the client.
    channels: int = 1
    # Load before the window opens: what ends (closed loop) or begins (open loop) in it is not counted.
    warm_s: float = 0.5

    @property
    def window_s(self) -> float:
        """Length of the window that is counted."""
        return self.load.seconds if isinstance(self.load, Closed) else sum(step.seconds for step in self.load.steps)
