"""Between protobuf and the domain: requests are validated here, all violations at once."""

import re
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration

from heron.v1 import classification_pb2, common_pb2, taxonomy_pb2
from heron_grpc.domain.classification import (
    Classification,
    ClassifyOptions,
    Decision,
    Evidence,
    ProcessingStats,
    StageState,
)
from heron_grpc.domain.document import DocumentWarning, OcrMode
from heron_grpc.domain.errors import FieldViolation, InvalidRequest
from heron_grpc.domain.taxonomy import Category, Taxonomy

_DEFAULT_MAX_SCORES = 10
_MOST_CANDIDATES = 200
_MOST_LANGUAGES = 10
_MOST_PAGE_RANGES = 100
_TAXONOMY_NAME = re.compile(r"taxonomies/[a-z0-9][a-z0-9_.-]{0,62}")
_MODEL_NAME = re.compile(r"models/[a-z0-9][a-z0-9_.-]{0,62}(/versions/[A-Za-z0-9_.-]{1,63})?")
# The forms of BCP-47 in use: language, optional script, optional region.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")
_PAGE_RANGE = re.compile(r"([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?")

T = TypeVar("T")

_OCR_MODES = {
    classification_pb2.OCR_MODE_UNSPECIFIED: OcrMode.AUTO,
    classification_pb2.OCR_MODE_AUTO: OcrMode.AUTO,
    classification_pb2.OCR_MODE_NEVER: OcrMode.NEVER,
    classification_pb2.OCR_MODE_ALWAYS: OcrMode.ALWAYS,
}
_DECISIONS = {
    Decision.ACCEPTED: classification_pb2.DECISION_ACCEPTED,
    Decision.NEEDS_REVIEW: classification_pb2.DECISION_NEEDS_REVIEW,
    Decision.UNKNOWN: classification_pb2.DECISION_UNKNOWN,
    Decision.UNREADABLE: classification_pb2.DECISION_UNREADABLE,
}
_STATES = {
    StageState.COMPLETED: classification_pb2.STAGE_STATE_COMPLETED,
    StageState.SKIPPED: classification_pb2.STAGE_STATE_SKIPPED,
    StageState.NOT_APPLICABLE: classification_pb2.STAGE_STATE_NOT_APPLICABLE,
    StageState.FAILED: classification_pb2.STAGE_STATE_FAILED,
    StageState.TIMED_OUT: classification_pb2.STAGE_STATE_TIMED_OUT,
}


class Violations:
    """Collects what is wrong with a request, to say it all at once."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def check(self, holds: bool, field: str, description: str) -> None:
        """Notes a violation unless `holds`."""
        if not holds:
            self._found.append(FieldViolation(field, description))

    def raise_if_any(self) -> None:
        """Raises InvalidRequest with everything found."""
        if self._found:
            summary = "; ".join(f"{violation.field}: {violation.description}" for violation in self._found[:3])
            raise InvalidRequest(f"invalid request: {summary}", tuple(self._found))


def options_from(message: classification_pb2.ClassifyOptions, violations: Violations) -> ClassifyOptions:
    """The options, with every broken rule noted in `violations`; the result is to be used only if there is none."""
    check = violations.check
    check(not message.taxonomy or _matches(_TAXONOMY_NAME, message.taxonomy), "options.taxonomy", "taxonomies/{name}")
    check(
        not message.model or _matches(_MODEL_NAME, message.model),
        "options.model",
        "models/{model} or models/{model}/versions/{version}",
    )
    check(message.max_scores >= -1, "options.max_scores", "-1 (none), 0 (10) or a positive number")
    check(0 <= message.min_score <= 1, "options.min_score", "0 to 1")
    check(message.ocr in _OCR_MODES, "options.ocr", "not a known mode")
    candidates = tuple(message.candidate_categories)
    check(len(candidates) <= _MOST_CANDIDATES, "options.candidate_categories", f"at most {_MOST_CANDIDATES}")
    languages = tuple(message.languages)
    check(len(languages) <= _MOST_LANGUAGES, "options.languages", f"at most {_MOST_LANGUAGES}")
    check(all(_matches(_LANGUAGE, code) for code in languages), "options.languages", 'BCP-47 tags such as "de"')
    return ClassifyOptions(
        taxonomy=message.taxonomy,
        model=message.model,
        max_scores=message.max_scores or _DEFAULT_MAX_SCORES,
        min_score=message.min_score,
        candidate_categories=candidates,
        include_evidence=message.include_evidence,
        ocr=_OCR_MODES.get(message.ocr, OcrMode.AUTO),
        languages=languages,
        page_ranges=_page_ranges(message.pages, violations),
        exhaustive=message.exhaustive,
        bypass_cache=message.bypass_cache,
    )


def _matches(pattern: re.Pattern[str], value: str) -> bool:
    return pattern.fullmatch(value) is not None


def _page_ranges(pages: str, violations: Violations) -> tuple[tuple[int, int], ...]:
    if not pages.strip():
        return ()
    parts = [part.strip() for part in pages.split(",")]
    matches = [_PAGE_RANGE.fullmatch(part) for part in parts[: _MOST_PAGE_RANGES + 1]]
    ranges = tuple((int(match[1]), int(match[2] or match[1])) for match in matches if match)
    holds = len(ranges) == len(parts) <= _MOST_PAGE_RANGES and all(first <= last for first, last in ranges)
    violations.check(holds, "options.pages", 'ranges of 1-based pages such as "1-3,7"')
    return ranges


def check_filename(filename: str, max_bytes: int, field: str, violations: Violations) -> None:
    """A file name is data: any characters but control characters, bounded in length."""
    violations.check(len(filename.encode()) <= max_bytes, field, f"at most {max_bytes} bytes of UTF-8")
    violations.check(not any(map(_is_control, filename)), field, "no control characters")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def check_mime_type(mime_type: str, field: str, violations: Violations) -> None:
    """Only its length is bounded: it is compared with what is found, and never trusted."""
    violations.check(len(mime_type) <= 255, field, "at most 255 characters")


def classification_message(
    answer: Classification, display_name: Callable[[str], str]
) -> classification_pb2.Classification:
    """The answer as the contract says it; `display_name` gives a category's name for people."""
    verdict = answer.verdict
    message = classification_pb2.Classification(
        decision=_DECISIONS[verdict.decision],
        confidence=verdict.confidence,
        novelty=verdict.novelty,
        evidence=[_evidence_message(evidence) for evidence in verdict.evidence],
        warnings=[_warning_message(warning) for warning in verdict.warnings],
        model_version=verdict.model_version,
        pipeline_version=answer.pipeline_version,
        taxonomy=answer.taxonomy,
        taxonomy_revision=answer.taxonomy_revision,
        mime_type=answer.media_type,
        sha256=answer.sha256,
    )
    message.create_time.FromDatetime(answer.create_time)
    _fill_stats(message.stats, answer.stats)
    # Made in place: messages handed over are copied.
    for scores, found in ((message.labels, verdict.labels), (message.scores, verdict.scores)):
        for score in found:
            scores.add(
                category=score.category,
                display_name=display_name(score.category),
                probability=score.probability,
                level=score.category.count("/") + 1,
            )
    for stage in verdict.stages:
        result = message.stages.add(
            stage=stage.stage,
            state=_STATES[stage.state],
            category=stage.category,
            confidence=stage.confidence,
            weight=stage.weight,
            detail=stage.detail,
        )
        _fill_duration(result.duration, stage.duration_s)
    return message


def _evidence_message(evidence: Evidence) -> common_pb2.Evidence:
    span = common_pb2.TextSpan(start=evidence.start, end=evidence.end) if evidence.end > evidence.start else None
    regions = [
        common_pb2.Region(
            page=region.page,
            box=common_pb2.BoundingBox(
                x_min=region.box.x_min, y_min=region.box.y_min, x_max=region.box.x_max, y_max=region.box.y_max
            ),
        )
        for region in evidence.regions
    ]
    return common_pb2.Evidence(
        stage=evidence.stage,
        category=evidence.category,
        quote=evidence.quote,
        span=span,
        regions=regions,
        weight=evidence.weight,
    )


def _warning_message(warning: DocumentWarning) -> common_pb2.Warning:
    return common_pb2.Warning(code=warning.code, message=warning.message, stage=warning.stage, page=warning.page)


def _fill_stats(message: classification_pb2.ProcessingStats, stats: ProcessingStats) -> None:
    _fill_duration(message.total, stats.total_s)
    _fill_duration(message.queued, stats.queued_s)
    message.pages = stats.pages
    message.ocr_pages = stats.ocr_pages
    message.cache_hit = stats.cache_hit
    message.batch_size = stats.batch_size


def _fill_duration(message: Duration, seconds: float) -> None:
    # Present also where it is 0.
    message.SetInParent()
    message.FromNanoseconds(round(seconds * 1e9))


def taxonomy_message(taxonomy: Taxonomy, with_categories: bool) -> taxonomy_pb2.Taxonomy:
    """The taxonomy, with all its categories or none."""
    return taxonomy_pb2.Taxonomy(
        name=taxonomy.name,
        display_name=taxonomy.display_name,
        revision=taxonomy.revision,
        categories=[_category_message(category) for category in taxonomy.categories] if with_categories else [],
        multi_label=taxonomy.multi_label,
        etag=taxonomy.etag,
    )


def _category_message(category: Category) -> taxonomy_pb2.Category:
    return taxonomy_pb2.Category(
        id=category.id,
        display_name=category.display_name,
        description=category.description,
        aliases=category.aliases,
        retired=category.retired,
        accept_threshold=category.accept_threshold,
    )
