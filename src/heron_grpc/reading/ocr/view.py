"""A page image on its way to an engine, and where its pixels lie on the page."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from heron_grpc.domain.document import Box, Page, Word

Grey = NDArray[np.uint8]
_RIGHT_ANGLE = 90


@dataclass(frozen=True, slots=True)
class View:
    """8-bit grey pixels (height, width); `to_page` is the 2 x 3 affine map from them to the upright page's pixels."""

    pixels: Grey
    # 0 when unknown.
    dpi: int
    to_page: NDArray[np.float64]
    # Width and height of the upright page in its own pixels.
    page_size: tuple[int, int]

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    def with_pixels(self, pixels: Grey) -> "View":
        """Of the same places."""
        return replace(self, pixels=pixels)

    def cropped(self, left: int, top: int, right: int, bottom: int) -> "View":
        """A part, right and bottom exclusive."""
        return self._mapped(self.pixels[top:bottom, left:right], np.array([[1, 0, left], [0, 1, top]], np.float64))

    def scaled(self, factor: float) -> "View":
        """Both sides times `factor`, at least one pixel."""
        size = (max(1, round(self.width * factor)), max(1, round(self.height * factor)))
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        pixels = cv2.resize(self.pixels, size, interpolation=way)
        back = np.array([[self.width / size[0], 0, 0], [0, self.height / size[1], 0]], np.float64)
        return replace(self._mapped(_grey(pixels), back), dpi=round(self.dpi * factor))

    def rotated(self, degrees: float) -> "View":
        """Turned counter-clockwise by a small angle, enlarged to hold everything, the new corners as the paper."""
        width, height = self.width, self.height
        turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1), np.float64)
        cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
        size = (int(height * sine + width * cosine), int(height * cosine + width * sine))
        turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
        paper = int(np.median(self.pixels[::8, ::8]))
        pixels = cv2.warpAffine(self.pixels, turn, size, flags=cv2.INTER_CUBIC, borderValue=paper)
        return self._mapped(_grey(pixels), np.asarray(cv2.invertAffineTransform(turn), np.float64))

    def placed(self, page: Page) -> Page:
        """What was recognised in this view, its boxes as fractions of the upright page."""
        if not page.words:
            return page
        corners = np.array([_corners(word.box) for word in page.words]) * (self.width, self.height)
        places = (corners @ self.to_page[:, :2].T + self.to_page[:, 2]) / self.page_size
        least, most = np.clip(places.min(axis=1), 0, 1).tolist(), np.clip(places.max(axis=1), 0, 1).tolist()
        words = (
            Word(word.start, word.end, Box(*low, *high), word.confidence)
            for word, low, high in zip(page.words, least, most, strict=True)
        )
        return replace(page, words=tuple(words))

    def _mapped(self, pixels: Grey, to_this: NDArray[np.float64]) -> "View":
        """Other pixels, which `to_this` maps to this view's."""
        linear, shift = self.to_page[:, :2], self.to_page[:, 2]
        to_page = np.column_stack((linear @ to_this[:, :2], linear @ to_this[:, 2] + shift))
        return replace(self, pixels=pixels, to_page=to_page)


def whole_page(pixels: Grey, dpi: int, rotation: int = 0) -> View:
    """All of an image that is turned clockwise by `rotation` degrees, a multiple of 90: turned back."""
    upright = np.ascontiguousarray(np.rot90(pixels, rotation // _RIGHT_ANGLE)) if rotation else pixels
    size = (upright.shape[1], upright.shape[0])
    return View(upright, dpi, np.array([[1, 0, 0], [0, 1, 0]], np.float64), size)


def reduced(pixels: Grey, side: int) -> Grey:
    """With a longer side of at most so many pixels."""
    factor = min(1.0, side / max(pixels.shape))
    return _grey(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)) if factor < 1 else pixels


def _grey(pixels: cv2.typing.MatLike) -> Grey:
    return np.ascontiguousarray(pixels, np.uint8)


def _corners(box: Box) -> list[tuple[float, float]]:
    return [(box.x_min, box.y_min), (box.x_max, box.y_min), (box.x_max, box.y_max), (box.x_min, box.y_max)]
