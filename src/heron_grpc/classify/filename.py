"""What a file's name says; it may break a tie of the content and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from heron_grpc.classify.findings import Finding, no_finding
from heron_grpc.domain.classification import StageOpinion, StageState
from heron_grpc.domain.taxonomy import TaxonomyPack, normalise_name

STAGE = "filename"
# Names are right more often than not, and wrong often enough to count for little.
NAME_CONFIDENCE = 0.6
# Two categories this close in probability are a tie.
TIE = 0.05


@dataclass(frozen=True, slots=True)
class TieBreak:
    """The leaf probabilities after the name was heard, and the stage's opinion on it."""

    probabilities: Mapping[str, float]
    opinion: StageOpinion
    used: bool = False


def read_filename(filename: str, pack: TaxonomyPack) -> Finding:
    """The category whose longest name stands in the file name as whole words."""
    if not filename:
        return no_finding(STAGE, StageState.NOT_APPLICABLE, "no file name")
    found = named_category(PurePath(filename).stem, pack)
    if found is None:
        return no_finding(STAGE, StageState.COMPLETED, "the name says nothing")
    return Finding(
        StageOpinion(STAGE, StageState.COMPLETED, found, NAME_CONFIDENCE, detail="not used: content decides")
    )


def named_category(text: str, pack: TaxonomyPack) -> str | None:
    """The category with the longest of its names in a short text, as whole words; None for none or two different."""
    words = f" {normalise_name(text)} "
    names = [name for name in pack.names if f" {name} " in words and not pack.names[name].startswith("meta")]
    longest = max(map(len, names), default=0)
    found = {pack.names[name] for name in names if len(name) == longest}
    return found.pop() if len(found) == 1 else None


def break_tie(probabilities: Mapping[str, float], opinion: StageOpinion, *, settled: bool) -> TieBreak:
    """Swaps the two best leaves when they are a tie and the name speaks for the second; never a `settled` one."""
    ranked = sorted(probabilities, key=lambda leaf: (probabilities[leaf], leaf), reverse=True)[:2]
    if opinion.category is None or settled or len(ranked) < 2:
        return TieBreak(probabilities, opinion)
    first, second = ranked
    if _is_within(first, opinion.category):
        return TieBreak(probabilities, replace(opinion, detail="not used: content says the same"))
    if not _is_within(second, opinion.category) or probabilities[first] - probabilities[second] > TIE:
        return TieBreak(probabilities, opinion)
    swapped = _raised(probabilities, second, first)
    return TieBreak(swapped, replace(opinion, detail=f"broke a tie between {first} and {second}"), used=True)


def _raised(probabilities: Mapping[str, float], second: str, first: str) -> dict[str, float]:
    """The two probabilities exchanged, and told apart when they are equal."""
    high, low = probabilities[first], probabilities[second]
    margin = 1e-9 * high if high == low else 0.0
    return {**probabilities, second: high + margin, first: low - margin}


def _is_within(leaf: str, category: str) -> bool:
    return leaf == category or leaf.startswith(f"{category}/")
