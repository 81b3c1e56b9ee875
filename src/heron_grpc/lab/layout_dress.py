"""What real pages have beside their text: room between lines, letterheads, footers, rulings, and words nobody wrote."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from heron_grpc.domain.document import Box
from heron_grpc.lab.generator.rendering.lines import Piece
from heron_grpc.lab.generator.rendering.typefaces import BOLD, REGULAR
from heron_grpc.lab.generator.rendering.typesetting import SLIP, Run, SetPages

# Where text that is not the document's begins: far behind its own.
_STRANGE = 10_000_000
_LETTERHEAD, _LOGO, _FOOTER, _RULED = 0.55, 0.4, 0.6, 0.35
# Most words beside those written, as a share of them, and letters they are made of.
_MOST_FOUND = 0.25
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:-/|"


def spread(pages: SetPages, random: Random) -> None:
    """Spreads the text over more of the page than it needs, or makes room at its top."""
    height = pages.size[1]
    bottom = max((run.y + run.size * 1.3 for run in pages.runs if run.page == 0), default=height)
    free = height * random.uniform(0.85, 0.98) / max(bottom, 1.0)
    if pages.size[0] == SLIP[0] or free <= 1 or random.random() < 0.25:
        return
    factor = random.uniform(1.0, min(free, 2.5))
    down = random.uniform(0.0, max(height * 0.95 - bottom * factor, 0.0)) if random.random() < 0.5 else 0.0
    pages.runs = [replace(run, y=run.y * factor + down) for run in pages.runs]
    pages.rules = [(page, x, y * factor + down, x_to, y_to * factor + down) for page, x, y, x_to, y_to in pages.rules]


def dress(pages: SetPages, random: Random) -> None:
    """A letterhead, a logo, a footer and rulings, each now and then."""
    words = [word.text for run in pages.runs[:60] for word in run.piece.words()] or ["-"]
    writer = _Writer(pages, words, random)
    width, height = pages.size
    first = min((run.y for run in pages.runs if run.page == 0), default=0.0)
    if random.random() < _LETTERHEAD:
        lines, size = random.randint(1, 4), random.uniform(6, 12)
        down = max(0.0, 20 + lines * size * 1.4 - first) + random.uniform(0, 0.06) * height
        pages.runs = [replace(run, y=run.y + down) for run in pages.runs if run.page or run.y + down < height * 0.97]
        pages.rules = [(page, x, y + down, x_to, y_to + down) for page, x, y, x_to, y_to in pages.rules]
        writer.block(random.choice((0.06, 0.4, 0.62)) * width, 18.0, lines, size, BOLD)
    if random.random() < _LOGO:
        left, top = random.choice((0.06, 0.42, 0.75)) * width, random.uniform(10, 30)
        wide, high = random.uniform(0.05, 0.2) * width, round(random.uniform(12, 50))
        pages.rules += [(0, left, top + row, left + wide, top + row) for row in range(high)]
    if random.random() < _FOOTER:
        columns, lines, size = random.randint(1, 4), random.randint(1, 4), random.uniform(5, 7.5)
        top = height - 14 - lines * size * 1.35
        if random.random() < 0.4:
            pages.rules.append((0, 0.06 * width, top - 3, 0.94 * width, top - 3))
        for column in range(columns):
            writer.block((0.06 + 0.9 * column / columns) * width, top, lines, size, REGULAR)
    if random.random() < _RULED:
        _rule_rows(pages, random)


def lost_and_found(texts: Sequence[str], boxes: Sequence[Box], random: Random) -> tuple[list[str], list[Box]]:
    """The words with some more that recognition sees in patterns, stains and pictures."""
    more = round(len(texts) * random.uniform(0, _MOST_FOUND)) + random.randint(0, 3)
    height = sum(box.y_max - box.y_min for box in boxes) / len(boxes) if boxes else 0.03
    all_texts, all_boxes = list(texts), list(boxes)
    for _ in range(more if texts and random.random() < 0.6 else 0):
        text = "".join(random.choices(_SIGNS, k=random.randint(1, 4)))
        high = height * random.uniform(0.5, 2.2)
        x, y = random.uniform(0, 0.95), random.uniform(0, 0.95)
        all_texts.append(text)
        all_boxes.append(Box(x, y, min(1.0, x + high * 0.6 * len(text)), min(1.0, y + high)))
    return all_texts, all_boxes


def _rule_rows(pages: SetPages, random: Random) -> None:
    """Rulings under some rows, a box around some."""
    left, right = 0.07 * pages.size[0], 0.93 * pages.size[0]
    rows = sorted({round(run.y + run.size * 1.15, 1) for run in pages.runs if run.page == 0})
    begin = random.randrange(len(rows)) if rows else 0
    chosen = rows[begin : begin + random.randint(1, 14)]
    pages.rules += [(0, left, y, right, y) for y in chosen]
    if len(chosen) > 1 and random.random() < 0.5:
        sides = (left, right, *(left + (right - left) * random.random() for _ in range(random.randint(0, 4))))
        pages.rules += [(0, x, chosen[0], x, chosen[-1]) for x in sides]


class _Writer:
    """Writes lines of the document's own words where they do not belong."""

    def __init__(self, pages: SetPages, words: Sequence[str], random: Random) -> None:
        self._pages, self._words, self._random = pages, words, random
        self._at = _STRANGE

    def block(self, x: float, y: float, lines: int, size: float, face: str) -> None:
        for line in range(lines):
            text = " ".join(self._random.choices(self._words, k=self._random.randint(1, 5)))[:40]
            self._pages.runs.append(Run(0, x, y + line * size * 1.35, Piece(text, self._at), face, size))
            self._at += len(text) + 1
