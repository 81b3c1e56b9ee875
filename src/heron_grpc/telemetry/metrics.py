"""What the service counts as it works, for Prometheus; docs/metrics.md tells what each metric means."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.registry import Collector

from heron_grpc.domain.classification import Classification
from heron_grpc.telemetry.call_metrics import CallMetrics
from heron_grpc.telemetry.document_metrics import DocumentMetrics

_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics:
    """Counts in memory, in a registry of its own; each of its methods takes some microseconds at most."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = CallMetrics(self.registry)
        self._documents = DocumentMetrics(self.registry)
        self._lag = Histogram(
            "heron_event_loop_lag_seconds",
            "How late the front's event loop comes back to a task that sleeps, sampled 4 times a second.",
            buckets=_LAG_S,
            registry=self.registry,
        )

    def know_methods(self, paths: Iterable[str]) -> None:
        """The methods served, as "/package.Service/Method"; all others are counted together."""
        self._calls.know(paths)

    def follow(self, collector: Collector) -> None:
        """Asks it at every scrape."""
        self.registry.register(collector)

    def call_started(self, method: str) -> None:
        """A call came in, for a path as in `know_methods`."""
        self._calls.started(method)

    def call_finished(self, method: str, code: str, seconds: float) -> None:
        """It ended, with the name of a gRPC code."""
        self._calls.finished(method, code, seconds)

    def call_refused(self, method: str, resource: str) -> None:
        """It got no room; `resource` names what was full."""
        self._calls.refused(method, resource)

    def document_received(self, size_bytes: int) -> None:
        """A document arrived whole; of text, its UTF-8."""
        self._documents.received(size_bytes)

    def observe_answer(self, answer: Classification) -> None:
        """A document was answered."""
        self._documents.observe(answer)

    def observe_reading(self, total_s: float, queued_s: float, pages: int, ocr_pages: int) -> None:
        """A document was read for a caller who asked for no more."""
        self._documents.read(total_s, queued_s, pages, ocr_pages)

    def document_failed(self, reason: str) -> None:
        """A document ended in an error with this ErrorInfo reason."""
        self._documents.failed(reason)

    def loop_lagged(self, seconds: float) -> None:
        """The event loop came so late."""
        self._lag.observe(seconds)
