"""Real labelled texts, and splits that never part a group."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from heron_grpc.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """A labelled text; `group` names its issuer or layout family."""

    id: str
    label: str
    lang: str
    source: str
    licence: str
    group: str
    # "train" or "dev".
    split: str
    text: str
    # How the text was got from the document, e.g. "pdftotext"; empty when it is not told.
    read_by: str = ""


def load_corpus(path: Path) -> tuple[CorpusRow, ...]:
    """All rows of a gzipped file of JSON lines, in file order.

    Raises ConfigurationError when the file is missing, damaged, or parts a group between splits.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = tuple(_row(line) for line in lines if line.strip())
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("the corpus cannot be read") from error
    _check_groups(rows)
    return rows


def split_rows(rows: Iterable[CorpusRow], split: str) -> tuple[CorpusRow, ...]:
    """The rows of one split."""
    return tuple(row for row in rows if row.split == split)


def assign_folds(groups: Sequence[str], folds: int) -> list[int]:
    """A fold for each document, the same for a whole group and whatever the order, by the group's digest."""
    return [int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) % folds for group in groups]


def _row(line: str) -> CorpusRow:
    content = json.loads(line)
    read_by = str(content.get("read_by", ""))
    return CorpusRow(**{name: str(content[name]) for name in CorpusRow.__slots__ if name != "read_by"}, read_by=read_by)


def _check_groups(rows: Iterable[CorpusRow]) -> None:
    splits: dict[tuple[str, str], str] = {}
    for row in rows:
        if splits.setdefault((row.source, row.group), row.split) != row.split:
            raise ConfigurationError("the corpus parts a group between its splits")
