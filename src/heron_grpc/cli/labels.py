"""`heron labels`: teaches labels by a few examples each, and lists those that were taught."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from heron_grpc.classify.few_shot import FewShotHead
from heron_grpc.classify.transformer import PROTOTYPES, OnnxTransformer
from heron_grpc.cli import exit_codes
from heron_grpc.cli.labelled_folder import MANIFEST, read_manifest
from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import ConfigurationError, DocumentError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.lab.few_shot import embed_examples, teach
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings, Settings, load_settings
from heron_grpc.taxonomy import load_taxonomies

_TRANSFORMER = "distilbert"


def add(pack: Path, examples: Path) -> int:
    """Checks the pack, reads and embeds the examples, keeps what they teach, and installs the pack. Blocks.

    Raises ConfigurationError for a pack or examples that cannot be used, ModelFileRefused for damaged files.
    """
    settings = load_settings()
    labels_dir, packs_dir = _directories(settings)
    taxonomy = _with_pack(packs_dir, pack)
    transformer = OnnxTransformer.load(settings.serving.models_dir / _TRANSFORMER)
    files = _example_files(examples, taxonomy)
    if trained := sorted(set(files) & set(transformer.labels)):
        raise ConfigurationError(f"{', '.join(trained)}: the model knows it already; examples teach new labels alone")
    console = Console(stderr=True)
    texts = asyncio.run(_read(files, settings.reading, console))
    added = embed_examples(texts, transformer.embed)
    with np.load(settings.serving.models_dir / _TRANSFORMER / PROTOTYPES) as arrays:
        known = arrays["centroids"]
    manifest = teach(labels_dir, added, transformer, known, datetime.now(UTC).date())
    packs_dir.mkdir(parents=True, exist_ok=True)
    if pack.resolve().parent != packs_dir.resolve():
        shutil.copy(pack, packs_dir / pack.name)
    for label in texts:
        Console().print(f"{label}: {len(texts[label])} examples")
    console.print(f"{len(manifest.labels)} labels taught; a running service serves them after its next start")
    return exit_codes.OK


def show() -> int:
    """Prints the labels that were taught. Raises ConfigurationError, ModelFileRefused."""
    labels_dir, _ = _directories(load_settings())
    if labels_dir.is_dir() and any(labels_dir.iterdir()):
        manifest = FewShotHead.load(labels_dir).manifest
        for label in manifest.labels:
            Console().print(f"{label}: {manifest.parameters.get(f'examples {label}', 0)} examples")
    return exit_codes.OK


def _directories(settings: Settings) -> tuple[Path, Path]:
    labels_dir, packs_dir = settings.serving.labels_dir, settings.classify.packs_dir
    if labels_dir is None or packs_dir is None:
        raise ConfigurationError("set HERON_SERVING_LABELS_DIR and HERON_CLASSIFY_PACKS_DIR, here and for the service")
    return labels_dir, packs_dir


def _with_pack(packs_dir: Path, pack: Path) -> TaxonomyPack:
    """The default taxonomy as it is with the pack."""
    if not pack.is_file():
        raise ConfigurationError("the pack cannot be read")
    with tempfile.TemporaryDirectory() as directory:
        for file in (*(packs_dir.glob("*.yaml") if packs_dir.is_dir() else ()), pack):
            shutil.copy(file, Path(directory) / file.name)
        return load_taxonomies(Path(directory))[DEFAULT_TAXONOMY]


def _example_files(folder: Path, taxonomy: TaxonomyPack) -> dict[str, list[Path]]:
    """Label -> files, by the folder's manifest.csv or by its subfolders' names."""
    files: defaultdict[str, list[Path]] = defaultdict(list)
    if (folder / MANIFEST).is_file():
        for file in read_manifest(folder, taxonomy):
            files[file.label].append(file.path)
    elif folder.is_dir():
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            label = taxonomy.resolve(inner.name)
            if label is None:
                raise ConfigurationError(f"{inner.name} is no category of the taxonomy with this pack")
            files[label] += sorted(path for path in inner.iterdir() if path.is_file())
    if inner_ones := [label for label in files if label not in taxonomy.taxonomy.leaves]:
        raise ConfigurationError(f"{', '.join(inner_ones)}: only labels without others below them have examples")
    if not any(files.values()):
        raise ConfigurationError(f"the examples need a {MANIFEST}, or a folder with files for each label")
    return files


async def _read(files: dict[str, list[Path]], settings: ReadingSettings, console: Console) -> dict[str, list[str]]:
    """The texts, as the service reads them; what cannot be read is told and left out."""
    pool = ReadingPool(settings)
    pool.start()
    texts: defaultdict[str, list[str]] = defaultdict(list)
    try:
        for label, paths in files.items():
            for path in paths:
                try:
                    text = (await pool.read(ReadRequest(str(path), path.name))).reading.text
                except DocumentError as error:
                    console.print(f"{path.name}: {error.message}")
                    continue
                if text.strip():
                    texts[label].append(text)
                else:
                    console.print(f"{path.name}: nothing could be read")
    finally:
        await pool.close()
    if missing := sorted(set(files) - set(texts)):
        raise ConfigurationError(f"{', '.join(missing)}: no example could be read")
    return texts
