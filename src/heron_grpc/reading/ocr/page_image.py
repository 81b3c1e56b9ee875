"""Grey page images: how they are made of pictures, and whether there is anything on them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heron_grpc.domain.ports import OcrImage
from heron_grpc.reading.ocr.view import Grey

# Tesseract gains nothing from more; a letter page at 300 dpi has 8.4 million.
MOST_PIXELS = 12_000_000
_CONTRAST = 40
# Ink of some ten letters on a letter page at 100 dpi.
_LEAST_INK = 2e-5


def to_grey(image: Image.Image) -> Image.Image:
    """8-bit grey, transparency on white, 16-bit scaled down, at most MOST_PIXELS."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _scaled_to_8_bits(image)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    grey = image.convert("L")
    pixels = grey.width * grey.height
    return _resized(grey, (MOST_PIXELS / pixels) ** 0.5) if pixels > MOST_PIXELS else grey


def turned(image: Image.Image, degrees: int) -> Image.Image:
    """Rotated counter-clockwise by a multiple of 90 degrees: undoes a clockwise rotation."""
    ways = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
    return image.transpose(ways[degrees]) if degrees else image


def as_ocr_image(pixels: Grey, dpi: int, *, is_block: bool = False) -> OcrImage:
    """The pixels as engines take them."""
    return OcrImage(np.ascontiguousarray(pixels).tobytes(), pixels.shape[1], pixels.shape[0], dpi, is_block)


def is_blank(pixels: Grey) -> bool:
    """Whether nothing stands out from the background."""
    some = pixels[::2, ::2]
    away = cv2.absdiff(some, np.full_like(some, np.median(some[::2, ::2])))
    return float((away > _CONTRAST).mean()) < _LEAST_INK


def _resized(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _scaled_to_8_bits(image: Image.Image) -> Image.Image:
    values: NDArray[np.float64] = np.asarray(image, dtype=np.float64)
    top = 65535.0 if values.max(initial=0) > 255 else 255.0
    return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
