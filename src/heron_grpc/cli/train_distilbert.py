"""`heron train distilbert`: makes the transformer, on a GPU where there is one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from heron_grpc.cli import exit_codes
from heron_grpc.lab.corpus import load_corpus
from heron_grpc.lab.distilbert.encoder import installed_minilm
from heron_grpc.lab.label_overrides import DEFAULT, load_overrides
from heron_grpc.lab.train_distilbert import Audience, DistilBertOptions, Place, train
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies


def run(
    corpus: Path, encoder: Path | None, work: Path, models_dir: Path | None, options: DistilBertOptions, *, force: bool
) -> int:
    """Trains, shows how far it is, and keeps the new model only when it is better or `force` is given.

    Raises ConfigurationError when the corpus or the encoder cannot be read.
    """
    settings = load_settings()
    place = Place(encoder or installed_minilm(), work, models_dir or settings.serving.models_dir)
    leaves = load_taxonomies(settings.classify.packs_dir)[options.taxonomy].taxonomy.leaves
    options = replace(options, overrides=load_overrides(DEFAULT, leaves))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        created = datetime.now(UTC).date()
        audience = Audience(console.print, _watching(progress))
        manifest = train(load_corpus(corpus), place, created, options, audience, force=force)
    Console().print(f"models/{manifest.name}/versions/{manifest.version}: {len(manifest.labels)} labels")
    for figure in manifest.figures:
        Console().print(f"{figure.name:36} {figure.value:.4f}")
    return exit_codes.OK


def _watching(progress: Progress) -> Callable[[str, int], Callable[[int, float], None]]:
    def watch(name: str, steps: int) -> Callable[[int, float], None]:
        task = progress.add_task(name, total=steps)
        return lambda done, loss: progress.update(task, completed=done, description=f"{name}, loss {loss:.3f}")

    return watch
