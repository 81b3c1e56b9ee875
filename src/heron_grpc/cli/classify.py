"""`heron classify`: documents in, a table or JSON lines out."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn as Bar
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from heron import BulkResult, Document, HeronClient, HeronServiceError, Options
from heron.v1 import classification_pb2
from heron_grpc.cli import exit_codes
from heron_grpc.cli.files import STDIN, expand, failure, printable, stdin

OCR_MODES = {
    "auto": classification_pb2.OCR_MODE_AUTO,
    "never": classification_pb2.OCR_MODE_NEVER,
    "always": classification_pb2.OCR_MODE_ALWAYS,
}
_GRAVEST_FIRST = (exit_codes.AUTH, exit_codes.UNAVAILABLE, exit_codes.SOME_FAILED, exit_codes.NEEDS_REVIEW)
_PIPE_WIDTH = 200


@dataclass(frozen=True, slots=True)
class Request:
    """Whom to ask, and how."""

    server: str
    options: Options
    # Sent for stdin, which has no name.
    filename: str = ""
    # Documents in flight at once.
    jobs: int = 16
    # For each document.
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One document's answer, or why there is none."""

    path: str
    answer: classification_pb2.Classification | None = None
    code: grpc.StatusCode | None = None
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def decision(self) -> str:
        """ACCEPTED, NEEDS_REVIEW, UNKNOWN or UNREADABLE; empty without an answer."""
        if self.answer is None:
            return ""
        return classification_pb2.Decision.Name(self.answer.decision).removeprefix("DECISION_")


def run(paths: list[str], request: Request, json_lines: bool) -> int:
    """Classifies and prints; gives the exit status."""
    found = list(expand(paths))
    outcomes = _classify_all(found, request)
    if json_lines:
        return exit_status(_printed(outcomes))
    done = list(_with_progress(outcomes, len(found)))
    console = Console()
    # A pipe has no width of its own.
    Console(width=None if console.is_terminal else _PIPE_WIDTH).print(_table(done))
    return exit_status(done)


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """The gravest of what happened: auth, unavailable, failed, needs review, ok."""
    statuses = {_status(outcome) for outcome in outcomes}
    return next((status for status in _GRAVEST_FIRST if status in statuses), exit_codes.OK)


def _status(outcome: Outcome) -> int:
    if outcome.error:
        return exit_codes.of(outcome.code)
    return exit_codes.OK if outcome.decision == "ACCEPTED" else exit_codes.NEEDS_REVIEW


def _printed(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """Each as a line of JSON when it comes; none is kept."""
    for outcome in outcomes:
        print(json.dumps(_as_json(outcome), ensure_ascii=False), flush=True)
        yield outcome


def _classify_all(paths: list[str], request: Request) -> Iterator[Outcome]:
    """Outcomes in the order of `paths`: one document by a call of its own, several on one stream."""
    with HeronClient(request.server, request.timeout_s) as client:
        if len(paths) == 1:
            yield _classify_one(client, paths[0], request)
        else:
            yield from _classify_many(client, paths, request)


def _classify_one(client: HeronClient, path: str, request: Request) -> Outcome:
    try:
        if path == STDIN:
            return Outcome(path, client.classify_file(stdin(), request.filename, request.options))
        return Outcome(path, client.classify_file(path, options=request.options))
    except (HeronServiceError, OSError) as error:
        return _failed(path, error)


def _classify_many(client: HeronClient, paths: list[str], request: Request) -> Iterator[Outcome]:
    results = client.classify_many(
        (_document(path, request) for path in paths),
        request.options,
        ordered=True,
        max_in_flight=request.jobs,
        document_timeout_s=request.timeout_s,
    )
    answered = 0
    try:
        for result in results:
            answered += 1
            yield _outcome(paths[result.index], result)
    except HeronServiceError as error:
        # The stream is lost for good, and with it every document that was not asked yet.
        yield from (_failed(path, error) for path in paths[answered:])


def _document(path: str, request: Request) -> Document:
    if path == STDIN:
        return Document.from_file(stdin(), request.filename)
    return Document.from_file(path)


def _outcome(path: str, result: BulkResult) -> Outcome:
    return _failed(path, result.error) if result.error else Outcome(path, result.classification)


def _failed(path: str, error: Exception) -> Outcome:
    return Outcome(path, code=getattr(error, "code", None), error=failure(error))


def _with_progress(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    console = Console(stderr=True)
    columns = (TextColumn("classifying"), Bar(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(outcomes, total=total)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"path": printable(outcome.path), "decision": outcome.decision or None, "labels": []}
    answer = outcome.answer
    if answer is not None:
        found |= {
            "labels": [_score_json(score) for score in answer.labels],
            "confidence": _rounded(answer.confidence),
            "plausible_categories": list(answer.plausible_categories),
            "page_opinions": [
                {"page": one.page, "category": one.category, "probability": _rounded(one.probability)}
                for one in answer.page_opinions
            ],
            "novelty": _rounded(answer.novelty) if answer.HasField("novelty") else None,
            "scores": [_score_json(score) for score in answer.scores],
            "stages": [_stage_json(stage) for stage in answer.stages],
            "evidence": [_evidence_json(evidence) for evidence in answer.evidence],
            "warnings": [
                {"code": warning.code, "message": warning.message, "page": warning.page} for warning in answer.warnings
            ],
            "mime_type": answer.mime_type,
            "sha256": answer.sha256,
            "languages": [language.language_code for language in answer.languages],
            "model_version": answer.model_version,
            "pipeline_version": answer.pipeline_version,
            "taxonomy": answer.taxonomy,
            "taxonomy_revision": answer.taxonomy_revision,
            "stats": _stats_json(answer.stats),
        }
    return {**found, "error": outcome.error or None}


def _score_json(score: classification_pb2.CategoryScore) -> dict[str, Any]:
    return {
        "category": score.category,
        "display_name": score.display_name,
        "probability": _rounded(score.probability),
    }


def _stage_json(stage: classification_pb2.StageResult) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "state": classification_pb2.StageState.Name(stage.state).removeprefix("STAGE_STATE_"),
        "category": stage.category if stage.HasField("category") else None,
        "confidence": _rounded(stage.confidence) if stage.HasField("confidence") else None,
        "weight": _rounded(stage.weight),
        "duration_ms": _milliseconds(stage.duration),
        "detail": stage.detail,
    }


def _evidence_json(evidence: Any) -> dict[str, Any]:
    return {
        "stage": evidence.stage,
        "category": evidence.category,
        "quote": evidence.quote,
        "weight": _rounded(evidence.weight),
        "span": [evidence.span.start, evidence.span.end] if evidence.HasField("span") else None,
        "pages": sorted({region.page for region in evidence.regions}),
    }


def _stats_json(stats: classification_pb2.ProcessingStats) -> dict[str, Any]:
    return {
        "total_ms": _milliseconds(stats.total),
        "queued_ms": _milliseconds(stats.queued),
        "pages": stats.pages,
        "ocr_pages": stats.ocr_pages,
        "cache_hit": stats.cache_hit,
        "batch_size": stats.batch_size,
    }


def _milliseconds(duration: Any) -> float:
    return round(float(duration.ToNanoseconds()) / 1e6, 3)


def _rounded(value: float) -> float:
    """Protobuf floats carry 7 digits; the rest is noise."""
    return round(value, 6)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("file", "decision", "label", "sure", "ms", "note", box=None, header_style="bold", pad_edge=False)
    for column in (3, 4):
        table.columns[column].justify = "right"
    for column in range(5):
        table.columns[column].no_wrap = True
    paths = [Path(outcome.path).absolute() for outcome in outcomes]
    folder = os.path.commonpath([path.parent for path in paths]) if paths else ""
    for path, outcome in zip(paths, outcomes, strict=True):
        table.add_row(escape(printable(str(path.relative_to(folder)))), *_cells(outcome))
    return table


def _cells(outcome: Outcome) -> tuple[str, ...]:
    answer = outcome.answer
    if answer is None:
        reason = outcome.error["reason"] or outcome.error["code"]
        return "[red]failed[/]", "", "", "", escape(f"{reason}: {outcome.error['message']}")
    colour = "green" if outcome.decision == "ACCEPTED" else "yellow"
    return (
        f"[{colour}]{outcome.decision.lower()}[/]",
        answer.labels[0].category if answer.labels else "",
        f"{answer.confidence:.3f}",
        f"{_milliseconds(answer.stats.total):.0f}",
        ", ".join(dict.fromkeys(warning.code for warning in answer.warnings)),
    )
