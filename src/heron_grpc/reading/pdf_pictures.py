"""Pictures on a PDF page that has a text layer: which of them may hold text, drawn without what is known already."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from heron_grpc.domain.document import Box, Page, Word
from heron_grpc.reading.pdf_objects import Picture, area
from heron_grpc.reading.pdf_view import around

# Pixels and share of the page: below, it is an icon, a bullet or a rule.
_LEAST_WIDTH, _LEAST_HEIGHT, _LEAST_AREA = 100, 40, 0.01
# Share of pixels that differ strongly from their neighbour: print has 0.02 and more, plain shapes and soft photographs
# hardly any.
_LEAST_EDGES, _STRONG = 0.004, 64
_WHITE = 255
# What is recognised beside text must be sure: photographs are full of letters for who looks for them.
_SURE = 0.6


def may_hold_text(picture: Picture) -> bool:
    """Whether it is large enough."""
    return picture.width >= _LEAST_WIDTH and picture.height >= _LEAST_HEIGHT and area(picture.box) >= _LEAST_AREA


def frame(pictures: Sequence[Picture]) -> Box:
    """The part of the page that holds them all."""
    return around(picture.box for picture in pictures)


def only_pictures(drawn: Image.Image, pictures: Sequence[Picture], words: Sequence[Word]) -> Image.Image:
    """The frame of the page as drawn (mode L), white outside the pictures and where words are known.

    All white when nothing in it looks like print.
    """
    canvas = Image.new("L", drawn.size, _WHITE)
    for picture in pictures:
        place = _pixels(picture.box, drawn.size)
        canvas.paste(drawn.crop(place), place[:2])
    pen = ImageDraw.Draw(canvas)
    for word in words:
        pen.rectangle(_pixels(word.box, drawn.size), fill=_WHITE)
    part = canvas.crop(_pixels(frame(pictures), drawn.size))
    return part if _looks_printed(part) else Image.new("L", part.size, _WHITE)


def on_page(found: Page, pictures: Sequence[Picture]) -> Page:
    """What was recognised in the frame, in the coordinates of the page, turned as the page is."""
    whole = frame(pictures)
    width, height = whole.x_max - whole.x_min, whole.y_max - whole.y_min

    def placed(word: Word) -> Word:
        box = _turned_back(word.box, found.rotation)
        across = (whole.x_min + box.x_min * width, whole.x_min + box.x_max * width)
        down = (whole.y_min + box.y_min * height, whole.y_min + box.y_max * height)
        return replace(word, box=Box(across[0], down[0], min(across[1], 1.0), min(down[1], 1.0)))

    return replace(found, words=tuple(map(placed, found.words)))


def is_sure(word: Word, text: str) -> bool:
    """Whether a word recognised in a picture, standing in `text`, is to be believed."""
    return word.confidence >= _SURE and any(char.isalnum() for char in text[word.start : word.end])


def _looks_printed(image: Image.Image) -> bool:
    pixels = np.asarray(image, dtype=np.int16)
    return bool(pixels.size) and float((np.abs(np.diff(pixels, axis=1)) > _STRONG).mean()) >= _LEAST_EDGES


def _pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """At least one pixel."""
    left, top = int(box.x_min * size[0]), int(box.y_min * size[1])
    return left, top, max(round(box.x_max * size[0]), left + 1), max(round(box.y_max * size[1]), top + 1)


def _turned_back(box: Box, degrees: int) -> Box:
    """The box before the image was turned counter-clockwise by so many degrees."""
    match degrees:
        case 90:
            return Box(1 - box.y_max, box.x_min, 1 - box.y_min, box.x_max)
        case 180:
            return Box(1 - box.x_max, 1 - box.y_max, 1 - box.x_min, 1 - box.y_min)
        case 270:
            return Box(box.y_min, 1 - box.x_max, box.y_max, 1 - box.x_min)
    return box
