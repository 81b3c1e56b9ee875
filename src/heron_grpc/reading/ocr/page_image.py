"""Grey page images: how they are made, turned and looked at before recognition."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from heron_grpc.domain.ports import OcrImage

# Tesseract gains nothing from more; a letter page at 300 dpi has 8.4 million.
MOST_PIXELS = 12_000_000
_CONTRAST = 40
# Ink of some ten letters on a letter page at 100 dpi.
_LEAST_INK = 2e-5
_AXIS_SIDE = 600
# Brightness below the neighbourhood's that counts as ink: the neighbourhood is 25 pixels wide.
_INK_BELOW = 15
_NEIGHBOURHOOD = 12
_STRIP_PIXELS = 150
_STRIP_SHARE = 0.2


def to_grey(image: Image.Image) -> Image.Image:
    """8-bit grey, transparency on white, 16-bit scaled down, at most MOST_PIXELS."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _scaled_to_8_bits(image)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    grey = image.convert("L")
    pixels = grey.width * grey.height
    return resized(grey, (MOST_PIXELS / pixels) ** 0.5) if pixels > MOST_PIXELS else grey


def resized(image: Image.Image, factor: float) -> Image.Image:
    """Both sides times `factor`, at least one pixel."""
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def turned(image: Image.Image, degrees: int) -> Image.Image:
    """Rotated counter-clockwise by a multiple of 90 degrees: undoes a clockwise rotation."""
    ways = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
    return image.transpose(ways[degrees]) if degrees else image


def as_ocr_image(image: Image.Image, dpi: int) -> OcrImage:
    """The pixels as engines take them."""
    return OcrImage(image.tobytes(), image.width, image.height, dpi)


def is_blank(image: Image.Image) -> bool:
    """Whether nothing stands out from the background."""
    grey = _pixels(image).astype(np.int16)
    return float((np.abs(grey - np.median(grey)) > _CONTRAST).mean()) < _LEAST_INK


def lines_run_down(image: Image.Image) -> bool:
    """Whether text lines seem to run from top to bottom: columns of pixels differ more than rows do."""
    ink = _ink(image)
    rows, columns = np.diff(ink.mean(axis=1)), np.diff(ink.mean(axis=0))
    if not rows.size or not columns.size:
        return False
    return bool((columns**2).mean() > (rows**2).mean())


def densest_strip(image: Image.Image) -> Image.Image:
    """The horizontal band with the most ink, a fifth of the height."""
    height = min(image.height, max(_STRIP_PIXELS, round(image.height * _STRIP_SHARE)))
    grey = _pixels(image)
    ink = (grey < np.median(grey) - 30).mean(axis=1)
    sums = np.convolve(ink, np.ones(height), "valid")
    top = int(np.argmax(sums))
    return image.crop((0, top, image.width, top + height))


def _ink(image: Image.Image) -> NDArray[np.float32]:
    factor = _AXIS_SIDE / max(image.size)
    small = resized(image, factor) if factor < 1 else image
    around = _pixels(small.filter(ImageFilter.BoxBlur(_NEIGHBOURHOOD))).astype(np.int16)
    return (_pixels(small).astype(np.int16) < around - _INK_BELOW).astype(np.float32)


def _scaled_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    top = 65535.0 if values.max(initial=0) > 255 else 255.0
    return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8)
