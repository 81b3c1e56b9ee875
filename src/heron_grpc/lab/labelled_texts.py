"""Texts whose labels are known, wherever they come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heron_grpc.lab.corpus import CorpusRow
from heron_grpc.lab.generator import Generator


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its true label, and what its figures may be sliced by."""

    label: str
    text: str
    # Facet -> value, e.g. "language" -> "de".
    facets: Mapping[str, str]


def of_corpus(rows: Iterable[CorpusRow]) -> tuple[LabelledText, ...]:
    """The texts of a corpus; the format is how a text was got from its document."""
    return tuple(LabelledText(row.label, row.text, _facets(row)) for row in rows)


def generated(per_label: int, seed: int) -> tuple[LabelledText, ...]:
    """At least so many documents of every label, the same for the same seed. Blocks."""
    return tuple(
        LabelledText(document.label, document.text, {"language": document.language, "source": "generated"})
        for document in Generator().draw_all(per_label, seed)
    )


def _facets(row: CorpusRow) -> dict[str, str]:
    facets = {"language": row.lang, "source": row.source}
    return {**facets, "format": row.read_by} if row.read_by else facets
