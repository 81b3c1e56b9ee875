"""A page whose text is known."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """What is drawn, and what it looks like."""

    # Of the code that drew it, "tuning" or "held out", or its script.
    half: str
    spoilt_by: str
    text: str
    pixels: Grey
    # Dots per inch; 0 where the file does not tell, as photographs do not.
    dpi: int
    # Clockwise degrees by which it is turned: 0, 90, 180 or 270.
    rotation: int = 0

    def turned(self, degrees: int) -> "DrawnPage":
        """The page turned clockwise by a multiple of 90."""
        pixels = np.ascontiguousarray(np.rot90(self.pixels, -degrees // 90))
        way = f"turned {degrees}" if degrees else self.spoilt_by
        return replace(self, pixels=pixels, rotation=degrees, spoilt_by=way)

    def write(self, path: Path) -> None:
        """A PNG; grey, or of one bit where there is only black and white."""
        image = Image.fromarray(self.pixels)
        if np.isin(self.pixels, (0, 255)).all():
            image = image.convert("1", dither=Image.Dither.NONE)
        image.save(path, "PNG", **({"dpi": (self.dpi, self.dpi)} if self.dpi else {}), compress_level=1)
