"""The pages of documents that have pages to look at, PDF and images, drawn upright."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Protocol

import pypdfium2 as pdfium
from PIL import Image, ImageOps

from heron_grpc.domain.errors import CorruptDocument, ReadingLimitExceeded, UnsupportedMediaType
from heron_grpc.reading import media_types as types
from heron_grpc.reading.detect import detect
from heron_grpc.reading.image import open_image, page_frames
from heron_grpc.reading.ocr.page_image import to_grey
from heron_grpc.reading.pdf_file import open_pdf
from heron_grpc.reading.pdf_rendering import SlowPage, render
from heron_grpc.settings import ReadingSettings

_IMAGES = frozenset({types.JPEG, types.PNG, types.TIFF, types.WEBP, types.HEIC, types.BMP, types.GIF})


class VisiblePages(Protocol):
    """An open document; pages are counted from 1."""

    @property
    def count(self) -> int:
        """Pages it has."""

    def draw(self, number: int, max_side: int) -> Image.Image:
        """The page in grey or RGB, its longest side at most so many pixels.

        Raises CorruptDocument, and ReadingLimitExceeded for what has too many pixels or takes too long.
        """


def visible_media_type(path: str, name: str) -> str:
    """What the file is. Raises UnsupportedMediaType when its pages cannot be looked at."""
    media_type = detect(path, name)
    if media_type != types.PDF and media_type not in _IMAGES:
        message = f"documents of type {media_type} have no pages to look at"
        raise UnsupportedMediaType(message, {"media_type": media_type})
    return media_type


def open_pages(
    path: str, media_type: str, password: str, settings: ReadingSettings
) -> AbstractContextManager[VisiblePages]:
    """The document at `path`, of a type that `visible_media_type` gave. Raises DocumentError when entered."""
    if media_type == types.PDF:
        return _pdf_pages(path, password, settings)
    return _image_pages(path, media_type, settings)


@contextmanager
def _pdf_pages(path: str, password: str, settings: ReadingSettings) -> Iterator["_PdfPages"]:
    with open_pdf(path, password) as file:
        yield _PdfPages(file.document, settings)


class _PdfPages:
    def __init__(self, document: pdfium.PdfDocument, settings: ReadingSettings) -> None:
        self._document = document
        self._settings = settings

    @property
    def count(self) -> int:
        return len(self._document)

    def draw(self, number: int, max_side: int) -> Image.Image:
        try:
            with closing(self._document[number - 1]) as page:
                return render(page, max_side / max(*page.get_size(), 1.0), self._settings)
        except (pdfium.PdfiumError, ValueError) as error:
            raise CorruptDocument("the page cannot be drawn") from error
        except SlowPage as error:
            raise ReadingLimitExceeded("the page takes too long to be drawn", {"limit": "cpu"}) from error


@contextmanager
def _image_pages(path: str, media_type: str, settings: ReadingSettings) -> Iterator["_ImagePages"]:
    with open_image(path, media_type) as image:
        frames, _ = page_frames(image, media_type, settings.max_pages)
        yield _ImagePages(image, frames, settings.max_image_pixels)


class _ImagePages:
    def __init__(self, image: Image.Image, frames: Sequence[int], max_pixels: int) -> None:
        self._image = image
        self._frames = frames
        self._max_pixels = max_pixels

    @property
    def count(self) -> int:
        return len(self._frames)

    def draw(self, number: int, max_side: int) -> Image.Image:
        image = self._image
        try:
            image.seek(self._frames[number - 1])
            if image.width * image.height > self._max_pixels:
                raise ReadingLimitExceeded("the image has too many pixels", {"limit": "output"})
            factor = max_side / max(image.size)
            if factor < 1:
                image.draft(None, (math.ceil(image.width * factor), math.ceil(image.height * factor)))
            upright = ImageOps.exif_transpose(_in_colours(image))
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            # What Pillow raises for truncated and inconsistent files.
            raise CorruptDocument("the image is damaged") from error
        upright.thumbnail((max_side, max_side))
        return upright


def _in_colours(image: Image.Image) -> Image.Image:
    """As any format stores it, transparency on white."""
    if image.mode in {"L", "RGB"} and "transparency" not in image.info:
        return image
    if image.mode in {"1", "F", "LA", "La", "L"} or image.mode.startswith("I"):
        return to_grey(image)
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
