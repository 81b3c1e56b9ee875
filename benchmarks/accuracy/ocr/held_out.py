"""The half that nothing is tuned on: pages set with ReportLab, drawn by PDFium, spoilt with OpenCV."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pypdfium2
from faker import Faker
from numpy.typing import NDArray
from reportlab.lib import colors
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from benchmarks.accuracy.ocr import faces
from benchmarks.accuracy.ocr.drawn_page import DrawnPage, Grey

HALF = "held out"
# PDFium brings its own typefaces for these.
_BUILT_IN = ("Helvetica", "Times-Roman", "Courier")
FACES = ("LiberationSans-Regular", "LiberationSerif-Regular", "Carlito-Regular", "Caladea-Regular", "Lato-Regular")
_DPI = (150, 200, 250, 300)
_LOW_DPI = (96, 110)
_CURRENCIES = ("EUR", "USD", "GBP", "CHF")

# A page, a source of noise, and how much: 1 is what people still read with ease.
Spoil = Callable[[Grey, np.random.Generator, float], Grey]


def page(way: str, seed: str, level: float = 1.0) -> DrawnPage:
    """One page spoilt in that way, at 0.6 to 1 of the level; the same for a seed and the same typefaces."""
    draw = Random(f"{HALF}|{way}|{seed}")
    dpi = draw.choice(_LOW_DPI if way == "low resolution" else _DPI)
    pdf, text = _set(draw)
    with pypdfium2.PdfDocument(pdf) as document:
        pixels = document[0].render(scale=dpi / 72, grayscale=True).to_numpy().copy()
    noise = np.random.default_rng(draw.getrandbits(40))
    spoilt = WAYS[way](pixels, noise, level * draw.uniform(0.6, 1.0))
    return DrawnPage(HALF, way, text, spoilt, 0 if way == "photo" else dpi)


def _set(draw: Random) -> tuple[bytes, str]:
    """A PDF of one page and its text, line by line as it is read."""
    face = draw.choice([*_BUILT_IN, *map(_registered, faces.found(FACES))])
    style = ParagraphStyle("body", fontName=face, fontSize=draw.choice((9, 9.5, 10, 11, 12)), alignment=TA_JUSTIFY)
    style.leading = style.fontSize * draw.uniform(1.15, 1.5)
    # The other locales' words are Latin.
    faker = Faker("en_US")
    faker.seed_instance(draw.getrandbits(40))
    size, margin = draw.choice((A4, LETTER)), draw.uniform(45, 80)
    content, packed = _Content(style), io.BytesIO()
    draw.choice((_statement, _agreement, _minutes, _report))(content, draw, faker)
    frame = Frame(margin, margin, size[0] - 2 * margin, size[1] - 2 * margin)
    BaseDocTemplate(packed, pagesize=size, invariant=1, pageTemplates=[PageTemplate(frames=[frame])]).build(
        [*content.flowables]
    )
    return packed.getvalue(), "\n".join(content.said)


class _Content:
    """Flowables and what they say."""

    def __init__(self, style: ParagraphStyle) -> None:
        self._style = style
        self.flowables: list[Flowable] = []
        self.said: list[str] = []

    def say(self, text: str, *, larger: float = 1.0) -> None:
        """A paragraph."""
        style = ParagraphStyle(
            "other", self._style, fontSize=self._style.fontSize * larger, leading=self._style.leading * larger
        )
        self.flowables += [Paragraph(text, style), Spacer(1, 0.5 * self._style.fontSize)]
        self.said.append(text)

    def tabulate(self, rows: list[tuple[str, ...]], widths: list[float], *, ruled: bool) -> None:
        """A table, with rulings or a line under its head."""
        line = ("GRID", (0, 0), (-1, -1), 0.5, colors.black) if ruled else ("LINEBELOW", (0, 0), (-1, 0), 1, "black")
        font = ("FONT", (0, 0), (-1, -1), self._style.fontName, self._style.fontSize)
        style = TableStyle([line, font, ("ALIGN", (-1, 0), (-1, -1), "RIGHT")])
        self.flowables += [Table(rows, widths, style=style), Spacer(1, self._style.fontSize)]
        self.said += [" ".join(row) for row in rows]


def _statement(content: _Content, draw: Random, faker: Faker) -> None:
    content.say(faker.company(), larger=1.5)
    content.say(f"Statement of account for {faker.name()}, {faker.city()}")
    balance, rows = draw.uniform(100, 9000), [("Date", "Details", "Balance")]
    for _ in range(draw.randint(8, 18)):
        balance += draw.uniform(-900, 1000)
        details = f"{faker.last_name()} {faker.word()} {faker.word()}"
        rows.append((faker.date(pattern="%d.%m.%Y"), details, f"{balance:,.2f}"))
    content.tabulate(rows, [80, 230, 90], ruled=draw.random() < 0.5)
    content.say(f"Closing balance {draw.choice(_CURRENCIES)} {balance:,.2f}. {faker.paragraph(3)}")


def _agreement(content: _Content, draw: Random, faker: Faker) -> None:
    content.say("Agreement on services", larger=1.6)
    content.say(f"between {faker.company()} and {faker.name()}, dated {faker.date(pattern='%d %B %Y')}.")
    for number in range(1, draw.randint(5, 8)):
        content.say(f"{number}. {faker.paragraph(draw.randint(4, 6))}")


def _minutes(content: _Content, draw: Random, faker: Faker) -> None:
    content.say(f"Minutes of the meeting at {faker.city()}", larger=1.3)
    content.say("Present: " + ", ".join(faker.name() for _ in range(draw.randint(3, 6))))
    for _ in range(draw.randint(4, 7)):
        content.say(f"{faker.last_name()} said that {faker.paragraph(3)}")


def _report(content: _Content, draw: Random, faker: Faker) -> None:
    content.say(faker.sentence(5), larger=1.4)
    content.say(faker.paragraph(7))
    rows = [("Region", "Units", "Revenue")]
    rows += [(faker.city(), str(draw.randint(10, 9999)), f"{draw.uniform(1e3, 9e5):,.0f}") for _ in range(8)]
    content.tabulate(rows, [170, 80, 110], ruled=draw.random() < 0.5)
    for _ in range(draw.randint(2, 4)):
        content.say(faker.paragraph(6))


def _registered(file: Path) -> str:
    if file.stem not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(file.stem, str(file)))
    return file.stem


def _bytes(values: NDArray[np.floating]) -> Grey:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _unit(pixels: Grey) -> float:
    """Pixels in a hundredth of the shorter side: what spoils a page grows with it."""
    return min(pixels.shape[0], pixels.shape[1]) / 100


def _as_drawn(pixels: Grey, _noise: np.random.Generator, _level: float) -> Grey:
    return pixels


def _askew(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    high, wide = pixels.shape
    degrees = float(noise.choice((-4.5, 4.5))) * level
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(high * sin + wide * cos), int(high * cos + wide * sin))
    turn[:, 2] += (size[0] - wide) / 2, (size[1] - high) / 2
    return np.asarray(cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_LINEAR, borderValue=255), np.uint8)


def _noisy(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """Of the sensor, stronger where it is light, and coarser than a pixel at high resolutions."""
    coarse = noise.standard_normal(pixels.shape, np.float32)
    if _unit(pixels) > 18:
        coarse = cv2.GaussianBlur(coarse, (3, 3), 0.5) * 1.4
    return _bytes(pixels - 8 * level + coarse * level * (22 + 18 * pixels / 255.0))


def _dusty(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """Dark and light grains of one to three pixels."""
    spoilt = pixels.copy()
    for grain, share in ((1, 0.008), (2, 0.0012), (3, 0.0003)):
        for shade in (0, 255):
            seeds = (noise.random(pixels.shape) < share * level).astype(np.uint8)
            spoilt[cv2.dilate(seeds, np.ones((grain, grain), np.uint8)) > 0] = shade
    return spoilt


def _defocused(pixels: Grey, _noise: np.random.Generator, level: float) -> Grey:
    """A disc, as a lens draws a point."""
    radius = max(1.0, 0.14 * level * _unit(pixels))
    around = math.ceil(radius)
    down, across = np.mgrid[-around : around + 1, -around : around + 1]
    disc = np.clip(radius + 0.5 - np.hypot(down, across), 0, 1)
    return np.asarray(cv2.filter2D(pixels, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _shaken(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    length = max(3, round(0.28 * level * _unit(pixels)))
    path = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    angle = noise.uniform(0, math.pi)
    reach = (length / 2 * math.cos(angle), length / 2 * math.sin(angle))
    ends = [tuple(round(length + sign * part) for part in reach) for sign in (-1, 1)]
    cv2.line(path, ends[0], ends[1], 1.0, 1, cv2.LINE_AA)
    return np.asarray(cv2.filter2D(pixels, -1, path / path.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _lamp(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """Bright in one place, and the shadow of a hand or a fold across."""
    high, wide = pixels.shape
    down, across = np.mgrid[0:high, 0:wide].astype(np.float32)
    centre = noise.uniform(0.2, 0.8, 2) * (high, wide)
    distance = np.hypot(down - centre[0], across - centre[1]) / max(high, wide)
    light = 1 - 0.55 * level * np.clip(1.4 * distance, 0, 1)
    edge = across * math.cos(0.4) + down * math.sin(0.4) - noise.uniform(0.3, 0.9) * wide
    light *= 1 - 0.3 * level / (1 + np.exp(-edge / (1.5 * _unit(pixels))))
    return _bytes(pixels * light)


def _pale(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """A worn ribbon on grey or tinted paper."""
    paper = noise.uniform(140, 245)
    ink = paper * (0.2 + 0.6 * level)
    return _bytes(ink + (paper - ink) * (pixels / 255.0) ** 1.3 + noise.normal(0, 1.5, pixels.shape))


def _faxed(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """204 by 196 dots per inch, or by 98 at a high level, one bit, with lines lost; shown with square dots."""
    high, wide = pixels.shape
    across = 1728
    down = round(across * high / wide)
    lines = down // 2 if level > 0.9 else down
    sent = cv2.resize(pixels, (across, lines), interpolation=cv2.INTER_AREA)
    edge = 165 + noise.normal(0, 12 * level, (lines, 1)) + noise.normal(0, 15 * level, (lines, across))
    flat = np.where(sent < edge, 0, 255).astype(np.uint8)
    for lost in noise.choice(lines - 1, round(0.004 * level * lines), replace=False):
        flat[lost + 1] = flat[lost]
    return np.asarray(cv2.resize(flat, (across, down), interpolation=cv2.INTER_NEAREST), np.uint8)


def _packed(pixels: Grey, _noise: np.random.Generator, level: float) -> Grey:
    """JPEG twice, off the grid of blocks the second time."""
    once = _jpeg(pixels, 45 - 30 * level)
    return _jpeg(np.pad(once, ((3, 0), (5, 0)), mode="edge"), 45 - 25 * level)


def _jpeg(pixels: Grey, quality: float) -> Grey:
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, max(3, round(quality))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _edged(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """Black wedges of the scanner's lid, and the holes of a binder."""
    spoilt = pixels.copy()
    high, wide = pixels.shape
    unit = _unit(pixels)
    for corners in (((0, 0), (wide, 0)), ((0, high), (0, 0)), ((wide, 0), (wide, high)), ((wide, high), (0, high))):
        depth = noise.uniform(0.5, 4.5, 2) * level * unit
        inner = [
            (x + (-step if x else step), y + (-step if y else step))
            for (x, y), step in zip(corners, depth, strict=True)
        ]
        cv2.fillPoly(spoilt, [np.array([corners[0], corners[1], inner[1], inner[0]], np.int32)], 12)
    for place in (0.3, 0.7):
        cv2.circle(spoilt, (round(4.5 * unit), round(place * high)), round(1.2 * unit), 20, -1)
    return spoilt


def _photographed(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """On a wooden table, from a slant, by a phone."""
    high, wide = pixels.shape
    size = (round(wide * 1.12), round(high * 1.12))
    wood = 90 + 25 * np.sin(np.arange(size[1])[:, None] / (0.7 * _unit(pixels)) + noise.normal(0, 0.3, (1, size[0])))
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
    inset = np.array(size) * 0.06 + noise.uniform(-0.05, 0.05, (4, 2)) * level * np.array(size)
    place = cv2.getPerspectiveTransform(corners, (corners + inset).astype(np.float32))
    sheet = cv2.warpPerspective(pixels, place, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.full_like(pixels, 255), place, size)
    taken = np.where(mask > 127, sheet, wood)
    return _jpeg(_defocused(_lamp(_bytes(taken), noise, 0.6 * level), noise, 0.4 * level), 70)


def _thin_paper(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """Another text shows through from behind, blurred by the paper."""
    back = np.flip(np.roll(pixels, round(noise.uniform(0.1, 0.4) * len(pixels)), axis=0), axis=1)
    back = cv2.GaussianBlur(back, (0, 0), 0.12 * _unit(pixels))
    return _bytes(pixels * (1 - 0.3 * level * (255.0 - back) / 255))


def _copied(pixels: Grey, noise: np.random.Generator, level: float) -> Grey:
    """A copy of a copy, scanned: a little of everything."""
    worn = _dusty(_askew(_defocused(pixels, noise, 0.4 * level), noise, 0.3 * level), noise, 0.1 * level)
    return _packed(_noisy(_edged(worn, noise, 0.4 * level), noise, 0.25 * level), noise, 0.4 * level)


WAYS: dict[str, Spoil] = {
    "clean": _as_drawn,
    "low resolution": _as_drawn,
    "skew": _askew,
    "noise": _noisy,
    "specks": _dusty,
    "blur": _defocused,
    "motion blur": _shaken,
    "uneven light": _lamp,
    "low contrast": _pale,
    "fax": _faxed,
    "jpeg": _packed,
    "dark border": _edged,
    "photo": _photographed,
    "bleed-through": _thin_paper,
    "scan": _copied,
}
