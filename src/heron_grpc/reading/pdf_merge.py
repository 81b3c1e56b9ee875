"""Two readings of one page as one: words of the second put where they stand among the lines of the first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from heron_grpc.domain.document import Box, Page, Word
from heron_grpc.reading.pdf_view import around


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page; its words' places count from its start."""

    text: str
    words: tuple[Word, ...]
    # Around the words; None without any.
    box: Box | None


def merged(page: Page, other: Page, is_wanted: Callable[[Word], bool]) -> Page:
    """The page with the wanted words of another reading of it, each line of theirs behind the last that is above it.

    Boxes of both are in the same coordinates. The page itself when nothing is wanted.
    """
    added = [line for each in _lines(other) if (line := _only(each, is_wanted)).words]
    if not added:
        return page
    lines = list(_lines(page)) if page.text else []
    for line in added:
        if line.box:
            lines.insert(_place(lines, line.box), line)
    text = "\n".join(line.text for line in lines)
    words = tuple(_moved(lines))
    return replace(page, text=text, words=words, ocr_confidence=fmean(word.confidence for word in words))


def _lines(page: Page) -> Iterator[_Line]:
    """Also those without words."""
    start, words = 0, list(reversed(page.words))
    for text in page.text.split("\n"):
        end = start + len(text)
        inside = []
        while words and words[-1].start < end:
            word = words.pop()
            inside.append(replace(word, start=word.start - start, end=word.end - start))
        yield _line(text, inside)
        start = end + 1


def _only(line: _Line, is_wanted: Callable[[Word], bool]) -> _Line:
    """The words that are wanted, joined by spaces."""
    pieces, words, length = [], [], 0
    for word in filter(is_wanted, line.words):
        pieces.append(line.text[word.start : word.end])
        words.append(replace(word, start=length, end=length + word.end - word.start))
        length += word.end - word.start + 1
    return _line(" ".join(pieces), words)


def _line(text: str, words: Sequence[Word]) -> _Line:
    return _Line(text, tuple(words), around(word.box for word in words) if words else None)


def _place(lines: Sequence[_Line], box: Box) -> int:
    """Behind the last line that ends above the middle of the box: of its column where there are any."""
    middle = (box.y_min + box.y_max) / 2
    above = [(at, line.box) for at, line in enumerate(lines) if line.box and line.box.y_max <= middle]
    beneath = [at for at, other in above if other.x_min < box.x_max and other.x_max > box.x_min]
    return max(beneath or [at for at, _ in above], default=-1) + 1


def _moved(lines: Sequence[_Line]) -> Iterator[Word]:
    """Words of all lines, at their places in the text of all."""
    start = 0
    for line in lines:
        for word in line.words:
            yield replace(word, start=word.start + start, end=word.end + start)
        start += len(line.text) + 1
