"""Metrics by label, with a bound on the values a label takes, whoever chooses them."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

OTHER = "other"

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Bound:
    """Which values a label may take: those known, and the first `most_new` others that come; the rest is "other"."""

    def __init__(self, known: Iterable[str] = (), most_new: int = 0) -> None:
        self._values = {*known, OTHER}
        self._most = len(self._values) + most_new

    def learn(self, value: str) -> None:
        """Makes it a known value."""
        if value not in self._values:
            self._values.add(value)
            self._most += 1

    def __call__(self, value: str) -> str:
        """The value, or "other"."""
        if value not in self._values and len(self._values) < self._most:
            self._values.add(value)
        return value if value in self._values else OTHER


class Children(dict[tuple[str, ...], Metric], Generic[Metric]):
    """A metric's children by their label values, made when first used: a look-up costs some 0.1 us."""

    def __init__(self, metric: Metric, *bounds: Bound) -> None:
        """`bounds` in the order of the metric's labels."""
        super().__init__()
        self._metric: Any = metric
        self._bounds = bounds

    def __missing__(self, values: tuple[str, ...]) -> Metric:
        bounded = tuple(bound(value) for bound, value in zip(self._bounds, values, strict=True))
        child: Metric = self._metric.labels(*bounded)
        # Values that count as "other" are not kept either.
        if bounded == values:
            self[values] = child
        return child
