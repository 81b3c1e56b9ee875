"""Photographs and scans: JPEG and PNG."""

import math
from collections.abc import Iterator

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

from heron_grpc.domain.errors import CorruptDocument, ReadingLimitExceeded
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.ocr.page_image import MOST_PIXELS
from heron_grpc.reading.ocr.recognition import PageImage, Recognition
from heron_grpc.reading.page_selection import select_pages
from heron_grpc.reading.reader import ReadOptions

# JPEG includes MPO, JPEG with a second picture, as phones write it.
_FORMATS = ("JPEG", "PNG")
_EXIF_FIELDS = {
    "software": Base.Software,
    "description": Base.ImageDescription,
    "date": Base.DateTime,
    "make": Base.Make,
    "model": Base.Model,
}
# Outside this range the file's own figure is a default somebody forgot.
_PLAUSIBLE_DPI = range(100, 1201)


def read_image(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page, its text recognised. Raises CorruptDocument, and ReadingLimitExceeded for too many pixels."""
    numbers, warnings = select_pages(1, options)
    recognition = Recognition(options)
    try:
        # Pillow warns about sizes this function refuses itself, before a pixel is decoded.
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(path, formats=_FORMATS) as image:
            _check_size(image, options.settings.max_image_pixels)
            metadata = _metadata(image)
            size = _upright_size(image)
            upright = _upright(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        # What Pillow raises for truncated and inconsistent files, oversized text chunks included.
        raise CorruptDocument("the image is damaged") from error
    drawn = PageImage(upright, _dpi(upright))
    yield Metadata(metadata)
    yield from warnings
    for number in numbers:
        yield recognition.read(lambda: drawn, number, size)
    yield from recognition.warnings


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise ReadingLimitExceeded("the image has too many pixels", {"limit": "output"})


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """EXIF orientations 5 to 8 lie on their side."""
    is_lying = image.getexif().get(Base.Orientation, 1) in {5, 6, 7, 8}
    return (image.height, image.width) if is_lying else image.size


def _upright(image: Image.Image) -> Image.Image:
    """Decoded, at reduced size where the format can, and turned as EXIF asks."""
    excess = math.sqrt(image.width * image.height / MOST_PIXELS)
    if excess > 1:
        image.draft("L", (round(image.width / excess), round(image.height / excess)))
    image.load()
    return ImageOps.exif_transpose(image)


def _dpi(image: Image.Image) -> int:
    value = image.info.get("dpi", (0, 0))[0]
    dpi = round(value) if math.isfinite(value) else 0
    return dpi if dpi in _PLAUSIBLE_DPI else 0


def _metadata(image: Image.Image) -> dict[str, str]:
    exif = image.getexif()
    values = {name: str(exif.get(tag, "")).strip(" \x00") for name, tag in _EXIF_FIELDS.items()}
    return {name: value for name, value in values.items() if value}
