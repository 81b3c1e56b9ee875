"""`heron train layout`: makes the specialist that looks at pages."""

import os
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from heron_grpc.cli import exit_codes
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY
from heron_grpc.lab.train_layout import LayoutOptions, train_layout
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies


def run(models_dir: Path | None, options: LayoutOptions) -> int:
    """Draws, trains, replaces models/layout, and prints how good it is on layouts it did not see."""
    console = Console(stderr=True)
    settings = load_settings()
    pack = load_taxonomies(settings.classify.packs_dir)[DEFAULT_TAXONOMY]
    directory = models_dir or settings.serving.models_dir
    created = datetime.now(UTC).date()
    workers = len(os.sched_getaffinity(0))
    manifest = train_layout(directory, pack, created, options, workers, console.print)
    Console().print(manifest.model_version)
    for figure in manifest.figures:
        Console().print(f"{figure.name:32} {figure.value:.3f} ({figure.low:.3f} - {figure.high:.3f})")
    return exit_codes.OK
