"""The documents a transformer learns from: real ones, worn copies of them, and generated ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tokenizers import Tokenizer

from heron_grpc.lab.corpus import CorpusRow
from heron_grpc.lab.distilbert.tokens import TokenSet, joined, tokenise
from heron_grpc.lab.generator import GeneratedDocument, Generator
from heron_grpc.lab.generator.noise import wear
from heron_grpc.lab.read_back import read_back

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """How many documents of which kind; `seed` draws the generated ones."""

    seed: int = 1
    # Of every label; the generator draws twice as many of the common ones.
    per_label: int = 500
    # Of every label, drawn anew, rendered to files and read; this share of those that come as pictures too.
    read_per_label: int = 50
    read_picture_share: float = 0.02
    # Copies of every real document with the wear of a generated one.
    worn_copies: int = 2
    # Of those copies, the ones that look like OCR.
    scanned_share: float = 0.6


@dataclass(frozen=True, slots=True)
class Gathered:
    """The documents as tokens and, where Naive Bayes is to score them, as texts; worn copies have none."""

    tokens: TokenSet
    # Place in `tokens` -> text.
    texts: dict[int, str]


def gather(
    rows: Sequence[CorpusRow], labels: tuple[str, ...], tokenizer: Tokenizer, sources: Sources, tell: Tell
) -> Gathered:
    """The rows first and in order, then their worn copies, all of them real; then generated documents. Blocks.

    Raises ReaderUnavailable.
    """
    places = {label: place for place, label in enumerate(labels)}
    worn = [(row, _worn(row, copy, sources)) for copy in range(sources.worn_copies) for row in rows]
    real = tokenise(
        [*(row.text for row in rows), *(text for _, text in worn)],
        [places[row.label] for row in (*rows, *(row for row, _ in worn))],
        labels,
        (*(row.group for row in rows), *(row.group for row, _ in worn)),
        tokenizer,
    )
    tell(f"{len(rows)} real documents and {len(worn)} worn copies")
    drawn = _drawn(sources)
    generated = tokenise(
        [document.text for document in drawn],
        [places[document.label] for document in drawn],
        labels,
        tuple(document.layout for document in drawn),
        tokenizer,
    )
    tell(f"{len(drawn)} generated documents")
    texts = {place: row.text for place, row in enumerate(rows)}
    texts |= {len(real) + place: document.text for place, document in enumerate(drawn)}
    return Gathered(joined(real, generated), texts)


def _drawn(sources: Sources) -> list[GeneratedDocument]:
    generator = Generator()
    drawn = [*generator.draw_all(sources.per_label, sources.seed)]
    if sources.read_per_label:
        # Of another seed: not the same documents again.
        anew = [*generator.draw_all(sources.read_per_label, sources.seed + 1)]
        drawn += read_back(anew, 1.0, sources.read_picture_share)
    return drawn


def _worn(row: CorpusRow, copy: int, sources: Sources) -> str:
    random = Random(f"{sources.seed}/{row.id}/{copy}")  # noqa: S311 - draws samples, guards nothing
    return wear(row.text, random, scanned=sources.scanned_share)
