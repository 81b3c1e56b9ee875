"""What happens to a document, top to bottom: look it up, read it, classify it, answer."""

import hashlib
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from heron_grpc.classify.candidates import candidate_leaves
from heron_grpc.classify.decision_rule import NEUTRAL, DecisionRules
from heron_grpc.classify.layout import LayoutModel
from heron_grpc.classify.page_opinions import PageJudge
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import (
    Classification,
    ClassifyOptions,
    Prediction,
    ProcessingStats,
    StageState,
    Verdict,
)
from heron_grpc.domain.document import OcrMode, Page, Reading, ReadRequest
from heron_grpc.domain.errors import NotFound
from heron_grpc.domain.languages import languages_of
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.operations.counting import counted
from heron_grpc.operations.origin import Origin, doubts
from heron_grpc.operations.receive_upload import SpooledDocument
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import Settings
from heron_grpc.telemetry.metrics import Metrics

# A page with a longer text layer speaks for itself: a look would cost as much as reading it and change no label.
_LOOK_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What processing a document needs."""

    settings: Settings
    pool: ReadingPool
    model: ModelClient
    taxonomies: Mapping[str, TaxonomyPack]
    # Results by everything that determines them, bounded in number and age by its owner; None switches it off.
    cache: MutableMapping[object, Classification] | None
    metrics: Metrics = field(default_factory=Metrics)
    decisions: DecisionRules = NEUTRAL
    # None switches the layout stage off.
    layout: LayoutModel | None = None


async def process_file(
    pipeline: Pipeline, document: SpooledDocument, origin: Origin, options: ClassifyOptions, call: Call
) -> Classification:
    """Reads a spooled file in a child and classifies it, within the call's deadline.

    Raises DocumentError, InvalidRequest, NotFound, Overloaded, Unavailable, DeadlineExceeded.
    """
    with counted(pipeline.metrics, document.size_bytes):
        task = _Task(pipeline, options, document.sha256, origin, call)
        if found := task.cached():
            return found
        request = ReadRequest(
            document.path,
            origin.filename,
            options.ocr,
            options.languages,
            options.page_ranges,
            with_words=options.include_evidence,
            with_tables=False,
            look_chars=_LOOK_CHARS if pipeline.layout else 0,
            password=origin.password,
            enough_chars=0 if options.ocr is OcrMode.ALWAYS else pipeline.settings.classify.ocr_enough_chars,
            sha256=document.sha256,
        )
        outcome = await pipeline.pool.read(request, call)
        subject = Subject(
            outcome.reading,
            filename=origin.filename,
            is_file=True,
            read_s=outcome.read_s,
            layout=pipeline.layout,
        )
        return await task.classify(subject, outcome.queued_s)


async def process_text(pipeline: Pipeline, text: str, options: ClassifyOptions, call: Call) -> Classification:
    """Classifies plain text, within the call's deadline.

    Raises InvalidRequest, NotFound, Overloaded, Unavailable, DeadlineExceeded.
    """
    data = text.encode()
    with counted(pipeline.metrics, len(data)):
        task = _Task(pipeline, options, hashlib.sha256(data).hexdigest(), None, call)
        if found := task.cached():
            return found
        reading = Reading(media_type="text/plain", pages=(Page(number=1, text=text),))
        return await task.classify(Subject(reading, is_file=False), queued_s=0.0)


class _Task:
    """One document on its way through the pipeline; text has no origin."""

    def __init__(
        self, pipeline: Pipeline, options: ClassifyOptions, sha256: str, origin: Origin | None, call: Call
    ) -> None:
        self._started = time.monotonic()
        self._call = call
        self._pipeline = pipeline
        self._options = options
        self._sha256 = sha256
        self._origin = origin
        self._pack = _find_taxonomy(pipeline.taxonomies, options.taxonomy)
        # None while the backend is away and nobody can tell.
        self._model = pipeline.model.find(options.model)
        # A wrong candidate is told before the document is read.
        candidate_leaves(self._pack, options.candidate_categories)

    @property
    def _cache(self) -> MutableMapping[object, Classification] | None:
        """None also for a document with a password: only who knows it may have the answer, and it is not kept."""
        bypassed = self._options.bypass_cache or (self._origin and self._origin.password)
        return None if bypassed else self._pipeline.cache

    @property
    def _passed_s(self) -> float:
        return time.monotonic() - self._started

    def cached(self) -> Classification | None:
        """The answer given before, if one may be used."""
        if self._cache is None:
            return None
        found = self._cache.get(self._key())
        if found is None:
            return None
        stats = replace(found.stats, total_s=self._passed_s, queued_s=0.0, cache_hit=True, batch_size=0)
        answer = replace(found, stats=stats)
        self._pipeline.metrics.observe_answer(answer)
        return answer

    async def classify(self, subject: Subject, queued_s: float) -> Classification:
        """Asks every stage and keeps the answer."""
        settings, decisions = self._pipeline.settings.classify, self._pipeline.decisions
        verdict = await classify_reading(subject, self._pack, self._options, self._predict, settings, decisions)
        judge = PageJudge(self._pack, settings, decisions, self._predict_page)
        may_add_label = not self._options.candidate_categories
        verdict = await judge.with_pages(verdict, subject.reading, may_add_label=may_add_label)
        answer = self._answer(subject.reading, verdict, queued_s)
        if self._cache is not None and not _is_passing(verdict) and self._is_by_the_model(verdict):
            self._cache[self._key()] = answer
        self._pipeline.metrics.observe_answer(answer)
        return answer

    def _key(self) -> object:
        """What was asked, and the versions of what answers it: a model's own and those of its members."""
        options = replace(self._options, bypass_cache=False)
        versions = (self._model.model_version, *self._model.members) if self._model else ()
        return self._sha256, self._origin, options, self._pack.taxonomy.etag, versions

    def _is_by_the_model(self, verdict: Verdict) -> bool:
        """Whether the model that was to answer did, or none had to: the backend may have been replaced meanwhile."""
        return verdict.model_version in {"", self._model.model_version if self._model else ""}

    async def _predict(self, text: str, explain: bool) -> Prediction:
        return await self._pipeline.model.predict(text, explain, self._call, self._options.model)

    async def _predict_page(self, text: str, explain: bool) -> Prediction:
        """The quick member of a cascade is enough for single pages."""
        model = self._model.members[0] if self._model and self._model.members else self._options.model
        return await self._pipeline.model.predict(text, explain, self._call, model)

    def _answer(self, reading: Reading, verdict: Verdict, queued_s: float) -> Classification:
        if self._origin:
            verdict = replace(verdict, warnings=(*verdict.warnings, *doubts(self._origin, reading.media_type)))
        return Classification(
            verdict=verdict,
            pipeline_version=self._pipeline.settings.pipeline_version,
            taxonomy=self._pack.taxonomy.name,
            taxonomy_revision=self._pack.taxonomy.revision,
            media_type=reading.media_type,
            sha256=self._sha256,
            create_time=datetime.now(UTC),
            languages=languages_of(reading.pages),
            stats=ProcessingStats(
                total_s=self._passed_s,
                queued_s=queued_s + verdict.queued_s,
                pages=len(reading.pages),
                ocr_pages=reading.ocr_pages,
                batch_size=verdict.batch_size,
            ),
        )


def _find_taxonomy(taxonomies: Mapping[str, TaxonomyPack], name: str) -> TaxonomyPack:
    try:
        return taxonomies[name or DEFAULT_TAXONOMY]
    except KeyError as error:
        raise NotFound("no such taxonomy", metadata={"field": "options.taxonomy"}) from error


def _is_passing(verdict: Verdict) -> bool:
    """Whether another try might say more: a stage failed or ran out of time."""
    return any(stage.state in {StageState.FAILED, StageState.TIMED_OUT} for stage in verdict.stages)
