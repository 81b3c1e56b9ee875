"""The half that clean-up may be tuned on: pages set with Pillow, spoilt with NumPy and Pillow."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.accuracy.ocr import faces, wording
from benchmarks.accuracy.ocr.drawn_page import DrawnPage

HALF = "tuning"
FACES = ("DejaVuSans", "DejaVuSerif", "DejaVuSansCondensed", "DejaVuSansMono", "Vera", "DejaVuSerifCondensed")
# A4, inches.
_PAGE = (8.27, 11.69)
_MARGIN = 0.9
_POINT = 1 / 72
_DPI = (150, 200, 300)
_LOW_DPI = (100, 120)
_PAPER, _INK = 250, 25
# Of a table, as fractions of the width.
_COLUMNS = (0.0, 0.5, 0.68, 0.84)

# A page, a source of noise, and how much: 1 is what people still read with ease.
Spoil = Callable[[Image.Image, np.random.Generator, float], Image.Image]


@dataclass(slots=True)
class _Sheet:
    """A page being set: lines go below each other, `lines` gathers what was written."""

    image: Image.Image
    font: ImageFont.FreeTypeFont
    x: float
    y: float
    lines: list[str] = field(default_factory=list)

    @property
    def _bottom(self) -> float:
        return self.image.height - self.x

    def write(self, text: str, *, gap: float = 0.35) -> None:
        """One line, wrapped where it is too long; what does not fit the page is left out."""
        width = self.image.width - 2 * self.x
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and self.font.getlength(longer) > width:
                self._put([(0.0, line)], gap)
                longer = word
            line = longer
        self._put([(0.0, line)], gap)

    def row(self, cells: tuple[str, ...], places: tuple[float, ...]) -> None:
        """Cells at fractions of the width."""
        width = self.image.width - 2 * self.x
        self._put([(place * width, cell) for place, cell in zip(places, cells, strict=True)], 0.4)

    def rule(self, top: float, places: tuple[float, ...]) -> None:
        """A grid around the rows since `top`, between the places and at both edges."""
        pen, pad = ImageDraw.Draw(self.image), 0.3 * self.font.size
        width, bottom = self.image.width - 2 * self.x, self.y - 0.4 * self.font.size
        for place in (*places, 1.0):
            x = self.x - pad + place * width
            pen.line((x, top - pad, x, bottom + pad), fill=_INK, width=max(1, self.image.width // 1000))
        for y in (top - pad, top + 1.2 * self.font.size, bottom + pad):
            pen.line((self.x - pad, y, self.x - pad + width, y), fill=_INK, width=max(1, self.image.width // 1000))

    def skip(self, lines: float) -> None:
        """Leaves space."""
        self.y += lines * self.font.size

    def _put(self, pieces: list[tuple[float, str]], gap: float) -> None:
        if self.y + 1.3 * self.font.size > self._bottom:
            return
        pen = ImageDraw.Draw(self.image)
        for place, piece in pieces:
            pen.text((self.x + place, self.y), piece, font=self.font, fill=_INK)
        self.lines.append(" ".join(piece for _, piece in pieces))
        self.y += (1 + gap) * self.font.size


def page(way: str, seed: str, level: float = 1.0) -> DrawnPage:
    """One page spoilt in that way, at 0.6 to 1 of the level; the same for a seed and the same typefaces."""
    draw = Random(f"{HALF}/{way}/{seed}")
    dpi = draw.choice(_LOW_DPI if way == "low resolution" else _DPI)
    image, text = _set(draw, dpi)
    noise = np.random.default_rng(draw.getrandbits(32))
    spoilt = WAYS[way](image, noise, level * draw.uniform(0.6, 1.0))
    return DrawnPage(HALF, way, text, np.asarray(spoilt, np.uint8), 0 if way == "photo" else dpi)


def _set(draw: Random, dpi: int) -> tuple[Image.Image, str]:
    size = (round(_PAGE[0] * dpi), round(_PAGE[1] * dpi))
    face = draw.choice(faces.found(FACES))
    font = ImageFont.truetype(str(face), round(draw.uniform(9, 12) * dpi * _POINT))
    sheet = _Sheet(Image.new("L", size, _PAPER), font, _MARGIN * dpi, _MARGIN * dpi)
    draw.choice((_letter, _invoice, _form))(sheet, draw)
    return sheet.image, "\n".join(sheet.lines)


def _letter(sheet: _Sheet, draw: Random) -> None:
    for line in wording.address(draw):
        sheet.write(line)
    sheet.skip(2)
    sheet.write(wording.date(draw))
    sheet.skip(1)
    for _ in range(draw.randint(3, 6)):
        sheet.write(wording.paragraph(draw))
        sheet.skip(1)


def _invoice(sheet: _Sheet, draw: Random) -> None:
    for line in wording.address(draw):
        sheet.write(line)
    sheet.skip(2)
    sheet.write(f"Invoice {draw.randint(10000, 99999)} of {wording.date(draw)}")
    sheet.skip(1)
    top = sheet.y
    for row in wording.goods(draw):
        sheet.row(row, _COLUMNS)
    if draw.random() < 0.5:
        sheet.rule(top, _COLUMNS)
    sheet.skip(1.5)
    sheet.write(wording.paragraph(draw))


def _form(sheet: _Sheet, draw: Random) -> None:
    sheet.write("Application for membership and cover")
    sheet.skip(1)
    for name, value in wording.fields(draw):
        sheet.row((f"{name}:", value), (0, 0.35))
        sheet.skip(0.5)
    for _ in range(draw.randint(2, 4)):
        sheet.write(wording.paragraph(draw))
        sheet.skip(1)


def _array(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32)


def _image(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _clean(image: Image.Image, _noise: np.random.Generator, _level: float) -> Image.Image:
    return image


def _skew(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    degrees = noise.choice((-1, 1)) * 5 * level
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=_PAPER)


def _grain(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    return _image(_array(image) + noise.normal(0, 45 * level, (image.height, image.width)))


def _specks(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    values, chance = _array(image).copy(), noise.random((image.height, image.width))
    values[chance < 0.025 * level] = 0
    values[chance > 1 - 0.025 * level] = 255
    return _image(values)


def _soft(image: Image.Image, _noise: np.random.Generator, level: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(0.011 * level * image.height / _PAGE[1]))


def _moved(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    steps = max(2, round(0.022 * level * image.height / _PAGE[1]))
    axis = int(noise.integers(2))
    values = sum(np.roll(_array(image), step, axis) for step in range(steps)) / steps
    return _image(np.asarray(values))


def _uneven_light(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    down, across = np.mgrid[0 : image.height, 0 : image.width] / np.array([image.height, image.width])[:, None, None]
    angle = noise.uniform(0, 2 * np.pi)
    shade = 0.5 + 0.5 * np.cos(2.2 * (np.cos(angle) * across + np.sin(angle) * down) + angle)
    return _image(_array(image) * (1 - 0.7 * level * shade))


def _faint(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    top = noise.uniform(150, 230)
    return _image(top - (_PAPER - _array(image)) * (1 - 0.85 * level) + noise.normal(0, 2, (image.height, image.width)))


def _fax(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    """204 dots per inch across, 196 or 98 down, one bit, as ITU-T T.4 has it; shown with square dots."""
    down = 98 if level > 0.9 else 196
    sent = image.resize((round(_PAGE[0] * 204), round(_PAGE[1] * down)), Image.Resampling.BOX)
    black = _array(sent) + noise.normal(0, 25 * level, (sent.height, sent.width)) < 150
    flat = Image.fromarray(np.where(black, 0, 255).astype(np.uint8))
    return flat.resize((sent.width, round(_PAGE[1] * 204)), Image.Resampling.NEAREST)


def _jpeg(image: Image.Image, _noise: np.random.Generator, level: float) -> Image.Image:
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=max(2, round(40 - 30 * level)))
    return Image.open(packed).convert("L")


def _dark_border(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    """A sheet on a dark scanner bed, a little askew."""
    wide = round(0.08 * level * image.width)
    bed = Image.new("L", (image.width + 2 * wide, image.height + 2 * wide), 255)
    mask = Image.new("L", image.size, 255)
    sheet = bed.copy()
    degrees = noise.uniform(-1.2, 1.2)
    bed.paste(18, (0, 0, bed.width, bed.height))
    sheet.paste(image, (wide, wide))
    cut = Image.new("L", bed.size, 0)
    cut.paste(mask, (wide, wide))
    way = Image.Resampling.BICUBIC
    return Image.composite(sheet.rotate(degrees, way), bed, cut.rotate(degrees, way))


def _photo(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    """From a slant, on a table, in uneven light, a little out of focus."""
    wide, high = image.size
    pushed = noise.uniform(0, 0.07 * level, (4, 2)) * (wide, high)
    corners = [(-1, -1), (-1, 1), (1, 1), (1, -1)]
    quad = [
        (x + sign[0] * push[0], y + sign[1] * push[1])
        for (x, y), sign, push in zip(((0, 0), (0, high), (wide, high), (wide, 0)), corners, pushed, strict=True)
    ]
    # Pillow wants, for every point of the result, where it comes from.
    where = _homography([(0.0, 0.0), (0.0, high), (wide, high), (wide, 0.0)], quad)
    slanted = image.transform(image.size, Image.Transform.PERSPECTIVE, where, Image.Resampling.BICUBIC, fillcolor=95)
    return _soft(_uneven_light(slanted, noise, 0.6 * level), noise, 0.5 * level)


def _homography(to: list[tuple[float, float]], come_from: list[tuple[float, float]]) -> list[float]:
    rows, right = [], []
    for (x, y), (u, v) in zip(to, come_from, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(right))]


def _bleed_through(image: Image.Image, _noise: np.random.Generator, level: float) -> Image.Image:
    """The back of the sheet shows: the page mirrored, faint and soft."""
    back = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(2))
    back = Image.fromarray(np.roll(np.asarray(back), back.height // 40, 0))
    return _image(_array(image) - 0.35 * level * (_PAPER - _array(back)))


def _scan(image: Image.Image, noise: np.random.Generator, level: float) -> Image.Image:
    """All that an office scanner does at once, each a little."""
    worn = _grain(_uneven_light(_skew(image, noise, 0.4 * level), noise, 0.4 * level), noise, 0.25 * level)
    return _jpeg(worn, noise, 0.5 * level)


WAYS: dict[str, Spoil] = {
    "clean": _clean,
    "low resolution": _clean,
    "skew": _skew,
    "noise": _grain,
    "specks": _specks,
    "blur": _soft,
    "motion blur": _moved,
    "uneven light": _uneven_light,
    "low contrast": _faint,
    "fax": _fax,
    "jpeg": _jpeg,
    "dark border": _dark_border,
    "photo": _photo,
    "bleed-through": _bleed_through,
    "scan": _scan,
}
