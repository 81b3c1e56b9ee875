"""`heron evaluate`: how good the answers are, on a corpus split or on a folder of labelled files."""

import csv
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from rich.console import Console
from rich.progress import Progress

from heron import HeronClient, HeronServiceError
from heron.client import Classification, Options
from heron.v1 import classification_pb2
from heron_grpc.classify import load_classifier
from heron_grpc.cli import exit_codes
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.lab.evaluate import Evaluation, evaluate_corpus, evaluate_rows, print_evaluation
from heron_grpc.lab.measures import Judged
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies

MANIFEST = "manifest.csv"
_OTHER = "meta/other"
_REFUSED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}
_EVERY_SCORE = 1000


def run(path: Path, split: str, server: str, as_json: bool) -> int:
    """A corpus file judges the model alone; a folder with a manifest.csv (file,label) judges the running service.

    Raises ConfigurationError for a path that is neither.
    """
    progress = Progress(console=Console(stderr=True), transient=True)
    try:
        with progress:
            evaluation = _on_folder(path, server, progress) if path.is_dir() else _on_corpus(path, split, progress)
    except HeronServiceError as error:
        print(f"heron: {error}", file=sys.stderr)
        return exit_codes.of(error.code)
    if as_json:
        print(json.dumps(evaluation.to_json()))
    else:
        print_evaluation(evaluation, Console())
    return exit_codes.OK


def _on_corpus(path: Path, split: str, progress: Progress) -> Evaluation:
    serving = load_settings().serving
    classifier = load_classifier(serving.models_dir / serving.model)
    task = progress.add_task("documents", total=None)
    return evaluate_corpus(
        classifier, path, split, lambda done, total: progress.update(task, completed=done, total=total)
    )


def _on_folder(folder: Path, server: str, progress: Progress) -> Evaluation:
    """Every file goes through the service without its name: only what it holds counts."""
    pack = load_taxonomies(load_settings().classify.packs_dir)[DEFAULT_TAXONOMY]
    truths = dict(_truths(folder, pack))
    with HeronClient(server) as client, ThreadPoolExecutor(4) as workers:
        answers = workers.map(lambda name: _ask(client, folder / name), truths)
        rows = [
            Judged(truth, _probabilities(answer, pack))
            for truth, answer in zip(truths.values(), progress.track(answers, total=len(truths)), strict=True)
        ]
    return evaluate_rows(rows)


def _truths(folder: Path, pack: TaxonomyPack) -> Iterator[tuple[str, str]]:
    """File names and category ids; the manifest may say a category by any of its names."""
    try:
        with (folder / MANIFEST).open(newline="") as file:
            rows = [(row["file"], row["label"]) for row in csv.DictReader(file)]
    except (OSError, KeyError) as error:
        raise ConfigurationError(f"the folder needs a {MANIFEST} with the columns file and label") from error
    for name, label in rows:
        category = pack.resolve(label)
        if category is None:
            raise ConfigurationError(f"{MANIFEST}: {label} is no category")
        yield name, category


def _ask(client: HeronClient, path: Path) -> Classification | None:
    """The answer; None when the document was refused, which counts as wrong. Raises HeronServiceError for the rest."""
    try:
        return client.classify_file(path, filename="", options=Options(max_scores=_EVERY_SCORE))
    except HeronServiceError as error:
        if error.code in _REFUSED:
            return None
        raise


def _probabilities(answer: Classification | None, pack: TaxonomyPack) -> dict[str, float]:
    """The leaves' probabilities of an answer that gives a label; UNKNOWN stands for "none of these"."""
    if answer is None or answer.decision == classification_pb2.DECISION_UNREADABLE:
        return {}
    if answer.decision == classification_pb2.DECISION_UNKNOWN:
        return {_OTHER: answer.confidence}
    leaves = set(pack.taxonomy.leaves)
    return {score.category: score.probability for score in answer.scores if score.category in leaves}
