"""Headings that name a category, in the first lines of the text."""

import re
from collections.abc import Iterator

from heron_grpc.classify.findings import Finding, Mark, finding, no_finding
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.document import Page
from heron_grpc.domain.taxonomy import TaxonomyPack, normalise_name

# A title stands among the first lines with words; what comes later is running text.
FIRST_LINES = 15
# Lines without words do not count, but cost: what comes after this many code points is no title either.
_HEAD = 10_000
_LONGEST_TITLE = 80
_MOST_WORDS = 7
# Natural log-odds: a line that is the name itself, and one that begins or ends with it.
WHOLE_LINE = 2.0
PART_OF_LINE = 1.0
_LINE = re.compile(r"[^\n\f]+")


def read_titles(stage: str, page: Page, offset: int, pack: TaxonomyPack, trust: float = 1.0) -> Finding:
    """The strongest heading of a page whose text starts at `offset` of the document text.

    `trust`, 0 to 1, scales what it is worth (the page's OCR confidence).
    """
    marks = sorted(_marks(page.text, offset, pack, trust), key=lambda mark: (-mark.weight, mark.start))
    if not marks:
        return no_finding(stage, StageState.COMPLETED, "no heading names a category")
    best = marks[0]
    quote = page.text[best.start - offset : best.end - offset]
    kind = "is" if best.weight == WHOLE_LINE * trust else "holds"
    detail = f"a heading of {len(quote)} characters {kind} the category's name"
    return finding(stage, {best.category: best.weight}, (best,), detail)


def _marks(text: str, offset: int, pack: TaxonomyPack, trust: float) -> Iterator[Mark]:
    for start, line in _first_lines(text):
        # "E-mail:" or "Tax:" label a field.
        named = None if line.endswith(":") else _named(normalise_name(line), pack)
        if named is not None:
            category, weight = named
            yield Mark(category, weight * trust, offset + start, offset + start + len(line))


def _first_lines(text: str) -> Iterator[tuple[int, str]]:
    """The first lines with a letter or digit, stripped, with their places in the text."""
    count = 0
    for match in _LINE.finditer(text, 0, _HEAD):
        line = match.group().strip()
        if any(map(str.isalnum, line)):
            yield match.start() + match.group().index(line), line
            count += 1
        if count == FIRST_LINES:
            return


def _named(line: str, pack: TaxonomyPack) -> tuple[str, float] | None:
    """The category a normalised line names and what that is worth."""
    if not line or len(line) > _LONGEST_TITLE or line.count(" ") >= _MOST_WORDS:
        return None
    words = line.split()
    if words[0] not in pack.first_words and words[-1] not in pack.last_words:
        return None
    for length in range(min(len(words), pack.most_words), 0, -1):
        for part in (words[:length], words[-length:]):
            category = pack.names.get(" ".join(part))
            # A short word at the edge of a longer line ("id", "po", "brief") means nothing.
            if category is None or _is_no_title(category) or (length < len(words) and length == 1):
                continue
            return category, WHOLE_LINE if length == len(words) else PART_OF_LINE
    return None


def _is_no_title(category: str) -> bool:
    """Branches at the top ("tax", "legal") name sections, and nobody writes "other" over a document."""
    return "/" not in category or category.startswith("meta/")
