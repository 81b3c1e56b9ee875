"""What came of the calls of one window: exact samples by gRPC code, merged over processes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

OK = "OK"


@dataclass
class Tally:
    """Latencies in seconds by gRPC code name; for a bulk stream each document is a call."""

    # Of the window the calls belong to.
    seconds: float
    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    # How much later than intended each call of an open loop was sent: the generator's own lateness.
    lags_s: list[float] = field(default_factory=list)

    def add(self, code: str, latency_s: float) -> None:
        """One call."""
        self.latencies_s.setdefault(code, []).append(latency_s)

    def merge(self, other: "Tally") -> None:
        """Adds what another process saw of the same window."""
        for code, latencies in other.latencies_s.items():
            self.latencies_s.setdefault(code, []).extend(latencies)
        self.lags_s.extend(other.lags_s)

    @property
    def codes(self) -> dict[str, int]:
        """Calls by code, the most frequent first."""
        counts = {code: len(latencies) for code, latencies in self.latencies_s.items()}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    @property
    def failed(self) -> int:
        """Calls with any other code than OK."""
        return sum(count for code, count in self.codes.items() if code != OK)

    @property
    def ok_per_s(self) -> float:
        """Answered calls a second."""
        return self.codes.get(OK, 0) / self.seconds

    def within_per_s(self, deadline_s: float) -> float:
        """Goodput: calls a second that were answered no later than `deadline_s` after they were meant to be sent."""
        return sum(latency <= deadline_s for latency in self.latencies_s.get(OK, ())) / self.seconds

    def percentile_ms(self, share: float, code: str = OK) -> float:
        """Latency that `share` (0 to 1) of the calls with this code did not exceed; 0 without any."""
        return percentile(self.latencies_s.get(code, ()), share) * 1e3

    def lag_ms(self, share: float) -> float:
        """How late calls of an open loop were sent; what the generator, not the service, was slow at."""
        return percentile(self.lags_s, share) * 1e3

    def summary(self) -> dict[str, object]:
        """For people and for JSON."""
        lag = {"send_lag_p99_ms": round(self.lag_ms(0.99), 2)} if self.lags_s else {}
        return {
            "ok_per_s": round(self.ok_per_s, 1),
            "p50_ms": round(self.percentile_ms(0.5), 2),
            "p99_ms": round(self.percentile_ms(0.99), 2),
            "codes": self.codes,
            **lag,
        }


def percentile(samples: Iterable[float], share: float) -> float:
    """The nearest-rank percentile: always a sample, none below `share` of them; 0 without any."""
    ordered = sorted(samples)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0
