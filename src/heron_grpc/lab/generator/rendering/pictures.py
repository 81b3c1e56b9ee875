"""Pages as scanners and telephones see them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from heron_grpc.domain.document import Box
from heron_grpc.lab.generator.rendering.typefaces import drawable, picture_face
from heron_grpc.lab.generator.rendering.typesetting import CARD, SetPages

Pixels = NDArray[np.uint8]
_POINTS_AN_INCH = 72


@dataclass(frozen=True, slots=True)
class Picture:
    """Grey pixels (height, width) and the (3, 3) homography that brought the drawn page's fractions to its own."""

    pixels: Pixels
    moved: NDArray[np.float64]

    def box(self, box: Box) -> Box:
        """Where a box of the drawn page lies now, upright, within the picture."""
        corners = np.array([[[x, y] for x in (box.x_min, box.x_max) for y in (box.y_min, box.y_max)]])
        found = np.clip(cv2.perspectiveTransform(corners, self.moved)[0], 0.0, 1.0)
        return Box(*map(float, found.min(axis=0)), *map(float, found.max(axis=0)))

    def jpeg(self, quality: int) -> bytes:
        """As a JPEG file."""
        return bytes(cv2.imencode(".jpg", self.pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1])


def scanned(pages: SetPages, random: Random) -> list[Picture]:
    """As a flatbed or fax gives them: turned a little, noisy, sometimes black and white."""
    dpi, angle = random.choice((150, 200, 300)), random.uniform(-1.2, 1.2)
    noise, is_fax, tone = random.uniform(0, 14), random.random() < 0.15, random.randint(225, 255)
    made = []
    for page in range(pages.pages):
        drawn = _drawn(pages, page, dpi, paper=tone)
        height, width = drawn.shape
        turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0), (0, 0, 1)])
        turned = cv2.warpPerspective(drawn, turn, (width, height), borderValue=tone)
        worn = _noisy(np.asarray(turned, np.uint8), noise, random)
        made.append(Picture(_black_and_white(worn) if is_fax else worn, _fractions(turn, drawn, worn)))
    return made


def photographed(pages: SetPages, random: Random) -> Picture:
    """The first page on a table: seen at an angle, unevenly lit, not quite sharp."""
    drawn = _drawn(pages, 0, random.randint(130, 220), paper=random.randint(225, 250))
    height, width = drawn.shape
    margin = int(random.uniform(0.02, 0.12) * max(height, width))
    size = (width + 2 * margin, height + 2 * margin)
    tilt = 0.02 * max(height, width)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    seen = corners + np.array([[random.uniform(-tilt, tilt) + margin for _ in "xy"] for _ in corners], np.float32)
    view = np.asarray(cv2.getPerspectiveTransform(corners, seen), np.float64)
    ground = random.choice((60, 96, 140, 190))
    taken = cv2.warpPerspective(drawn, view, size, flags=cv2.INTER_AREA, borderValue=ground)
    shade = (
        np.linspace(1.0, random.uniform(0.55, 1.0), size[0])[None, :]
        * np.linspace(1.0, random.uniform(0.7, 1.0), size[1])[:, None]
    )
    lit = (taken * (shade[:, ::-1] if random.random() < 0.5 else shade)).astype(np.uint8)
    blurred = cv2.GaussianBlur(lit, (0, 0), random.uniform(0.3, 1.0))
    worn = _noisy(np.asarray(blurred, np.uint8), random.uniform(1, 9), random)
    return Picture(worn, _fractions(view, drawn, worn))


def tiff(pictures: Sequence[Picture]) -> bytes:
    """All pictures as pages of one file."""
    buffer = io.BytesIO()
    first, *rest = (Image.fromarray(picture.pixels) for picture in pictures)
    first.save(buffer, "TIFF", save_all=True, append_images=rest, compression="tiff_lzw")
    return buffer.getvalue()


def png(picture: Picture) -> bytes:
    """As a PNG file."""
    return bytes(cv2.imencode(".png", picture.pixels)[1])


def _drawn(pages: SetPages, page: int, dpi: int, paper: int) -> Pixels:
    scale = dpi / _POINTS_AN_INCH
    width, height = (round(length * scale) for length in pages.size)
    image = Image.new("L", (width, height), paper)
    pen = ImageDraw.Draw(image)
    if pages.size == CARD:
        _card(pen, width, height)
    for run in (run for run in pages.runs if run.page == page):
        face = picture_face(run.face, max(run.size * scale, 6.0))
        pen.text((run.x * scale, run.y * scale), drawable(run.piece.text), fill=30, font=face)
    for _, x_from, y_from, x_to, y_to in (rule for rule in pages.rules if rule[0] == page):
        pen.line((x_from * scale, y_from * scale, x_to * scale, y_to * scale), fill=60, width=max(1, round(scale / 2)))
    return np.asarray(image)


def _card(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """The outline of a card and of somebody's portrait, where cards have no words."""
    pen.rounded_rectangle((2, 2, width - 3, height - 3), height // 14, outline=110, width=3)
    left, top, right, bottom = round(width * 0.76), round(height * 0.3), round(width * 0.96), round(height * 0.8)
    pen.rectangle((left, top, right, bottom), fill=190)
    third = (right - left) // 3
    pen.ellipse((left + third, top + third // 2, right - third, top + 2 * third), fill=130)
    pen.pieslice((left + third // 2, bottom - 2 * third, right - third // 2, bottom + 2 * third), 180, 360, fill=130)


def _fractions(moved: NDArray[np.float64], drawn: Pixels, seen: Pixels) -> NDArray[np.float64]:
    """A homography of pixels as one of fractions of both pictures."""
    before = np.diag([drawn.shape[1], drawn.shape[0], 1.0])
    after = np.diag([1.0 / seen.shape[1], 1.0 / seen.shape[0], 1.0])
    return after @ moved @ before


def _noisy(pixels: Pixels, deviation: float, random: Random) -> Pixels:
    noise = np.random.default_rng(random.getrandbits(32)).normal(0.0, deviation, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _black_and_white(pixels: Pixels) -> Pixels:
    return np.where(pixels > 150, 255, 0).astype(np.uint8)
