"""Model directories of random weights, from the benchmarks' own builder."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

from heron_grpc.classify.cascade import FIRST, KIND, SECOND
from heron_grpc.classify.manifest import Manifest, load_manifest, write_manifest

PROJECT = Path(__file__).parents[1]
SHIPPED = PROJECT / "models" / "nb"


def builder() -> ModuleType:
    """benchmarks/models/random_transformer.py, which is no installed package."""
    path = PROJECT / "benchmarks" / "models" / "random_transformer.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look themselves up by name.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def tiny_transformer(directory: Path) -> Path:
    """2 layers of 32 with the shipped model's labels."""
    built = builder()
    written: Path = built.write_model(directory, load_manifest(SHIPPED).labels, built.TINY)
    return written


def cascade(directory: Path, **parameters: float | str) -> Path:
    """One of the shipped model, copied beside it, and of a tiny transformer, made there unless it is."""
    first, second = directory.parent / "nb", directory.parent / "tiny"
    if not first.exists():
        shutil.copytree(SHIPPED, first)
    if not second.exists():
        tiny_transformer(second)
    directory.mkdir(parents=True, exist_ok=True)
    given = {FIRST: first.name, SECOND: second.name, "exit_probability": 0.9, "exit_novelty": 0.6, **parameters}
    manifest = load_manifest(first)
    own = Manifest(directory.name, KIND, "1", "2026-01-01", manifest.labels, (), manifest.taxonomy, 1, parameters=given)
    write_manifest(directory, own)
    return directory
