"""Photographs and scans."""

import math
import struct
from collections.abc import Iterator
from itertools import count

from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base

from heron_grpc.domain.document import DocumentWarning, Page, PageLook, TextSource
from heron_grpc.domain.errors import CorruptDocument, DocumentError, ReadingLimitExceeded
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.ocr.page_image import MOST_PIXELS, to_grey
from heron_grpc.reading.ocr.recognition import PageImage, PageJob, Recognition
from heron_grpc.reading.page_look import watched
from heron_grpc.reading.page_selection import STAGE, select_pages
from heron_grpc.reading.reader import ReadOptions

# JPEG includes MPO, JPEG with a second picture, as phones write it.
_FORMATS = {
    types.JPEG: "JPEG",
    types.PNG: "PNG",
    types.TIFF: "TIFF",
    types.WEBP: "WEBP",
    types.HEIC: "HEIF",
    types.BMP: "BMP",
    types.GIF: "GIF",
}
# Formats whose pictures are pages; those of the others are an animation.
_PAGED = frozenset({types.TIFF, types.HEIC})
# Pixels: a line of legible print is some 20 high.
_LEAST_WIDTH, _LEAST_HEIGHT = 100, 40
# TIFF 6.0, NewSubfileType: a smaller version of another picture, a mask.
_NO_PAGE = 0b101
_EXIF_FIELDS = {
    "software": Base.Software,
    "description": Base.ImageDescription,
    "date": Base.DateTime,
    "make": Base.Make,
    "model": Base.Model,
}
# What EXIF's orientations ask for.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Outside this range the file's own figure is a default somebody forgot.
_PLAUSIBLE_DPI = range(100, 1201)
# What Pillow raises for truncated and inconsistent files, oversized text chunks included.
_DAMAGE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    struct.error,
)


def read_image(path: str, options: ReadOptions) -> Iterator[Step]:
    """A page for each picture of a TIFF or HEIC, one for other formats, their text recognised.

    Colours are only made grey: their profiles change how they look, not what is written in them.
    An icon inside another document has no page.
    Raises CorruptDocument when nothing can be decoded, and ReadingLimitExceeded for too many pixels.
    """
    image = open_image(path, options.media_type)
    with image:
        frames, is_whole = page_frames(image, options.media_type, options.settings.max_pages)
        if len(frames) == 1:
            # A PNG is decoded to find what EXIF says of it.
            _check_size(image.size, options.settings.max_image_pixels)
        yield Metadata(_metadata(image))
        if options.part and len(frames) == 1 and _is_icon(image):
            return
        numbers, warnings = select_pages(len(frames), options)
        yield from (*warnings, *_left_out(image, options.media_type, is_whole=is_whole))
        pictures = _Pictures(image, options, is_alone=len(frames) == 1)
        yield from pictures.recognition.in_order(pictures.page(number, frames[number - 1]) for number in numbers)
        yield from pictures.looks
        yield from (*pictures.warnings, *pictures.recognition.warnings)


def open_image(path: str, media_type: str) -> Image.Image:
    """Nothing decoded yet. Raises CorruptDocument."""
    # Pillow warns about sizes that are refused here, before a pixel is decoded.
    Image.MAX_IMAGE_PIXELS = None
    if media_type == types.HEIC:
        import pillow_heif  # noqa: PLC0415  its codecs take as long to load as most documents to read

        pillow_heif.register_heif_opener()
    try:
        return Image.open(path, formats=(_FORMATS[media_type],))
    except _DAMAGE as error:
        raise CorruptDocument("the image is damaged") from error


def page_frames(image: Image.Image, media_type: str, max_pages: int) -> tuple[list[int], bool]:
    """Which pictures of the file are pages, up to one more than are read, and whether the file is whole."""
    frames: list[int] = []
    if media_type not in _PAGED:
        return [0], True
    for index in count():
        try:
            image.seek(index)
        except EOFError:
            return frames or [0], True
        except _DAMAGE:
            return frames or [0], False
        if not getattr(image, "tag_v2", {}).get(Base.NewSubfileType, 0) & _NO_PAGE:
            frames.append(index)
        if len(frames) > max_pages:
            break
    return frames, True


def _is_icon(image: Image.Image) -> bool:
    """A mail's or page's ornament: with those, each would be a page, and a warning that it says nothing."""
    return image.width < _LEAST_WIDTH or image.height < _LEAST_HEIGHT


def _left_out(image: Image.Image, media_type: str, *, is_whole: bool) -> Iterator[DocumentWarning]:
    if not is_whole:
        yield DocumentWarning("DOCUMENT_INCOMPLETE", "the file breaks off: what followed is missing", STAGE)
    # A JPEG's second picture is the first in another exposure.
    if media_type not in _PAGED | {types.JPEG} and getattr(image, "is_animated", False):
        yield DocumentWarning("FRAMES_LEFT_OUT", "only the first picture of the animation was read", STAGE)


class _Pictures:
    """Makes pages of a file's pictures."""

    def __init__(self, image: Image.Image, options: ReadOptions, *, is_alone: bool) -> None:
        self._image = image
        self._max_pixels = options.settings.max_image_pixels
        self._is_alone = is_alone
        # Whether the next page is one to look at, and its look.
        self._looks_on = options.look_chars > 0 and not options.part
        self.looks: list[PageLook] = []
        self.recognition = Recognition(options)
        self.warnings: list[DocumentWarning] = []

    def page(self, number: int, frame: int) -> Page | PageJob:
        """A picture to be recognised, decoded; among others an empty page with a warning where that fails."""
        try:
            return self._job(number, frame)
        except DocumentError as problem:
            if self._is_alone:
                raise
            self.warnings.append(DocumentWarning("PAGE_DAMAGED", problem.message, STAGE, number))
            return Page(number, "", source=TextSource.NONE)

    def _job(self, number: int, frame: int) -> PageJob:
        try:
            self._image.seek(frame)
            _check_size(self._image.size, self._max_pixels)
            size = _upright_size(self._image)
            drawn = _drawn(self._image) if self.recognition.may_read(number) else PageImage(Image.new("L", (1, 1)))
        except _DAMAGE as error:
            raise CorruptDocument("the image is damaged") from error
        job = PageJob(number, size, lambda: drawn)
        looks_on, self._looks_on = self._looks_on, False
        return watched(job, self.looks.append) if looks_on else job


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise ReadingLimitExceeded("the image has too many pixels", {"limit": "output"})


def _orientation(image: Image.Image) -> int:
    """As EXIF counts; Pillow turns TIFF by itself, libheif HEIC."""
    return 1 if image.format in {"TIFF", "HEIF"} else int(image.getexif().get(Base.Orientation, 1))


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Orientations 5 to 8 lie on their side."""
    return (image.height, image.width) if _orientation(image) in {5, 6, 7, 8} else image.size


def _drawn(image: Image.Image) -> PageImage:
    """Grey and upright, decoded at reduced size where the format can and there is more than recognition uses."""
    width, orientation = image.width, _orientation(image)
    excess = math.sqrt(image.width * image.height / MOST_PIXELS)
    smaller = (max(1, round(image.width / excess)), max(1, round(image.height / excess))) if excess > 1 else image.size
    image.draft("L", smaller)
    image.load()
    dpi = _dpi(image)
    if image.mode == "LAB":
        image = image.getchannel("L")
    elif excess > 1 and image.mode.startswith(("I", "F")):
        # Made grey in floating point, which takes eight bytes a pixel.
        image = image.resize(smaller, Image.Resampling.BOX)
    grey = to_grey(image)
    dpi = round(dpi * grey.width / width)
    return PageImage(grey.transpose(_TURNS[orientation]) if orientation in _TURNS else grey, dpi)


def _dpi(image: Image.Image) -> int:
    value = float(image.info.get("dpi", (0, 0))[0])
    dpi = round(value) if math.isfinite(value) else 0
    return dpi if dpi in _PLAUSIBLE_DPI else 0


def _metadata(image: Image.Image) -> dict[str, str]:
    try:
        exif = image.getexif()
        values = {name: str(exif.get(tag, "")).strip(" \x00") for name, tag in _EXIF_FIELDS.items()}
    except _DAMAGE:
        # What it says of itself may be broken where the picture is not.
        return {}
    return {name: value for name, value in values.items() if value}
