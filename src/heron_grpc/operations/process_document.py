"""What happens to a document, top to bottom: look it up, read it, classify it, answer."""

import asyncio
import hashlib
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from heron_grpc.classify.candidates import candidate_leaves
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
from heron_grpc.domain.document import DocumentWarning, Page, Reading, ReadRequest
from heron_grpc.domain.errors import Cancelled, HeronError, NotFound, Overloaded
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.operations.receive_upload import SpooledDocument
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import Settings
from heron_grpc.telemetry.metrics import Metrics

# What senders write who do not know, and other names of types in use.
_UNDECLARED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_SAME_TYPE = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/x-pdf": "application/pdf"}


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


@dataclass(frozen=True, slots=True)
class Origin:
    """What the sender says of a file."""

    filename: str = ""
    media_type: str = ""


async def process_file(
    pipeline: Pipeline, document: SpooledDocument, origin: Origin, options: ClassifyOptions, call: Call
) -> Classification:
    """Reads a spooled file in a child and classifies it, within the call's deadline.

    Raises DocumentError, InvalidRequest, NotFound, Overloaded, Unavailable, DeadlineExceeded.
    """
    with _counted(pipeline.metrics, document.size_bytes):
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
        )
        outcome = await pipeline.pool.read(request, call)
        subject = Subject(outcome.reading, filename=origin.filename, is_file=True, read_s=outcome.read_s)
        return await task.classify(subject, outcome.queued_s)


async def process_text(pipeline: Pipeline, text: str, options: ClassifyOptions, call: Call) -> Classification:
    """Classifies plain text, within the call's deadline.

    Raises InvalidRequest, NotFound, Overloaded, Unavailable, DeadlineExceeded.
    """
    data = text.encode()
    with _counted(pipeline.metrics, len(data)):
        task = _Task(pipeline, options, hashlib.sha256(data).hexdigest(), None, call)
        if found := task.cached():
            return found
        reading = Reading(media_type="text/plain", pages=(Page(number=1, text=text),))
        return await task.classify(Subject(reading, is_file=False), queued_s=0.0)


@contextmanager
def _counted(metrics: Metrics, size_bytes: int) -> Iterator[None]:
    """Counts the document, and why it failed if it does; an answer is counted where it is given."""
    metrics.document_received(size_bytes)
    try:
        yield
    except Overloaded:
        # Refused, perhaps to be tried again: refusals are counted by what was full.
        raise
    except BaseException as error:  # raised on, cancelled or not
        metrics.document_failed(_reason(error))
        raise


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        # By the caller, or because the call's deadline has passed.
        return Cancelled.reason
    return error.reason if isinstance(error, HeronError) else HeronError.reason


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
        _require_model(options.model, pipeline.model.model_version)
        # A wrong candidate is told before the document is read.
        candidate_leaves(self._pack, options.candidate_categories)

    @property
    def _passed_s(self) -> float:
        return time.monotonic() - self._started

    def cached(self) -> Classification | None:
        """The answer given before, if one may be used."""
        if self._options.bypass_cache or self._pipeline.cache is None:
            return None
        found = self._pipeline.cache.get(self._key(self._pipeline.model.model_version))
        if found is None:
            return None
        stats = replace(found.stats, total_s=self._passed_s, queued_s=0.0, cache_hit=True, batch_size=0)
        answer = replace(found, stats=stats)
        self._pipeline.metrics.observe_answer(answer)
        return answer

    async def classify(self, subject: Subject, queued_s: float) -> Classification:
        """Asks every stage and keeps the answer."""
        verdict = await classify_reading(
            subject, self._pack, self._options, self._predict, self._pipeline.settings.classify
        )
        answer = self._answer(subject.reading, verdict, queued_s)
        if self._pipeline.cache is not None and not self._options.bypass_cache and not _is_passing(verdict):
            self._pipeline.cache[self._key(verdict.model_version or self._pipeline.model.model_version)] = answer
        self._pipeline.metrics.observe_answer(answer)
        return answer

    def _key(self, model_version: str) -> object:
        options = replace(self._options, bypass_cache=False)
        return self._sha256, self._origin, options, self._pack.taxonomy.etag, model_version

    async def _predict(self, text: str, explain: bool) -> Prediction:
        return await self._pipeline.model.predict(text, explain, self._call)

    def _answer(self, reading: Reading, verdict: Verdict, queued_s: float) -> Classification:
        if self._origin and _differs(self._origin.media_type, reading.media_type):
            differs = DocumentWarning(
                "MIME_TYPE_DIFFERS", f"the bytes are {reading.media_type}, not as declared", "read"
            )
            verdict = replace(verdict, warnings=(*verdict.warnings, differs))
        return Classification(
            verdict=verdict,
            pipeline_version=self._pipeline.settings.pipeline_version,
            taxonomy=self._pack.taxonomy.name,
            taxonomy_revision=self._pack.taxonomy.revision,
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


def _differs(declared: str, found: str) -> bool:
    """Whether a declared media type says something else than what was found; kinds of text are told apart by taste."""
    declared = declared.split(";", maxsplit=1)[0].strip().lower()
    declared = _SAME_TYPE.get(declared, declared)
    both_text = declared.startswith("text/") and found.startswith("text/")
    return declared not in _UNDECLARED and declared != found and not both_text


def _is_passing(verdict: Verdict) -> bool:
    """Whether another try might say more: a stage failed or ran out of time."""
    return any(stage.state in {StageState.FAILED, StageState.TIMED_OUT} for stage in verdict.stages)
