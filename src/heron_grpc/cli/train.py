"""`heron train`: makes models from real and generated texts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from heron_grpc.cli import exit_codes
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY
from heron_grpc.lab.label_overrides import DEFAULT, load_overrides
from heron_grpc.lab.train_decision import NAIVE_BAYES, DecisionOptions, train_decision
from heron_grpc.lab.train_naive_bayes import TrainOptions, train
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies


def run_naive_bayes(corpus: Path, models_dir: Path | None, options: TrainOptions, force: bool) -> int:
    """Trains, says what is going on, and keeps the new model only when it is better or `force` is given.

    Raises ConfigurationError when the corpus cannot be read.
    """
    console = Console(stderr=True)
    settings = load_settings()
    directory = models_dir or settings.serving.models_dir
    leaves = load_taxonomies(settings.classify.packs_dir)[options.taxonomy].taxonomy.leaves
    options = replace(options, overrides=load_overrides(DEFAULT, leaves))
    created = datetime.now(UTC).date()
    manifest = train(corpus, directory, created, options, force=force, progress=console.print)
    Console().print(f"models/{manifest.name}/versions/{manifest.version}: {len(manifest.labels)} labels")
    for figure in manifest.figures:
        Console().print(f"{figure.name:36} {figure.value:.4f}")
    return exit_codes.OK


def run_decision(corpus: Path, models_dir: Path | None, predictions: Sequence[str], default: str) -> int:
    """Fits the decision file to documents held out, says what is going on, and prints its figures.

    Raises ConfigurationError when the corpus or the predictions cannot be used.
    """
    console = Console(stderr=True)
    settings = load_settings()
    pack = load_taxonomies(settings.classify.packs_dir)[DEFAULT_TAXONOMY]
    named = dict(map(_named_file, predictions))
    options = DecisionOptions(
        predictions=named,
        default=default or next(reversed(named), NAIVE_BAYES),
        overrides=load_overrides(DEFAULT, pack.taxonomy.leaves),
    )
    created = datetime.now(UTC).date()
    directory = models_dir or settings.serving.models_dir
    manifest = train_decision(corpus, directory, pack, created, options, console.print)
    Console().print(f"models/{manifest.name}/versions/{manifest.version}")
    for figure in manifest.figures:
        Console().print(f"{figure.name:36} {figure.value:.4f} ({figure.low:.4f} - {figure.high:.4f})")
    return exit_codes.OK


def _named_file(argument: str) -> tuple[str, Path]:
    name, _, path = argument.partition("=")
    if not (name and path):
        raise ConfigurationError("predictions are given as MODEL=FILE.npz")
    return name, Path(path)
