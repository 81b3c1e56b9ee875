"""`heron evaluate`: how good the answers are, on real texts, generated ones or a folder of labelled files."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from heron import HeronServiceError
from heron_grpc.classify import load_classifier
from heron_grpc.classify.decision_rule import load_decision_rules
from heron_grpc.cli import exit_codes
from heron_grpc.cli.labelled_folder import judge_files, read_manifest
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.lab.corpus import CorpusRow, load_corpus, split_rows
from heron_grpc.lab.judging import StagesInProcess, judge_by_model
from heron_grpc.lab.label_overrides import DEFAULT, load_overrides, overridden
from heron_grpc.lab.labelled_texts import LabelledText, generated, of_corpus
from heron_grpc.lab.report import Report, evaluations
from heron_grpc.lab.report_page import report_page
from heron_grpc.lab.report_tables import print_report
from heron_grpc.lab.rule_figures import rules_of_answers, rules_of_texts
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies

_PIPE_WIDTH = 200

Tell = Callable[[str], Callable[[int, int], None]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be measured on what: a path, or so many generated documents of every label."""

    path: Path | None = None
    split: str = "dev"
    generated: int = 0
    seed: int = 0
    # The project's own by default.
    overrides: Path | None = None
    server: str = ""


def run(subject: Subject, html: Path | None, *, as_json: bool) -> int:
    """Measures, prints and writes the page.

    Raises ConfigurationError for a path that is neither a corpus nor a folder with a manifest.
    """
    progress = Progress(console=Console(stderr=True), transient=True)
    try:
        with progress:
            report = measure(subject, lambda name: _task(progress, name))
    except HeronServiceError as error:
        print(f"heron: {error}", file=sys.stderr)
        return exit_codes.of(error.code)
    if as_json:
        print(json.dumps(report.to_json()))
    else:
        console = Console()
        # A pipe has no width of its own.
        print_report(report, Console(width=None if console.is_terminal else _PIPE_WIDTH))
    if html:
        html.write_text(report_page(report), encoding="utf-8")
    return exit_codes.OK


def measure(subject: Subject, tell: Tell) -> Report:
    """The report on a subject; `tell` starts a count of documents done. Blocks.

    Raises ConfigurationError and HeronServiceError.
    """
    pack = load_taxonomies(load_settings().classify.packs_dir)[DEFAULT_TAXONOMY]
    if subject.path is None:
        texts = generated(subject.generated, subject.seed)
        facts = {"documents": f"{len(texts)} generated, seed {subject.seed}"}
        return _on_texts("Generated documents", facts, texts, (), pack, tell)
    if subject.path.is_dir():
        return _on_folder(subject.path, subject.server, pack, tell)
    return _on_corpus(subject.path, subject, pack, tell)


def _task(progress: Progress, name: str) -> Callable[[int, int], None]:
    task = progress.add_task(name, total=None)
    return lambda done, total: progress.update(task, completed=done, total=total)


def _on_folder(folder: Path, server: str, pack: TaxonomyPack, tell: Tell) -> Report:
    files = read_manifest(folder, pack)
    answers = judge_files(files, server, pack, tell("the service"))
    facts = {"documents": f"{len(files)} files without their names", "model": answers.model_version, **_taxonomy(pack)}
    found = evaluations({"service": answers.rows}, ())
    return Report("The service on a folder of files", facts, found, rules_of_answers(pack, answers.rows))


def _on_corpus(path: Path, subject: Subject, pack: TaxonomyPack, tell: Tell) -> Report:
    rows = split_rows(load_corpus(path), subject.split)
    if not rows:
        raise ConfigurationError(f"the corpus has no documents in {subject.split}")
    overrides = load_overrides(subject.overrides or DEFAULT, pack.taxonomy.leaves)
    corrected = overridden(rows, overrides)
    changed = sum(row.label != new.label for row, new in zip(rows, corrected, strict=True))
    facts = {"documents": f"{len(rows)} of {subject.split}", "labels corrected": str(changed)}
    return _on_texts("Real texts", facts, of_corpus(rows), corrected, pack, tell)


def _on_texts(
    title: str,
    facts: dict[str, str],
    texts: Sequence[LabelledText],
    corrected: Sequence[CorpusRow],
    pack: TaxonomyPack,
    tell: Tell,
) -> Report:
    """The model alone and all stages; the rules with the corrected labels, where there are some."""
    settings = load_settings()
    classifier = load_classifier(settings.serving.models_dir / settings.serving.model)
    decisions = load_decision_rules(settings.classify.calibration, settings.serving.models_dir)
    stages = StagesInProcess(classifier, pack, settings.classify, decisions)
    answers = {
        "model alone": judge_by_model(classifier, texts, tell("the model")),
        "all stages": stages.judge(texts, tell("all stages")),
    }
    found = evaluations(answers, [row.label for row in corrected])
    rules = rules_of_texts(pack, of_corpus(corrected) if corrected else texts)
    return Report(title, {**facts, "model": classifier.model_version, **_taxonomy(pack)}, found, rules)


def _taxonomy(pack: TaxonomyPack) -> dict[str, str]:
    return {"taxonomy": f"{pack.taxonomy.name}, revision {pack.taxonomy.revision}"}
