"""What a file's name says; it may break a tie of the content and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import nlargest
from pathlib import PurePath

from heron_grpc.classify.findings import Finding, no_finding
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.taxonomy import TaxonomyPack, normalise_name

STAGE = "filename"
# Names are right more often than not, and wrong often enough to count for little.
NAME_CONFIDENCE = 0.6
# Two categories this close in probability are a tie.
TIE = 0.05


@dataclass(frozen=True, slots=True)
class TieBreak:
    """The leaf probabilities after the name was heard, and what the stage found."""

    probabilities: Mapping[str, float]
    finding: Finding
    used: bool = False


def read_filename(filename: str, pack: TaxonomyPack) -> Finding:
    """The category whose longest name stands in the file name as whole words."""
    if not filename:
        return no_finding(STAGE, StageState.NOT_APPLICABLE, "no file name")
    found = named_category(PurePath(filename).stem, pack)
    if found is None:
        return no_finding(STAGE, StageState.COMPLETED, "the name says nothing")
    return Finding(STAGE, StageState.COMPLETED, found, NAME_CONFIDENCE, detail="not used: content decides")


def named_category(text: str, pack: TaxonomyPack) -> str | None:
    """The category with the longest of its names in a short text, as whole words; None for none or two different."""
    names = [name for name in _names_within(normalise_name(text), pack) if not pack.names[name].startswith("meta")]
    longest = max(map(len, names), default=0)
    found = {pack.names[name] for name in names if len(name) == longest}
    return found.pop() if len(found) == 1 else None


def _names_within(normalised: str, pack: TaxonomyPack) -> set[str]:
    """Names of categories that stand in a normalised text as whole words."""
    words = normalised.split(" ")
    parts = (
        " ".join(words[start:end])
        for start, word in enumerate(words)
        if word in pack.first_words
        for end in range(start + 1, min(start + pack.most_words, len(words)) + 1)
    )
    return {part for part in parts if part in pack.names}


def break_tie(probabilities: Mapping[str, float], finding: Finding, *, settled: bool) -> TieBreak:
    """Swaps the two best leaves when they are a tie and the name speaks for the second; never a `settled` one."""
    if finding.category is None or settled or len(probabilities) < 2:
        return TieBreak(probabilities, finding)
    (_, first), (_, second) = nlargest(2, zip(probabilities.values(), probabilities, strict=True))
    if _is_within(first, finding.category):
        return TieBreak(probabilities, replace(finding, detail="not used: content says the same"))
    if not _is_within(second, finding.category) or probabilities[first] - probabilities[second] > TIE:
        return TieBreak(probabilities, finding)
    swapped = _raised(probabilities, second, first)
    return TieBreak(swapped, replace(finding, detail=f"broke a tie between {first} and {second}"), used=True)


def _raised(probabilities: Mapping[str, float], second: str, first: str) -> dict[str, float]:
    """The two probabilities exchanged, and told apart when they are equal."""
    high, low = probabilities[first], probabilities[second]
    margin = 1e-9 * high if high == low else 0.0
    return {**probabilities, second: high + margin, first: low - margin}


def _is_within(leaf: str, category: str) -> bool:
    return leaf == category or leaf.startswith(f"{category}/")
