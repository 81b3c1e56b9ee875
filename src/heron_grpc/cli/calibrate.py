"""`heron calibrate`: a decision file fitted to a deployment's own labelled files."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from heron import HeronServiceError
from heron_grpc.classify.decision_rule import load_decision_rules
from heron_grpc.cli import exit_codes
from heron_grpc.cli.labelled_folder import judge_files, read_manifest
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY
from heron_grpc.lab.calibrating import Calibration, calibrate
from heron_grpc.lab.measures import Share
from heron_grpc.lab.report_tables import interval
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies


def run(folder: Path, server: str, out: Path) -> int:
    """Asks the service about the files, fits, prints figures before and after, and writes the file.

    Raises ConfigurationError for a folder without labels, too few files, or a file that cannot be written.
    """
    settings = load_settings()
    pack = load_taxonomies(settings.classify.packs_dir)[DEFAULT_TAXONOMY]
    shipped = load_decision_rules(settings.classify.calibration, settings.serving.models_dir)
    files = read_manifest(folder, pack)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("the service", total=len(files))
            answers = judge_files(files, server, pack, lambda done, _: progress.update(task, completed=done))
    except HeronServiceError as error:
        print(f"heron: {error}", file=sys.stderr)
        return exit_codes.of(error.code)
    if answers.pipeline_version != settings.pipeline_version:
        raise ConfigurationError(
            "the service runs with other settings or another decision file than this command: give both the same"
        )
    found = calibrate(answers.rows, shipped, answers.model_version, pack.taxonomy, settings.classify)
    try:
        out.write_text(found.rules.to_json(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{out.name} cannot be written") from error
    _print(found)
    print(f"wrote {out}; HERON_CLASSIFY_CALIBRATION={out.absolute()} makes the service use it")
    return exit_codes.OK


def _print(found: Calibration) -> None:
    table = Table(f"{found.documents} files", "before", "after, on files not fitted to")
    for name, before, after in (
        ("log loss", found.before.log_loss, found.after.log_loss),
        ("calibration error", found.before.calibration_error, found.after.calibration_error),
        ("accepted", found.before.accepted, found.after.accepted),
        ("right of those", found.before.right, found.after.right),
    ):
        table.add_row(name, _shown(before), _shown(after))
    Console().print(table)


def _shown(value: float | Share) -> str:
    return interval(value) if isinstance(value, Share) else f"{value:.4f}"
