"""Asks the running service about a folder of files whose labels a manifest tells."""

import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc

from heron import HeronClient, HeronServiceError
from heron.client import Classification, Options
from heron.v1 import classification_pb2
from heron_grpc.domain.classification import Decision, StageOpinion, StageState
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.lab.measures import UNSURE, Judged

MANIFEST = "manifest.csv"
# Columns that slices are made by, where the manifest has them.
_FACETS = ("language", "source", "kind")
_REFUSED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}
_EVERY_SCORE = 1000
_CALLERS = 4
_DECISIONS = {
    classification_pb2.DECISION_ACCEPTED: Decision.ACCEPTED,
    classification_pb2.DECISION_NEEDS_REVIEW: Decision.NEEDS_REVIEW,
    classification_pb2.DECISION_UNKNOWN: Decision.UNKNOWN,
    classification_pb2.DECISION_UNREADABLE: Decision.UNREADABLE,
}


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file, its category and what its figures may be sliced by."""

    path: Path
    label: str
    facets: dict[str, str]


def read_manifest(folder: Path, pack: TaxonomyPack) -> tuple[LabelledFile, ...]:
    """The files of manifest.csv (file, label; language, source, kind where known), a category by any of its names.

    "unsure" asks for NEEDS_REVIEW, "unknown" for UNKNOWN.
    Raises ConfigurationError when it cannot be read or names what is no category.
    """
    try:
        with (folder / MANIFEST).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return tuple(_labelled(folder, row, pack) for row in rows)
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the folder needs a {MANIFEST} with the columns file and label") from error


@dataclass(frozen=True, slots=True)
class Answers:
    """What the service says of each file, and by which model and pipeline; empty where no answer tells."""

    rows: list[Judged]
    model_version: str
    pipeline_version: str


def judge_files(
    files: tuple[LabelledFile, ...], server: str, pack: TaxonomyPack, progress: Callable[[int, int], None]
) -> Answers:
    """What the service says of each file, sent without its name: only what it holds counts.

    Raises HeronServiceError where a call fails for another reason than its document.
    """
    judged: list[Judged] = []
    model = pipeline = ""
    with HeronClient(server) as client, ThreadPoolExecutor(_CALLERS) as workers:
        for file, answer in zip(files, workers.map(lambda file: _ask(client, file.path), files), strict=True):
            judged.append(_judged(file, answer, pack))
            if answer:
                model, pipeline = model or answer.model_version, answer.pipeline_version
            progress(len(judged), len(files))
    return Answers(judged, model, pipeline)


def _labelled(folder: Path, row: dict[str, str], pack: TaxonomyPack) -> LabelledFile:
    name, label = row["file"], row["label"]
    category = UNSURE if label.strip().lower() == UNSURE else pack.resolve(label)
    if category is None:
        raise ConfigurationError(f"{MANIFEST}: {label} is no category")
    facets = {facet: row[facet] for facet in _FACETS if row.get(facet)}
    return LabelledFile(folder / name, category, {**facets, "format": Path(name).suffix.lstrip(".").lower()})


def _ask(client: HeronClient, path: Path) -> Classification | None:
    """The answer; None when the document was refused, which counts as wrong. Raises HeronServiceError for the rest."""
    try:
        return client.classify_file(path, filename="", options=Options(max_scores=_EVERY_SCORE))
    except HeronServiceError as error:
        if error.code in _REFUSED:
            return None
        raise


def _judged(file: LabelledFile, answer: Classification | None, pack: TaxonomyPack) -> Judged:
    if answer is None:
        return Judged(file.label, {}, facets=file.facets)
    leaves = set(pack.taxonomy.leaves)
    return Judged(
        file.label,
        {score.category: score.probability for score in answer.scores if score.category in leaves},
        _DECISIONS[answer.decision],
        answer.novelty if answer.HasField("novelty") else None,
        tuple(map(_opinion, answer.stages)),
        file.facets,
        answer.labels[0].category if answer.labels else "",
        tuple(answer.plausible_categories),
    )


def _opinion(stage: classification_pb2.StageResult) -> StageOpinion:
    return StageOpinion(
        stage.stage,
        StageState(classification_pb2.StageState.Name(stage.state).removeprefix("STAGE_STATE_").lower()),
        stage.category if stage.HasField("category") else None,
        stage.confidence if stage.HasField("confidence") else None,
        detail=stage.detail,
    )
