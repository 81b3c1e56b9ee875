"""Which numbers a reading may hold: readers' slips are mended by it, and answers of children refused."""

from heron_grpc.domain.document import Page, Word

# Characters of a table's cell, and the cells of all tables of a document.
LONGEST_CELL = 131_072
MOST_CELLS = 200_000
MOST_PAGES = 10_000_000
# Points or pixels.
_LONGEST_SIDE = 1e9
_ROTATIONS = frozenset({0, 90, 180, 270})


def is_sound_page(page: Page) -> bool:
    """Whether number, size, rotation and shares can be; its words are looked at one by one."""
    return (
        1 <= page.number <= MOST_PAGES
        and has_sound_size(page)
        and page.rotation in _ROTATIONS
        and 0 <= page.ocr_confidence <= 1
        and 0 <= page.quality <= 1
        and 0 <= page.language_confidence <= 1
        and page.part >= 0
    )


def has_sound_size(page: Page) -> bool:
    """Neither negative nor infinite nor no number at all."""
    return 0 <= page.width <= _LONGEST_SIDE and 0 <= page.height <= _LONGEST_SIDE


def is_sound_word(word: Word, chars: int) -> bool:
    """Whether it lies in its page's text of `chars` characters and on the page."""
    box = word.box
    return (
        0 <= word.start < word.end <= chars
        and 0 <= box.x_min <= box.x_max <= 1
        and 0 <= box.y_min <= box.y_max <= 1
        and 0 <= word.confidence <= 1
    )
