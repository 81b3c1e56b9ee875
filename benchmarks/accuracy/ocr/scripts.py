"""Pages in other languages and scripts, where the machine has the typefaces and the engine the language."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, features

from benchmarks.accuracy.ocr import faces, tuning
from benchmarks.accuracy.ocr.drawn_page import DrawnPage
from benchmarks.documents import CACHE
from heron_grpc.reading.ocr.languages import tessdata_dir, tesseract_name
from heron_grpc.settings import ReadingSettings

_FETCHED = CACHE / "debian" / "usr" / "share" / "tesseract-ocr" / "5" / "tessdata"
_WIDTH, _DPI = 1654, 200
_MARGIN = 150
# Of the tuning half's.
WAYS = ("clean", "scan")


@dataclass(frozen=True, slots=True)
class Script:
    """A language, what to draw it with, and what to say."""

    name: str
    # BCP-47.
    language: str
    faces: list[str]
    sentences: list[str]
    # Whether words are parted by spaces.
    spaced: bool = True


SCRIPTS = tuple(Script(**each) for each in json.loads(Path(__file__).with_suffix(".json").read_text("utf-8")))


def tessdata() -> Path | None:
    """Where the languages lie: those unpacked beside the benchmark's documents, else the machine's."""
    return _FETCHED if _FETCHED.is_dir() else tessdata_dir(ReadingSettings())


def missing(script: Script) -> str:
    """What keeps it from being read here; empty when nothing does."""
    folder = tessdata()
    if folder is None or not (folder / f"{tesseract_name(script.language)}.traineddata").exists():
        return f"no tessdata for {tesseract_name(script.language)}"
    if not faces.found(tuple(script.faces)):
        return f"none of the typefaces {', '.join(script.faces)}"
    return "Pillow lacks Raqm" if script.language == "ar" and not features.check("raqm") else ""


def page(script: Script, way: str, seed: str) -> DrawnPage:
    """A page of some fifteen sentences, spoilt in one of WAYS."""
    draw = Random(f"{script.name}/{way}/{seed}")
    image, text = _set(script, draw)
    spoilt = tuning.WAYS[way](image, np.random.default_rng(draw.getrandbits(32)), 0.7)
    text = text if script.spaced else text.replace(" ", "")
    return DrawnPage(script.name, way, text, np.asarray(spoilt, np.uint8), _DPI)


def _set(script: Script, draw: Random) -> tuple[Image.Image, str]:
    font = ImageFont.truetype(str(draw.choice(faces.found(tuple(script.faces)))), draw.choice((28, 32, 36)))
    lines = [sentence for _ in range(3) for sentence in draw.sample(script.sentences, 5)]
    lines = [f"{number}. {line}" if number % 5 == 0 else line for number, line in enumerate(lines, 1)]
    image = Image.new("L", (_WIDTH, round(2 * _MARGIN + len(lines) * 2 * font.size)), 250)
    pen = ImageDraw.Draw(image)
    # Pillow finds the direction of the writing by itself.
    x, anchor = (_WIDTH - _MARGIN, "ra") if script.language == "ar" else (_MARGIN, "la")
    for number, line in enumerate(lines):
        pen.text((x, _MARGIN + number * 2 * font.size), line, 20, font, anchor)
    return ImageOps.expand(image, 10, 250), "\n".join(lines)
