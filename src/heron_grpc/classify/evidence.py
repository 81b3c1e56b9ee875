"""The words and places that spoke for a category, merged into spans of the document text."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from heron_grpc.classify.findings import Mark
from heron_grpc.domain.classification import Evidence, Region
from heron_grpc.domain.document import PAGE_SEPARATOR, Box, Page, Reading, Word

MOST_EVIDENCE = 20
LONGEST_QUOTE = 120


@dataclass(frozen=True, slots=True)
class StageMark:
    """A mark and the stage that made it."""

    stage: str
    mark: Mark


def page_offsets(reading: Reading) -> list[int]:
    """Where each page starts in the document text."""
    lengths = [len(page.text) + len(PAGE_SEPARATOR) for page in reading.pages]
    return [0, *accumulate(lengths)][: len(lengths)]


def gather_evidence(reading: Reading, marks: Iterable[StageMark]) -> tuple[Evidence, ...]:
    """At most MOST_EVIDENCE pieces, strongest first; spans that meet become one whose weight is their sum."""
    pieces = [*_merged(reading.text, marks), *_without_text(marks)]
    strongest = sorted(pieces, key=lambda piece: (-abs(piece.weight), piece.start, piece.category))[:MOST_EVIDENCE]
    offsets = page_offsets(reading)
    return tuple(replace(piece, regions=tuple(_regions(reading, offsets, piece))) for piece in strongest)


def _without_text(marks: Iterable[StageMark]) -> list[Evidence]:
    return [Evidence(m.stage, m.mark.category, m.mark.weight) for m in marks if m.mark.start == m.mark.end]


def _merged(text: str, marks: Iterable[StageMark]) -> Iterator[Evidence]:
    """Marks for one category that overlap, or are neighbours from one stage, as one piece."""
    spans = [m for m in marks if m.mark.start < m.mark.end <= len(text)]
    group: list[StageMark] = []
    for one in sorted(spans, key=lambda m: (m.mark.category, m.mark.weight > 0, m.mark.start, m.mark.end)):
        if group and not _joins(text, group, one):
            yield _piece(text, group)
            group = []
        group.append(one)
    if group:
        yield _piece(text, group)


def _joins(text: str, group: list[StageMark], one: StageMark) -> bool:
    start, end = group[0].mark.start, max(m.mark.end for m in group)
    last = group[-1].mark
    return (
        last.category == one.mark.category
        and (last.weight > 0) == (one.mark.weight > 0)
        and one.mark.start <= end + (one.stage == group[-1].stage)
        and max(end, one.mark.end) - start <= LONGEST_QUOTE
        and PAGE_SEPARATOR not in text[end : one.mark.start]
    )


def _piece(text: str, group: list[StageMark]) -> Evidence:
    """The quote is the span, cut to LONGEST_QUOTE; the stage is the one whose words count most."""
    start = group[0].mark.start
    end = min(max(m.mark.end for m in group), start + LONGEST_QUOTE)
    by_stage: dict[str, float] = {}
    for m in group:
        by_stage[m.stage] = by_stage.get(m.stage, 0.0) + m.mark.weight
    stage = max(by_stage, key=lambda name: (abs(by_stage[name]), name))
    return Evidence(stage, group[0].mark.category, sum(by_stage.values()), text[start:end], start, end)


def _regions(reading: Reading, offsets: list[int], piece: Evidence) -> Iterator[Region]:
    """One box a line of words, on every page the span touches."""
    if not piece.quote:
        return
    for index in range(bisect_right(offsets, piece.start) - 1, len(offsets)):
        if offsets[index] >= piece.end:
            return
        page = reading.pages[index]
        for box in _lines(_words(page, piece.start - offsets[index], piece.end - offsets[index])):
            yield Region(page.number, box)


def _words(page: Page, start: int, end: int) -> Iterator[Word]:
    return (word for word in page.words if word.start < end and word.end > start)


def _lines(words: Iterable[Word]) -> list[Box]:
    boxes: list[Box] = []
    for word in words:
        middle = (word.box.y_min + word.box.y_max) / 2
        if boxes and boxes[-1].y_min <= middle <= boxes[-1].y_max:
            boxes[-1] = _union(boxes[-1], word.box)
        else:
            boxes.append(word.box)
    return boxes


def _union(one: Box, other: Box) -> Box:
    return Box(
        min(one.x_min, other.x_min),
        min(one.y_min, other.y_min),
        max(one.x_max, other.x_max),
        max(one.y_max, other.y_max),
    )
