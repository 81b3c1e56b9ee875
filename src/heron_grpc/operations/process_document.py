"""What happens to a document, top to bottom: look it up, read it, classify it, answer."""

import hashlib
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from heron_grpc.classify.stages import Subject, Verdict, classify_reading
from heron_grpc.domain.classification import Classification, ClassifyOptions, Prediction, ProcessingStats, StageState
from heron_grpc.domain.document import Page, Reading, ReadRequest
from heron_grpc.domain.errors import NotFound
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.operations.receive_upload import SpooledDocument
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import Settings

DEFAULT_TAXONOMY = "taxonomies/default"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What processing a document needs."""

    settings: Settings
    pool: ReadingPool
    model: ModelClient
    taxonomies: Mapping[str, TaxonomyPack]
    # Results by everything that determines them; bounded in number and age by its owner.
    cache: MutableMapping[object, Classification]


async def process_file(
    pipeline: Pipeline, document: SpooledDocument, filename: str, options: ClassifyOptions, deadline_s: float
) -> Classification:
    """Reads a spooled file in a child and classifies it; `deadline_s` seconds at most.

    Raises DocumentError, NotFound, Overloaded, Unavailable, DeadlineExceeded.
    """
    task = _Task(pipeline, options, document.sha256, filename, deadline_s)
    if found := task.cached():
        return found
    request = ReadRequest(document.path, filename, options.ocr, options.languages, options.page_ranges)
    outcome = await pipeline.pool.read(request, task.left_s)
    subject = Subject(outcome.reading, filename=filename, is_file=True, read_s=outcome.read_s)
    return await task.classify(subject, outcome.queued_s)


async def process_text(pipeline: Pipeline, text: str, options: ClassifyOptions, deadline_s: float) -> Classification:
    """Classifies plain text; `deadline_s` seconds at most.

    Raises NotFound, Overloaded, Unavailable, DeadlineExceeded.
    """
    task = _Task(pipeline, options, hashlib.sha256(text.encode()).hexdigest(), "", deadline_s)
    if found := task.cached():
        return found
    reading = Reading(media_type="text/plain", pages=(Page(number=1, text=text),))
    return await task.classify(Subject(reading, filename="", is_file=False, read_s=0.0), queued_s=0.0)


class _Task:
    """One document on its way through the pipeline."""

    def __init__(
        self, pipeline: Pipeline, options: ClassifyOptions, sha256: str, filename: str, deadline_s: float
    ) -> None:
        self._started = time.monotonic()
        self._deadline_s = deadline_s
        self._pipeline = pipeline
        self._options = options
        self._sha256 = sha256
        self._pack = _find_taxonomy(pipeline.taxonomies, options.taxonomy)
        _require_model(options.model, pipeline.model.model_version)
        self._key = (
            sha256,
            filename,
            replace(options, bypass_cache=False),
            pipeline.model.model_version,
            self._pack.taxonomy.etag,
        )

    @property
    def left_s(self) -> float:
        """Seconds until the caller's deadline."""
        return self._deadline_s - self._passed_s

    @property
    def _passed_s(self) -> float:
        return time.monotonic() - self._started

    def cached(self) -> Classification | None:
        """The answer given before, if one may be used."""
        if self._options.bypass_cache:
            return None
        found = self._pipeline.cache.get(self._key)
        return found and replace(
            found, stats=replace(found.stats, total_s=self._passed_s, queued_s=0.0, cache_hit=True)
        )

    async def classify(self, subject: Subject, queued_s: float) -> Classification:
        """Asks every stage and keeps the answer."""
        verdict = await classify_reading(
            subject, self._pack, self._options, self._predict, self._pipeline.settings.classify
        )
        answer = self._answer(subject.reading, verdict, queued_s)
        if not self._options.bypass_cache and not _is_passing(verdict):
            self._pipeline.cache[self._key] = answer
        return answer

    async def _predict(self, text: str, explain: bool) -> Prediction:
        return await self._pipeline.model.predict(text, explain, self.left_s)

    def _answer(self, reading: Reading, verdict: Verdict, queued_s: float) -> Classification:
        taxonomy = self._pack.taxonomy
        return Classification(
            decision=verdict.decision,
            labels=verdict.labels,
            scores=verdict.scores,
            confidence=verdict.confidence,
            novelty=verdict.novelty,
            stages=verdict.stages,
            evidence=verdict.evidence,
            warnings=verdict.warnings,
            model_version=verdict.model_version,
            pipeline_version=self._pipeline.settings.pipeline_version,
            taxonomy=taxonomy.name,
            taxonomy_revision=taxonomy.revision,
            media_type=reading.media_type,
            sha256=self._sha256,
            create_time=datetime.now(UTC),
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


def _require_model(asked: str, served: str) -> None:
    """`asked` names the served model or its exact version; while the backend is away nobody can tell."""
    if asked and served and asked not in {served, served.rsplit("/versions/", 1)[0]}:
        raise NotFound("no such model", metadata={"field": "options.model", "served": served})


def _is_passing(verdict: Verdict) -> bool:
    """Whether another try might say more: a stage failed or ran out of time."""
    return any(stage.state in {StageState.FAILED, StageState.TIMED_OUT} for stage in verdict.stages)
