"""The look of a PDF page with a text layer: drawn very small, and only where that is quick."""

from dataclasses import replace

import pypdfium2 as pdfium

from heron_grpc.domain.document import Page, PageLook
from heron_grpc.reading.page_look import SIDE, look_at
from heron_grpc.reading.pdf_objects import Drawn
from heron_grpc.reading.pdf_rendering import SlowPage, render
from heron_grpc.reading.pdf_text import read_text_layer
from heron_grpc.settings import ReadingSettings

# A page with less text of its own is drawn to be recognised, if it is recognised at all.
_SHORT_TEXT = 400
# Pictures are decoded whole, however small they are drawn: 2 million pixels take some 10 ms.
_MOST_PIXELS = 2_000_000
_MOST_S = 0.03


def is_scan(page: Page) -> bool:
    """Whether recognition looks at the whole page, not only at the pictures beside its text."""
    return len(page.text) < _SHORT_TEXT


def look_at_page(page: pdfium.PdfPage, found: Page, drawn: Drawn, settings: ReadingSettings) -> list[PageLook]:
    """The look of the page whose text is `found`; none where it can be drawn only slowly; 2 to 4 ms."""
    pixels = sum(picture.width * picture.height for picture in drawn.pictures)
    if pixels > _MOST_PIXELS:
        return []
    try:
        image = render(page, SIDE / max(*page.get_size(), 1.0), settings, grey=True, most_s=_MOST_S)
    except (SlowPage, pdfium.PdfiumError, ValueError):
        return []
    if found.text and not found.words:
        layer = read_text_layer(page, settings.max_text_chars + 1, with_words=True)
        found = replace(found, text=layer.text, words=layer.words)
    look = look_at(image, found)
    return [look] if look else []
