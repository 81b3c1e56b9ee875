"""Labels of real documents that are doubtful, each with the label it should have and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.corpus import CorpusRow

# Of the corpus the models here are made of.
DEFAULT = Path(__file__).parent / "label_overrides.yaml"
_KEYS = {"label", "reason"}


@dataclass(frozen=True, slots=True)
class LabelOverride:
    """What a document is instead of what its corpus says."""

    label: str
    reason: str


def load_overrides(path: Path, leaves: Collection[str]) -> dict[str, LabelOverride]:
    """A YAML mapping of document ids to `label` and `reason`.

    Raises ConfigurationError for a file that cannot be read, a label that is no leaf, or a missing reason.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name}: is no readable YAML") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path.name}: must map document ids to a label and a reason")
    return {str(document): _override(str(document), entry, leaves, path.name) for document, entry in content.items()}


def overridden(rows: Sequence[CorpusRow], overrides: Mapping[str, LabelOverride]) -> tuple[CorpusRow, ...]:
    """The rows, in order, with the labels of the overrides; ids of other documents are no error."""
    return tuple(replace(row, label=overrides[row.id].label) if row.id in overrides else row for row in rows)


def _override(document: str, entry: object, leaves: Collection[str], file: str) -> LabelOverride:
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise ConfigurationError(f"{file}: {document} needs a label and a reason, and nothing else")
    label, reason = entry["label"], entry["reason"]
    if label not in leaves:
        raise ConfigurationError(f"{file}: {document}: {label} is no label of a document")
    if not isinstance(reason, str) or not reason.strip():
        raise ConfigurationError(f"{file}: {document} needs a reason")
    return LabelOverride(label, " ".join(reason.split()))
