"""Model directories of random weights, from the benchmarks' own builder."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from heron_grpc.classify.manifest import load_manifest

PROJECT = Path(__file__).parents[1]


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
    written: Path = built.write_model(directory, load_manifest(PROJECT / "models" / "nb").labels, built.TINY)
    return written
