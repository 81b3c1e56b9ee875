"""`heron classify`: documents in, a table or JSON lines out."""

import glob
import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn as Bar
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from heron import HeronClient, HeronServiceError
from heron.client import Options
from heron.v1 import classification_pb2
from heron_grpc.cli import exit_codes

OCR_MODES = {
    "auto": classification_pb2.OCR_MODE_AUTO,
    "never": classification_pb2.OCR_MODE_NEVER,
    "always": classification_pb2.OCR_MODE_ALWAYS,
}
STDIN = "-"
_PIPE_WIDTH = 200


@dataclass(frozen=True, slots=True)
class Request:
    """Whom to ask, and how."""

    server: str
    options: Options
    # Sent for stdin, which has no name.
    filename: str = ""
    jobs: int = 4
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
    found = list(_expand(paths))
    outcomes = _classify_all(found, request)
    if json_lines:
        done = []
        for outcome in outcomes:
            print(json.dumps(_as_json(outcome), ensure_ascii=False), flush=True)
            done.append(outcome)
    else:
        done = list(_with_progress(outcomes, len(found)))
        console = Console()
        # A pipe has no width of its own.
        Console(width=None if console.is_terminal else _PIPE_WIDTH).print(_table(done))
    return exit_status(done)


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """The gravest of what happened: auth, unavailable, failed, needs review, ok."""
    outcomes = list(outcomes)
    failures = {exit_codes.of(outcome.code) for outcome in outcomes if outcome.error}
    for status in (exit_codes.AUTH, exit_codes.UNAVAILABLE, exit_codes.SOME_FAILED):
        if status in failures:
            return status
    if any(outcome.decision != "ACCEPTED" for outcome in outcomes):
        return exit_codes.NEEDS_REVIEW
    return exit_codes.OK


def _expand(paths: list[str]) -> Iterator[str]:
    """Folders become their files, globs what they match, everything else stays; each file once."""
    seen: set[str] = set()
    for given in paths:
        for path in _files_of(given):
            if path not in seen:
                seen.add(path)
                yield path


def _files_of(given: str) -> list[str]:
    """The files below a folder or behind a glob; what leads to no file stays, to be told as a failure."""
    if given == STDIN:
        return [given]
    if os.path.isdir(given):  # noqa: PTH112  Path.is_dir raises for a folder nobody may enter
        return sorted(_below(given)) or [given]
    if glob.has_magic(given) and not os.path.lexists(given):
        return _matches(given) or [given]
    return [given]


def _below(folder: str) -> Iterator[str]:
    """Files at any depth, hidden ones left out; a folder that cannot be opened stands for itself."""
    unopened: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: unopened.append(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        yield from (str(path) for path in paths if path.is_file())
    yield from unopened


def _matches(pattern: str) -> list[str]:
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207  Path.glob takes no absolute pattern
    return sorted(match for match in matches if Path(match).is_file())


def _classify_all(paths: list[str], request: Request) -> Iterator[Outcome]:
    """Outcomes in the order of `paths`, several in flight."""
    with HeronClient(request.server, request.timeout_s) as client, ThreadPoolExecutor(request.jobs) as workers:
        yield from workers.map(lambda path: _classify_one(client, path, request), paths)


def _classify_one(client: HeronClient, path: str, request: Request) -> Outcome:
    try:
        if path == STDIN:
            data = BytesIO(sys.stdin.buffer.read() if sys.stdin else b"")
            return Outcome(path, client.classify_file(data, request.filename, request.options))
        return Outcome(path, client.classify_file(path, options=request.options))
    except HeronServiceError as error:
        facts = {"code": error.code.name, "reason": error.reason, "message": error.message}
        return Outcome(path, code=error.code, error={**facts, "request_id": error.request_id})
    except OSError as error:
        facts = {"code": "", "reason": "FILE_NOT_READ", "message": error.strerror or "cannot be read"}
        return Outcome(path, error={**facts, "request_id": ""})


def _with_progress(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    console = Console(stderr=True)
    columns = (TextColumn("classifying"), Bar(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(outcomes, total=total)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"path": _printable(outcome.path), "decision": outcome.decision or None, "labels": []}
    answer = outcome.answer
    if answer is not None:
        found |= {
            "labels": [_score_json(score) for score in answer.labels],
            "confidence": _rounded(answer.confidence),
            "novelty": _rounded(answer.novelty) if answer.HasField("novelty") else None,
            "scores": [_score_json(score) for score in answer.scores],
            "stages": [_stage_json(stage) for stage in answer.stages],
            "evidence": [_evidence_json(evidence) for evidence in answer.evidence],
            "warnings": [
                {"code": warning.code, "message": warning.message, "page": warning.page} for warning in answer.warnings
            ],
            "mime_type": answer.mime_type,
            "sha256": answer.sha256,
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


def _printable(path: str) -> str:
    """Paths may hold bytes that are no UTF-8, which cannot be printed."""
    return path.encode(errors="replace").decode()


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
        table.add_row(escape(_printable(str(path.relative_to(folder)))), *_cells(outcome))
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
