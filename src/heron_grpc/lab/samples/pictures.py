"""Draws samples as pictures: a scanned page, a photographed slip, a card."""

import io
from functools import cache
from pathlib import Path
from random import Random

import reportlab
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from heron_grpc.lab.samples.blocks import Block, Blocks, Grid, Heading, Lines, Paragraph, Title

# reportlab brings these fonts along, so pictures look alike on every machine.
_FONTS = Path(reportlab.__file__).parent / "fonts"
_PAPER = (1240, 1754)
_MARGIN = 110


def paper(blocks: Blocks) -> Image.Image:
    """A grey A4 page at 150 dots per inch as a flatbed scanner gives it: slightly turned, slightly noisy."""
    page = Image.new("L", _PAPER, 255)
    _write(ImageDraw.Draw(page), blocks, _PAPER[0], size=24)
    return _noisy(page.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=255), amount=10)


def photo(blocks: Blocks) -> Image.Image:
    """A till slip on a table, photographed: turned a little, darker to one side, not quite sharp."""
    slip = Image.new("L", (620, 1000), 246)
    _write(ImageDraw.Draw(slip), blocks, 620, size=26, margin=50)
    table = Image.new("L", (800, 1200), 96)
    table.paste(slip, (90, 100))
    turned = table.rotate(-1.2, Image.Resampling.BICUBIC, fillcolor=96)
    shade = Image.linear_gradient("L").resize(turned.size).point(lambda value: value // 5)
    darker = Image.eval(shade, lambda value: 255 - value)
    lit = Image.composite(turned, Image.new("L", turned.size, 60), darker)
    return _noisy(lit.filter(ImageFilter.GaussianBlur(0.6)), amount=8)


def card(lines: tuple[str, ...], machine_readable: tuple[str, ...] = ()) -> Image.Image:
    """A card with a portrait's outline on the left, a tinted ground and, below, lines for machines."""
    picture = Image.new("RGB", (1200, 780 if not machine_readable else 900), (226, 236, 242))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((8, 8, picture.width - 8, picture.height - 8), 36, outline=(70, 90, 120), width=5)
    draw.rectangle((50, 150, 350, 540), fill=(200, 208, 214))
    draw.ellipse((130, 200, 270, 360), fill=(150, 160, 170))
    draw.pieslice((80, 360, 320, 640), 180, 360, fill=(150, 160, 170))
    for number, line in enumerate(lines):
        font = _font("VeraBd", 40) if number < 2 and "  " not in line else _font("Vera", 30)
        draw.text((390, 50 + number * 66), line, fill=(20, 24, 40), font=font)
    for number, line in enumerate(machine_readable):
        draw.text((50, 770 + number * 52), line, fill=(10, 10, 10), font=_font("Vera", 34))
    return picture


def jpeg(picture: Image.Image) -> bytes:
    """As JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=72, optimize=True)
    return buffer.getvalue()


def png(picture: Image.Image) -> bytes:
    """As PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _write(draw: ImageDraw.ImageDraw, blocks: Blocks, width: int, size: int, margin: int = _MARGIN) -> None:
    top = float(margin)
    for block in blocks:
        for line, font in _lines(draw, block, width - 2 * margin, size):
            for cell, left in line:
                draw.text((margin + left, top), cell, fill=25, font=font)
            top += font.size * 1.45
        top += size * 0.6


_Line = tuple[list[tuple[str, float]], ImageFont.FreeTypeFont]


def _lines(draw: ImageDraw.ImageDraw, block: Block, width: int, size: int) -> list[_Line]:
    """Each line's texts with their distance from the left margin, and its font."""
    font = _font("Vera", size)
    match block:
        case Title(text):
            return [([(text, 0.0)], _font("VeraBd", round(size * 1.5)))]
        case Heading(text):
            return [([(text, 0.0)], _font("VeraBd", size))]
        case Lines(texts):
            return [([(text, 0.0)], font) for text in texts]
        case Grid(rows):
            columns = len(rows[0])
            return [([(cell, width * place / columns) for place, cell in enumerate(row)], font) for row in rows]
        case Paragraph(text):
            return [([(line, 0.0)], font) for line in _wrapped(draw, text, width, font)]


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _noisy(picture: Image.Image, amount: int) -> Image.Image:
    """Grey noise of up to `amount` levels, the same each time."""
    random = Random(7)  # noqa: S311 - noise of a picture, guards nothing
    size = (picture.width // 2, picture.height // 2)
    noise = Image.frombytes("L", size, bytes(b % amount for b in random.randbytes(size[0] * size[1])))
    return Image.composite(
        Image.new("L", picture.size, 128), picture, noise.resize(picture.size, Image.Resampling.NEAREST)
    )


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS / f"{name}.ttf"), size, layout_engine=ImageFont.Layout.BASIC)
