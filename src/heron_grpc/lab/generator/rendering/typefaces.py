"""The typefaces documents are set in: Bitstream Vera, which comes with ReportLab and so is the same everywhere."""

import unicodedata
from functools import cache
from pathlib import Path

import reportlab
from PIL import ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "Vera", "VeraBd"
_FOLDER = Path(reportlab.__file__).parent / "fonts"
_INSTEAD = "?"


def width(text: str, face: str, size: float) -> float:
    """Of a line, in the unit of `size`."""
    _register()
    return float(pdfmetrics.stringWidth(text, face, size))


def picture_face(face: str, pixels: float) -> ImageFont.FreeTypeFont:
    """A face as Pillow draws it, its em so many pixels."""
    return ImageFont.truetype(str(_FOLDER / f"{face}.ttf"), pixels, layout_engine=ImageFont.Layout.BASIC)


def drawable(text: str) -> str:
    """The same number of characters: those the faces lack lose their accents, or become question marks."""
    return "".join(map(_drawable, text))


def lacking(text: str) -> float:
    """The share of characters, white space aside, of which nothing can be drawn."""
    signs = "".join(text.split())
    lost = sum(shown == _INSTEAD != sign for shown, sign in zip(drawable(signs), signs, strict=True))
    return lost / max(len(signs), 1)


@cache
def _drawable(sign: str) -> str:
    codes = _register()
    return next((each for each in (sign, unicodedata.normalize("NFKD", sign)[0]) if ord(each) in codes), _INSTEAD)


@cache
def _register() -> frozenset[int]:
    """Makes the faces known to ReportLab; the code points they have."""
    for face in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(face, str(_FOLDER / f"{face}.ttf")))
    return frozenset(pdfmetrics.getFont(REGULAR).face.charToGlyph) | {ord(" ")}
