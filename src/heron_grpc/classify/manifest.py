"""What a model directory says of itself, and the check that its files are the ones it names."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heron_grpc.domain.errors import ModelFileRefused

FILE_NAME = "manifest.json"
FORMAT = 1
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of the model beside its manifest; `sha256` is lower-case hex."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where training documents came from."""

    name: str
    licence: str
    documents: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured share with its 95 % Wilson interval; low = high = value where no interval applies."""

    name: str
    value: float
    low: float
    high: float
    # Documents it was measured on.
    documents: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a model but its weights."""

    name: str
    kind: str
    version: str
    # ISO 8601 date.
    created: str
    labels: tuple[str, ...]
    files: tuple[ModelFile, ...]
    taxonomy: str
    taxonomy_revision: int
    data: tuple[DataSource, ...] = ()
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def model_version(self) -> str:
        """Resource name, e.g. "models/nb/versions/1"."""
        return f"models/{self.name}/versions/{self.version}"

    def figure(self, name: str) -> Figure | None:
        """The figure of that name, if it was measured."""
        return next((figure for figure in self.figures if figure.name == name), None)


def load_manifest(directory: Path) -> Manifest:
    """The manifest of a model directory.

    Raises ModelFileRefused when it is missing, damaged or of another format.
    """
    try:
        content = json.loads(_read(directory, FILE_NAME))
        if content.pop("format") != FORMAT:
            raise ModelFileRefused(f"{FILE_NAME} is of a format this release does not know")
        manifest = _manifest(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileRefused(f"{FILE_NAME} is damaged") from error
    if not (_SEGMENT.fullmatch(manifest.name) and _SEGMENT.fullmatch(manifest.version)):
        raise ModelFileRefused(f"{FILE_NAME} names no valid model and version")
    return manifest


def read_verified(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    """The bytes of every file the manifest names, each read once and checked against its digest.

    Raises ModelFileRefused naming the file that is missing or differs.
    """
    contents = {}
    for file in manifest.files:
        if file.name != Path(file.name).name:
            raise ModelFileRefused(f"{FILE_NAME} names a file outside the model's directory")
        content = _read(directory, file.name)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ModelFileRefused(f"{file.name} is not the file its manifest names")
        contents[file.name] = content
    return contents


def describe_file(name: str, content: bytes) -> ModelFile:
    """The manifest's entry for a file."""
    return ModelFile(name, hashlib.sha256(content).hexdigest(), len(content))


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Writes manifest.json, the same bytes for the same manifest."""
    content = {"format": FORMAT, **asdict(manifest)}
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    (directory / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise ModelFileRefused(f"{name} cannot be read") from error


def _manifest(content: dict[str, Any]) -> Manifest:
    return Manifest(
        name=str(content["name"]),
        kind=str(content["kind"]),
        version=str(content["version"]),
        created=str(content["created"]),
        labels=tuple(map(str, content["labels"])),
        files=tuple(ModelFile(**file) for file in content["files"]),
        taxonomy=str(content["taxonomy"]),
        taxonomy_revision=int(content["taxonomy_revision"]),
        data=tuple(DataSource(**source) for source in content["data"]),
        parameters=dict(content["parameters"]),
        figures=tuple(Figure(**figure) for figure in content["figures"]),
        notes=tuple(map(str, content["notes"])),
    )
