"""`heron train cascade`: fits how the quick model and the transformer answer together."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from heron_grpc.cli import exit_codes
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY
from heron_grpc.lab.corpus import load_corpus
from heron_grpc.lab.label_overrides import DEFAULT, load_overrides
from heron_grpc.lab.train_cascade import train
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies


def run(corpus: Path, work: Path, models_dir: Path | None) -> int:
    """Fits, judges on dev and writes models/auto.

    Raises ConfigurationError when the corpus or what the training left in `work` cannot be read.
    """
    settings = load_settings()
    leaves = load_taxonomies(settings.classify.packs_dir)[DEFAULT_TAXONOMY].taxonomy.leaves
    overrides = load_overrides(DEFAULT, leaves)
    models = models_dir or settings.serving.models_dir
    tell = Console(stderr=True).print
    manifest = train(load_corpus(corpus), overrides, work, models, datetime.now(UTC).date(), tell)
    Console().print(f"models/{manifest.name}/versions/{manifest.version}: {len(manifest.labels)} labels")
    for figure in manifest.figures:
        Console().print(f"{figure.name:36} {figure.value:.4f}")
    return exit_codes.OK
