"""A reading within its limits, and in characters that can travel: every step on its way out of a child."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from heron_grpc.domain.document import DocumentWarning, Page, Part, Table
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.soundness import LONGEST_CELL, MOST_CELLS, has_sound_size, is_sound_word
from heron_grpc.settings import ReadingSettings

# Neither JSON nor protobuf carries surrogates; NUL ends strings in too many places.
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_MOST_WARNINGS = 100
_MOST_METADATA = 100
_LONGEST_NAME = 255
_LONGEST_METADATA = 1000


def bounded(steps: Iterable[Step], settings: ReadingSettings) -> Iterator[Step]:
    """The steps as they may travel; what is left out is said in warnings, and no text at all is explained."""
    return _Bounds(settings.max_text_chars).steps(steps)


class _Bounds:
    """What one document may still say."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = self._chars_left = max_chars
        self._cells_left = MOST_CELLS
        self._metadata_left = _MOST_METADATA
        self._warnings = 0
        self._has_text = self._is_cut = False

    def steps(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            yield from self._step(step)
            if isinstance(step, Page) and self._is_cut:
                break
        if self._warnings > _MOST_WARNINGS:
            yield DocumentWarning("WARNINGS_LEFT_OUT", f"{self._warnings - _MOST_WARNINGS} more warnings", STAGE)
        # A reader that found nothing and did not say why is helped out.
        if not self._has_text and not self._warnings:
            yield DocumentWarning("NO_TEXT_FOUND", "the document holds no text", STAGE)

    def _step(self, step: Step) -> Iterator[Step]:
        match step:
            case Page():
                yield from self._page(_sound(replace(step, text=_clean(step.text))))
            case Table():
                yield from self._table(step)
            case DocumentWarning():
                yield from self._warning(step)
            case Metadata():
                yield self._metadata(step)
            case Part():
                yield replace(step, name=_clean(step.name)[:_LONGEST_NAME])
            case _:
                yield step

    def _page(self, page: Page) -> Iterator[Step]:
        """The page up to the last code point that is kept; a separator counts between pages."""
        left = self._chars_left
        self._chars_left -= len(page.text) + 1
        self._has_text = self._has_text or bool(page.text.strip())
        if len(page.text) <= left:
            yield page
            return
        self._is_cut = True
        if left > 0:
            yield _cut(page, left)
        message = f"only the first {self._max_chars} characters were kept: the limit"
        yield from self._warning(DocumentWarning("TEXT_TRUNCATED", message, STAGE))

    def _table(self, table: Table) -> Iterator[Step]:
        """The table up to the first row that is too much."""
        if self._cells_left < 0:
            return
        for at, row in enumerate(table.rows):
            self._cells_left -= len(row)
            if self._cells_left < 0 or any(len(cell) > LONGEST_CELL for cell in row):
                self._cells_left = -1
                table = replace(table, rows=table.rows[:at])
                message = f"only the first {at} rows of the table were kept: the limit"
                yield from self._warning(DocumentWarning("TABLE_INCOMPLETE", message, STAGE, table.page))
                break
        yield replace(table, rows=tuple(tuple(map(_clean, row)) for row in table.rows))

    def _warning(self, warning: DocumentWarning) -> Iterator[Step]:
        """A document of damaged pages has one for each."""
        self._warnings += 1
        if self._warnings <= _MOST_WARNINGS:
            yield warning

    def _metadata(self, metadata: Metadata) -> Metadata:
        entries = list(metadata.entries.items())[: max(self._metadata_left, 0)]
        self._metadata_left -= len(entries)
        return Metadata({_clean(key)[:100]: _clean(value)[:_LONGEST_METADATA] for key, value in entries})


def _sound(page: Page) -> Page:
    """Without a size or words that cannot be: a damaged page may be of any size. A mean may come out a bit above 1."""
    if max(page.ocr_confidence, page.quality, page.language_confidence) > 1:
        page = replace(
            page,
            ocr_confidence=min(page.ocr_confidence, 1.0),
            quality=min(page.quality, 1.0),
            language_confidence=min(page.language_confidence, 1.0),
        )
    if not has_sound_size(page):
        page = replace(page, width=0.0, height=0.0)
    if not page.words:
        return page
    return replace(page, words=tuple(word for word in page.words if is_sound_word(word, len(page.text))))


def _cut(page: Page, chars: int) -> Page:
    words = tuple(word for word in page.words if word.end <= chars)
    return replace(page, text=page.text[:chars], words=words)


def _clean(text: str) -> str:
    """Characters that cannot travel are replaced one for one, so that word positions stay true."""
    # Asking twice is ten times as fast as looking at each character of a page.
    return text if text.isascii() and "\0" not in text else _UNSENDABLE.sub("\ufffd", text)
