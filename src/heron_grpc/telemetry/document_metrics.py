"""What is counted about documents."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram

from heron_grpc.domain.classification import Classification, Decision, StageOpinion, StageState
from heron_grpc.domain.errors import HeronError
from heron_grpc.telemetry.label_bounds import Bound, Children

# Of the category label, for a document without a label.
NO_CATEGORY = "none"
# More than a deployment has.
_MOST_CATEGORIES, _MOST_STAGES = 64, 32
_NOT_RUN = frozenset({StageState.SKIPPED, StageState.NOT_APPLICABLE})

_DOCUMENT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
# 1 KiB to 256 MiB.
_SIZE_BYTES = tuple(1024 * 4**power for power in range(10))
_STAGE_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class DocumentMetrics:
    """Decisions, failures, times, pages and bytes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count_outcomes(registry)
        self._count_work(registry)
        self._count_stages(registry)

    def observe(self, answer: Classification) -> None:
        """A document was answered."""
        labels, stats = answer.verdict.labels, answer.stats
        category = labels[0].category.partition("/")[0] if labels else NO_CATEGORY
        self._decided[answer.verdict.decision.value, category].inc()
        self._seconds.observe(stats.total_s)
        if stats.cache_hit:
            # What its stages took was counted when they ran.
            self._cache_hits.inc()
            return
        self._queued.observe(stats.queued_s)
        self._pages.inc(stats.pages)
        self._ocr_pages.inc(stats.ocr_pages)
        for opinion in answer.verdict.stages:
            self._observe_stage(opinion)

    def read(self, total_s: float, queued_s: float, pages: int, ocr_pages: int) -> None:
        """A document was read for a caller who asked for no more."""
        self._readings.inc()
        self._seconds.observe(total_s)
        self._queued.observe(queued_s)
        self._pages.inc(pages)
        self._ocr_pages.inc(ocr_pages)

    def failed(self, reason: str) -> None:
        """A document ended in an error."""
        self._failed[reason,].inc()

    def received(self, size_bytes: int) -> None:
        """A document arrived whole."""
        self._size.observe(size_bytes)

    def _observe_stage(self, opinion: StageOpinion) -> None:
        self._stages[opinion.stage, opinion.state.value].inc()
        if opinion.state not in _NOT_RUN:
            self._stage_seconds[opinion.stage,].observe(opinion.duration_s)

    def _count_outcomes(self, registry: CollectorRegistry) -> None:
        decided = Counter(
            "heron_documents",
            "Documents answered, by decision and the label's top-level category.",
            ["decision", "category"],
            registry=registry,
        )
        decisions = Bound([decision.value for decision in Decision])
        self._decided = Children(decided, decisions, Bound([NO_CATEGORY], _MOST_CATEGORIES))
        failed = Counter(
            "heron_documents_failed",
            "Documents that ended in an error, by its reason.",
            ["reason"],
            registry=registry,
        )
        self._failed = Children(failed, Bound(_reasons(HeronError)))
        self._readings = Counter("heron_readings", "Documents read for their text alone.", registry=registry)
        self._cache_hits = Counter("heron_cache_hits", "Documents answered from the result cache.", registry=registry)

    def _count_work(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "heron_document_duration_seconds",
            "Time from a received document to its answer.",
            buckets=_DOCUMENT_S,
            registry=registry,
        )
        self._queued = Histogram(
            "heron_document_queue_seconds",
            "Time a document waited for a reading child and for the model.",
            buckets=_DOCUMENT_S,
            registry=registry,
        )
        self._pages = Counter("heron_pages", "Pages of answered documents.", registry=registry)
        self._ocr_pages = Counter("heron_ocr_pages", "Pages whose text came from OCR.", registry=registry)
        self._size = Histogram(
            "heron_document_size_bytes",
            "Size of a document that arrived whole; of text, its UTF-8.",
            buckets=_SIZE_BYTES,
            registry=registry,
        )

    def _count_stages(self, registry: CollectorRegistry) -> None:
        stages = Counter("heron_stages", "Stages, by how they ended.", ["stage", "state"], registry=registry)
        seconds = Histogram(
            "heron_stage_duration_seconds",
            "Time a stage took, where it ran.",
            ["stage"],
            buckets=_STAGE_S,
            registry=registry,
        )
        names = Bound(most_new=_MOST_STAGES)
        self._stages = Children(stages, names, Bound([state.value for state in StageState]))
        self._stage_seconds = Children(seconds, names)


def _reasons(kind: type[HeronError]) -> Iterator[str]:
    """The reasons of an error and of all below it."""
    yield kind.reason
    for below in kind.__subclasses__():
        yield from _reasons(below)
