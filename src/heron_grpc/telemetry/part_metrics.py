"""What the service's parts say of themselves, asked at every scrape."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from heron_grpc.telemetry.logging import get_logger
from heron_grpc.telemetry.parts import Parts

_BATCH_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs."""

    version: str
    pipeline_version: str


@dataclass(slots=True, eq=False)
class PartMetrics:
    """A collector: a part that cannot answer loses its own metrics only, which is logged once."""

    parts: Parts
    versions: Versions
    _failing: set[str] = field(default_factory=set)

    def collect(self) -> Iterator[Metric]:
        """Reads the parts; to be called in their event loop."""
        for group in (self._service, self._spool, self._intake, self._pool, self._model, self._backend):
            name = group.__name__.removeprefix("_")
            try:
                yield from list(group())
            except Exception as error:  # noqa: BLE001  the other parts' metrics must not be lost with this one's
                if name not in self._failing:
                    _log.error("metrics_not_collected", part=name, exc_info=error)
                self._failing.add(name)
            else:
                self._failing.discard(name)

    def _service(self) -> Iterator[Metric]:
        build = InfoMetricFamily("heron_build", "What runs; 1.")
        # The model's is empty while the backend is away.
        model_version = self.parts.model.model_version
        build.add_metric([], {**asdict(self.versions), "model_version": model_version})
        yield build
        yield _gauge("heron_serving", "Whether health says SERVING.", self.parts.front.serving)

    def _spool(self) -> Iterator[Metric]:
        held = self.parts.spool.bytes_held
        yield _gauge("heron_spooled_bytes", "Bytes the documents in work take, or have set aside, in the spool.", held)

    def _intake(self) -> Iterator[Metric]:
        held = self.parts.intake.bytes_held
        yield _gauge("heron_request_bytes", "Bytes of the texts and small files of calls in work, in memory.", held)

    def _pool(self) -> Iterator[Metric]:
        pool = self.parts.pool
        yield _gauge("heron_reading_waiting_documents", "Documents that wait for a reading child.", pool.waiting)
        yield _gauge("heron_reading_busy_children", "Reading children at work.", pool.busy)
        yield _counter("heron_reading_documents", "Documents given to a reading child.", pool.documents)
        refused = "Documents not read because they had ended several reading children before."
        yield _counter("heron_reading_refused_documents", refused, pool.refusals)
        kills = CounterMetricFamily(
            "heron_reading_children_killed", "Reading children killed or replaced, by why.", labels=["reason"]
        )
        for reason, count in pool.kills.items():
            kills.add_metric([reason], count)
        yield kills

    def _model(self) -> Iterator[Metric]:
        model = self.parts.model
        yield _gauge("heron_model_ready", "Whether the model backend answers that it is ready.", model.ready)
        yield _gauge("heron_model_breaker_open", "Whether calls of the model backend are refused.", model.breaker_open)
        yield _gauge("heron_model_waiting_texts", "Texts that wait for the model.", model.waiting)
        yield _gauge("heron_model_calls_in_flight", "Calls of the model backend under way.", model.calls_in_flight)
        yield _batches(model.batch_sizes)

    def _backend(self) -> Iterator[Metric]:
        if self.parts.backend:
            restarts = self.parts.backend.restarts
            yield _counter("heron_model_backend_restarts", "Times the model backend was started again.", restarts)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=float(value))


def _counter(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(name, documentation, value=float(value))


def _batches(sizes: Mapping[int, int]) -> Metric:
    at_most: Iterable[tuple[str, float]] = (
        (str(float(most)), sum(calls for texts, calls in sizes.items() if texts <= most)) for most in _BATCH_TEXTS
    )
    return HistogramMetricFamily(
        "heron_model_batch_texts",
        "Texts in one call of the model backend.",
        buckets=[*at_most, ("+Inf", sum(sizes.values()))],
        sum_value=sum(texts * calls for texts, calls in sizes.items()),
    )
