"""A document as a PDF that can be searched: recognised words lie on their pages as invisible text.

A PDF keeps its pages as they are, those that were recognised get their words; an image becomes a page with its words.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image
from PIL.ExifTags import Base

from heron_grpc.domain.document import Page, ReadRequest, TextSource
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Piece, Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.invisible_words import InvisibleWords
from heron_grpc.reading.ocr.page_image import turned
from heron_grpc.reading.pdf_file import open_pdf
from heron_grpc.reading.read_document import read_document
from heron_grpc.reading.visible_pages import open_pages, visible_media_type
from heron_grpc.settings import MIB, ReadingSettings

# Longest side of a page where an image does not know its own size, in points; and of any page (ISO 32000-2, Annex C).
_A4_SIDE, _LONGEST_SIDE = 842.0, 14_400.0
_PLAUSIBLE_DPI = range(50, 2401)
_POINTS_PER_INCH = 72
_MOST_SIDE = 10_000
# Kept without loss up to here, some 8 MB packed.
_MOST_LOSSLESS_PIXELS = 20_000_000
_LOSSY = frozenset({types.JPEG, types.WEBP, types.HEIC})
_QUALITY = 90
_PIECE_BYTES = 1 * MIB


def with_searchable_pdf(request: ReadRequest, settings: ReadingSettings) -> Iterator[Step]:
    """The steps of reading the file, then the PDF in pieces. Blocks; to be called where it can be killed.

    Raises as `read_document` does, and UnsupportedMediaType at once for a format without pages to look at.
    """
    media_type = visible_media_type(request.path, request.filename)
    recognised: dict[int, Page] = {}
    for step in read_document(replace(request, with_words=True, all_words=True), settings):
        if not isinstance(step, Page):
            yield step
            continue
        if not step.part and (page := _recognised(step)).words:
            recognised[step.number] = page
        yield step if request.with_words else replace(step, words=())
    if media_type == types.PDF:
        yield from _pieces(_with_words(request, recognised))
    else:
        yield from _pieces(_of_images(request, media_type, recognised, settings))


def _recognised(page: Page) -> Page:
    """With the words alone that its own text does not hold, where it was not recognised whole: its pictures'."""
    if page.source is TextSource.OCR:
        return page
    return replace(page, words=tuple(word for word in page.words if word.confidence < 1))


def _with_words(request: ReadRequest, recognised: Mapping[int, Page]) -> bytes:
    """The PDF itself; as it came when nothing had to be recognised."""
    if not recognised:
        return Path(request.path).read_bytes()
    with open_pdf(request.path, request.password) as file:
        with closing(InvisibleWords(file.document)) as words:
            for number, read in recognised.items():
                with closing(file.document[number - 1]) as page:
                    words.write(page, read, read.rotation)
        return _saved(file.document)


def _of_images(
    request: ReadRequest, media_type: str, recognised: Mapping[int, Page], settings: ReadingSettings
) -> bytes:
    with (
        open_pages(request.path, media_type, request.password, settings) as pages,
        closing(pdfium.PdfDocument.new()) as document,
    ):
        with closing(InvisibleWords(document)) as words:
            for number in range(1, pages.count + 1):
                read = recognised.get(number)
                image = turned(pages.draw(number, _MOST_SIDE), read.rotation if read else 0)
                with closing(_new_page(document, image, _as_stored(request.path, media_type, image))) as page:
                    if read:
                        words.write(page, read, rotation=0)
        return _saved(document)


def _new_page(document: pdfium.PdfDocument, image: Image.Image, jpeg: bytes) -> pdfium.PdfPage:
    """A page that is the picture."""
    width, height = _size(image)
    picture = pdfium.PdfImage.new(document)
    if jpeg:
        picture.load_jpeg(BytesIO(jpeg), inline=True)
    else:
        with closing(pdfium.PdfBitmap.from_pil(image)) as bitmap:
            picture.set_bitmap(bitmap)
    picture.set_matrix(pdfium.PdfMatrix().scale(width, height))
    page = document.new_page(width, height)
    page.insert_obj(picture)
    page.gen_content()
    return page


def _size(image: Image.Image) -> tuple[float, float]:
    """In points."""
    dpi = round(image.info.get("dpi", (0, 0))[0] or 0)
    scale = _POINTS_PER_INCH / dpi if dpi in _PLAUSIBLE_DPI else _A4_SIDE / max(image.size)
    scale = min(scale, _LONGEST_SIDE / max(image.size))
    return image.width * scale, image.height * scale


def _as_stored(path: str, media_type: str, image: Image.Image) -> bytes:
    """The picture as JPEG, its own bytes where they can be used; empty for what is to be kept without loss."""
    if media_type == types.JPEG:
        with Image.open(path, formats=("JPEG",)) as own:
            upright = own.getexif().get(Base.Orientation, 1) == 1 and own.size == image.size
            if upright and own.mode == image.mode:
                return Path(path).read_bytes()
    if media_type not in _LOSSY and image.width * image.height <= _MOST_LOSSLESS_PIXELS:
        return b""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _saved(document: pdfium.PdfDocument) -> bytes:
    buffer = BytesIO()
    try:
        document.save(buffer)
    except pdfium.PdfiumError as error:
        raise CorruptDocument("the PDF cannot be written again") from error
    return buffer.getvalue()


def _pieces(data: bytes) -> Iterator[Step]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield Piece(data[start : start + _PIECE_BYTES])
