"""Between protobuf and the domain: classifications, taxonomies, and what several answers hold."""

import re
from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration

from heron.v1 import classification_pb2, common_pb2, taxonomy_pb2
from heron_grpc.domain.classification import (
    Classification,
    ClassifyOptions,
    Decision,
    Evidence,
    PageOpinion,
    ProcessingStats,
    StageState,
)
from heron_grpc.domain.document import Box, DocumentWarning
from heron_grpc.domain.languages import LanguageShare
from heron_grpc.domain.taxonomy import Category, Taxonomy
from heron_grpc.rpc.how_to_read import how_to_read
from heron_grpc.rpc.violations import Violations

_DEFAULT_MAX_SCORES = 10
_MOST_CANDIDATES = 200
_TAXONOMY_NAME = re.compile(r"taxonomies/[a-z0-9][a-z0-9_.-]{0,62}")
# A short name is a model's or an alias's.
_MODEL_NAME = re.compile(r"models/[a-z0-9][a-z0-9_.-]{0,62}(/versions/[A-Za-z0-9_.-]{1,63})?|[a-z0-9][a-z0-9_.-]{0,62}")
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


def options_from(message: classification_pb2.ClassifyOptions, violations: Violations) -> ClassifyOptions:
    """The options, with every broken rule noted in `violations`; the result is to be used only if there is none."""
    check = violations.check
    taxonomy, model = message.taxonomy, message.model
    check(not taxonomy or bool(_TAXONOMY_NAME.fullmatch(taxonomy)), "options.taxonomy", "taxonomies/{name}")
    check(
        not model or bool(_MODEL_NAME.fullmatch(model)),
        "options.model",
        "auto, {model}, models/{model}, models/{model}/versions/{version} or an alias",
    )
    check(message.max_scores >= -1, "options.max_scores", "-1 (none), 0 (10) or a positive number")
    check(0 <= message.min_score <= 1, "options.min_score", "0 to 1")
    candidates = tuple(message.candidate_categories)
    check(len(candidates) <= _MOST_CANDIDATES, "options.candidate_categories", f"at most {_MOST_CANDIDATES}")
    how = how_to_read(message, violations)
    return ClassifyOptions(
        taxonomy=taxonomy,
        model=model,
        max_scores=message.max_scores or _DEFAULT_MAX_SCORES,
        min_score=message.min_score,
        candidate_categories=candidates,
        include_evidence=message.include_evidence,
        ocr=how.ocr,
        languages=how.languages,
        page_ranges=how.page_ranges,
        exhaustive=message.exhaustive,
        bypass_cache=message.bypass_cache,
    )


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
        warnings=[warning_message(warning) for warning in verdict.warnings],
        model_version=verdict.model_version,
        pipeline_version=answer.pipeline_version,
        taxonomy=answer.taxonomy,
        taxonomy_revision=answer.taxonomy_revision,
        mime_type=answer.media_type,
        sha256=answer.sha256,
        languages=map(language_message, answer.languages),
        plausible_categories=verdict.plausible,
        page_opinions=[_page_message(opinion) for opinion in verdict.pages],
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
        fill_duration(result.duration, stage.duration_s)
    return message


def _page_message(opinion: PageOpinion) -> classification_pb2.PageOpinion:
    return classification_pb2.PageOpinion(page=opinion.page, category=opinion.category, probability=opinion.probability)


def _evidence_message(evidence: Evidence) -> common_pb2.Evidence:
    span = common_pb2.TextSpan(start=evidence.start, end=evidence.end) if evidence.end > evidence.start else None
    regions = [
        common_pb2.Region(
            page=region.page,
            box=box_message(region.box),
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


def box_message(box: Box) -> common_pb2.BoundingBox:
    """The box as the contract says it."""
    return common_pb2.BoundingBox(x_min=box.x_min, y_min=box.y_min, x_max=box.x_max, y_max=box.y_max)


def language_message(share: LanguageShare) -> common_pb2.LanguageScore:
    """The language as the contract says it."""
    return common_pb2.LanguageScore(language_code=share.language, confidence=min(share.share, 1.0))


def warning_message(warning: DocumentWarning) -> common_pb2.Warning:
    """The warning as the contract says it."""
    return common_pb2.Warning(code=warning.code, message=warning.message, stage=warning.stage, page=warning.page)


def _fill_stats(message: classification_pb2.ProcessingStats, stats: ProcessingStats) -> None:
    fill_duration(message.total, stats.total_s)
    fill_duration(message.queued, stats.queued_s)
    message.pages = stats.pages
    message.ocr_pages = stats.ocr_pages
    message.cache_hit = stats.cache_hit
    message.batch_size = stats.batch_size


def fill_duration(message: Duration, seconds: float) -> None:
    """Sets it in place."""
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
