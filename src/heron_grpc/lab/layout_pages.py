"""Pages the layout specialist learns from: generated documents on the paper of their kind, as readers see them.

Every kind of document comes as a PDF, a scan and a photo equally often, so that these say nothing. The words of
pictures are those that were drawn, some of them lost and none of them quite in its place, as recognition leaves them.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heron_grpc.domain.document import Box, OcrMode, Page, PageLook, ReadRequest, Word
from heron_grpc.domain.steps import gather
from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.generator.rendering.lines import lines_of
from heron_grpc.lab.generator.rendering.pdf_file import text_pdf
from heron_grpc.lab.generator.rendering.pictures import Picture, photographed, scanned
from heron_grpc.lab.generator.rendering.typesetting import A4, CARD, LETTER, SLIP, SetPages, Style, set_pages
from heron_grpc.lab.layout_dress import dress, lost_and_found, spread
from heron_grpc.reading.page_look import look_at
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings

PDF, SCAN, PHOTO = "pdf", "scan", "photo"
IDENTITY, RECEIPT, CHEQUE, FORM = "identity", "receipt", "cheque", "form"
_SMALL = frozenset({IDENTITY, CHEQUE})
_BOOKLETS = "identity/passport"
# Four times ISO/IEC 7810 ID-3 in points, and a cheque.
_BOOKLET, _CHEQUE = (500.0, 352.0), (576.0, 250.0)
# Pictures are drawn at half the size that readers get: what is looked at is smaller still.
_DRAWN = 0.5
# Share of scanned small papers on a large sheet, of receipts on one, of photos cut to the paper, of boxed forms, and of
# cards held upright.
_ON_SHEET, _RECEIPT_ON_SHEET, _CUT, _BOXED = 0.4, 0.2, 0.5, 0.75
_UPRIGHT = 0.08
# Share of pages without any word recognised, and the most words others lose.
_WORDLESS, _MOST_LOST = 0.1, 0.4
# Pages are learned from whatever the length of their text.
_ANY_LENGTH = 1_000_000
_WHOLE = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class SeenPage:
    """The look of a generated document's first page; `way` is PDF, SCAN or PHOTO."""

    label: str
    layout: str
    way: str
    look: PageLook


def see(document: GeneratedDocument, family: str, settings: ReadingSettings) -> SeenPage | None:
    """The document in one of three ways, the same each time; None where its page has no look."""
    random = Random(f"{document.seed}/look")  # noqa: S311 - draws samples, guards nothing
    way = random.choice((PDF, SCAN, PHOTO))
    pages, portrait = _set(document, family, random)
    look = _read(text_pdf(pages), settings) if way == PDF else _taken(pages, portrait, way, random)
    return SeenPage(document.label, document.layout, way, look) if look else None


def _set(document: GeneratedDocument, family: str, random: Random) -> tuple[SetPages, Box | None]:
    """The document on its paper, and where a portrait is to go."""
    paper = _paper(document.label, family, random)
    style = Style.draw(paper, random)
    room = 0.0
    if family in _SMALL:
        style = replace(style, margin=random.uniform(10, 22), ruled=False)
        # What of the width is left to a portrait.
        room = random.uniform(0.26, 0.36) if family != CHEQUE and random.random() < 0.85 else 0.0
        style = replace(style, page=(paper[0] * (1 - room), paper[1]))
    if family in _SMALL:
        style = replace(style, size=random.uniform(8.0, 14.0))
    pages = set_pages(lines_of(document.clean.text), style)
    if pages.size[0] == paper[0] * (1 - room):
        pages.size = (paper[0], pages.size[1])
    if paper == SLIP:
        # Even a short receipt is longer than wide.
        pages.size = (pages.size[0], max(pages.size[1], random.uniform(1.1, 1.6) * pages.size[0]))
    portrait = None
    if room:
        on_left = random.random() < 0.65
        if on_left:
            pages.runs = [replace(run, x=run.x + room * paper[0]) for run in pages.runs]
        left, top = (0.03 if on_left else 1.02 - room), random.uniform(0.15, 0.35)
        portrait = Box(left, top, left + room - 0.06, min(0.97, top + random.uniform(0.42, 0.6)))
    spread(pages, random)
    if family == FORM and random.random() < _BOXED:
        _box(pages, random)
    elif family == CHEQUE:
        _rule(pages, random)
    elif family not in {*_SMALL, RECEIPT}:
        dress(pages, random)
    return pages, portrait


def _paper(label: str, family: str, random: Random) -> tuple[float, float]:
    card = _BOOKLET if label == _BOOKLETS else CARD
    own = {IDENTITY: card, CHEQUE: _CHEQUE, RECEIPT: SLIP}.get(family)
    if family == IDENTITY and random.random() < _UPRIGHT:
        return card[::-1]
    if own is None or (family == RECEIPT and random.random() < _RECEIPT_ON_SHEET):
        return random.choice((A4, LETTER))
    return own


def _box(pages: SetPages, random: Random) -> None:
    """Boxes around the lines of a form, and its columns."""
    left, right = pages.style.margin - 4, pages.size[0] - pages.style.margin + 4
    tops = sorted({round(run.y, 1) for run in pages.runs if run.page == 0})
    for top in tops:
        if random.random() < 0.75:
            pages.rules.append((0, left, top - 1.5, right, top - 1.5))
    first, last = tops[0] - 1.5, tops[-1] + pages.style.size * 1.3
    columns = [left + (right - left) * random.uniform(0.2, 0.8) for _ in range(random.randint(0, 2))]
    pages.rules += [(0, x, first, x, last) for x in (left, right, *columns)]


def _rule(pages: SetPages, random: Random) -> None:
    """A cheque's border and the lines to write on."""
    width, height = pages.size
    for y in (0.45, 0.6, 0.85):
        top, start = height * (y + random.uniform(-0.05, 0.05)), width * random.choice((0.05, 0.1, 0.55))
        pages.rules.append((0, start, top, start + width * random.uniform(0.3, 0.4), top))
    pages.rules += [(0, 4, y, width - 4, y) for y in (4, height - 4)]
    pages.rules += [(0, x, 4, x, height - 4) for x in (4, width - 4)]


def _taken(pages: SetPages, portrait: Box | None, way: str, random: Random) -> PageLook | None:
    words = _words(pages, random)
    small = _smaller(pages)
    picture = photographed(small, random) if way == PHOTO else scanned(small, random)[0]
    pixels = picture.pixels.astype(np.float32)
    if min(pages.size) < min(A4[0], LETTER[0]):
        _texture(pixels, picture.box(_WHOLE), random)
    if portrait:
        _portray(pixels, picture.box(portrait), random)
    worn = Picture(np.clip(pixels, 0, 255).astype(np.uint8), picture.moved)
    boxes = [worn.box(box) for _, box in words]
    if way == PHOTO and random.random() < _CUT:
        seen, boxes = _part(worn.pixels, boxes, worn.box(_WHOLE))
    elif way == SCAN and min(pages.size) < min(A4[0], LETTER[0]) and random.random() < _ON_SHEET:
        seen, boxes = _on_sheet(worn.pixels, boxes, random)
    else:
        seen = worn.pixels
    found = lost_and_found([text for text, _ in words], boxes, random)
    return look_at(Image.fromarray(seen), _page(*found, random))


def _smaller(pages: SetPages) -> SetPages:
    runs = [replace(run, x=run.x * _DRAWN, y=run.y * _DRAWN, size=run.size * _DRAWN) for run in pages.runs]
    rules = [(page, x * _DRAWN, y * _DRAWN, x_to * _DRAWN, y_to * _DRAWN) for page, x, y, x_to, y_to in pages.rules]
    size = (pages.size[0] * _DRAWN, pages.size[1] * _DRAWN)
    # A scan draws every page, and only the first is looked at.
    return SetPages(pages.style, size, runs, rules)


def _words(pages: SetPages, random: Random) -> list[tuple[str, Box]]:
    """Those recognition would find."""
    lost = 1.0 if random.random() < _WORDLESS else random.uniform(0.0, _MOST_LOST)
    pieces = [word for run in pages.runs if run.page == 0 for word in run.piece.words()]
    kept = [word for word in pieces if random.random() >= lost]
    first = _first_page(pages)
    return [
        (word.text, _moved(box, random))
        for word in kept
        for _, box in first.boxes(word.start, word.start + len(word.text))
    ]


def _first_page(pages: SetPages) -> SetPages:
    """The first page alone."""
    return SetPages(pages.style, pages.size, [run for run in pages.runs if run.page == 0])


def _moved(box: Box, random: Random) -> Box:
    off = (box.y_max - box.y_min) * random.uniform(-0.12, 0.12)
    return Box(box.x_min, max(0.0, box.y_min + off), box.x_max, min(1.0, max(box.y_max - off, box.y_min + off)))


def _texture(pixels: NDArray[np.float32], place: Box, random: Random) -> None:
    """The pattern of a card: waves and blotches, over the paper alone."""
    area = _slice(pixels, place)
    height, width = area.shape
    if min(area.shape) < 8 or random.random() < 0.25:
        return
    generator = np.random.default_rng(random.getrandbits(32))
    blotches = cv2.resize(generator.random((5, 7)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = np.sin(down * random.uniform(0.2, 1.2) + 6 * np.sin(across / random.uniform(9, 30))) * 0.5 + 0.5
    depth, fineness = random.uniform(0.0, 0.45), random.uniform(0.0, 0.2)
    area *= (1 - depth * np.clip(blotches, 0, 1)) * (1 - fineness * waves)
    if random.random() < 0.5:
        area[: round(height * random.uniform(0.08, 0.22))] *= random.uniform(0.4, 0.85)


def _portray(pixels: NDArray[np.float32], place: Box, random: Random) -> None:
    """A portrait: a bright or dark ground, a head and shoulders, with some detail."""
    area = _slice(pixels, place)
    height, width = area.shape
    if min(area.shape) < 8:
        return
    generator = np.random.default_rng(random.getrandbits(32))
    area[:] = random.uniform(90, 235)
    skin, hair, cloth = random.uniform(80, 210), random.uniform(20, 120), random.uniform(20, 200)
    middle, face = (width // 2, round(height * 0.42)), (round(width * 0.24), round(height * 0.24))
    cv2.ellipse(area, (width // 2, height), (round(width * 0.46), round(height * 0.32)), 0, 180, 360, cloth, -1)
    cv2.ellipse(area, (middle[0], middle[1] - face[1] // 4), (face[0] + 3, face[1] + 2), 0, 0, 360, hair, -1)
    cv2.ellipse(area, middle, face, 0, 0, 360, skin, -1)
    for side in (-1, 1):
        cv2.circle(area, (middle[0] + side * face[0] // 2, middle[1] - face[1] // 5), max(1, width // 25), hair, -1)
    area += cv2.resize(generator.normal(0, 14, (9, 7)).astype(np.float32), (width, height))


def _slice(pixels: NDArray[np.float32], place: Box) -> NDArray[np.float32]:
    height, width = pixels.shape
    rows = slice(round(place.y_min * height), round(place.y_max * height))
    return pixels[rows, round(place.x_min * width) : round(place.x_max * width)]


def _part(pixels: NDArray[np.uint8], boxes: Sequence[Box], place: Box) -> tuple[NDArray[np.uint8], list[Box]]:
    """The picture cut to a part of it."""
    height, width = pixels.shape
    top, bottom = round(place.y_min * height), max(round(place.y_max * height), 1)
    left, right = round(place.x_min * width), max(round(place.x_max * width), 1)
    across, down = (right - left) / width, (bottom - top) / height
    return pixels[top:bottom, left:right], [
        _within(box, -place.x_min / across, -place.y_min / down, 1 / across, 1 / down) for box in boxes
    ]


def _on_sheet(pixels: NDArray[np.uint8], boxes: Sequence[Box], random: Random) -> tuple[NDArray[np.uint8], list[Box]]:
    """A small paper on the glass of a scanner, somewhere in its upper part."""
    height, width = pixels.shape
    share = random.uniform(0.4, 0.75)
    sheet = np.full((round(width / share * 1.35), round(width / share)), random.randint(235, 255), np.uint8)
    left = round((sheet.shape[1] - width) * random.random())
    top = round(max(sheet.shape[0] - height, 0) * random.uniform(0.02, 0.5))
    bottom = min(top + height, sheet.shape[0])
    sheet[top:bottom, left : left + width] = pixels[: bottom - top]
    x, y = width / sheet.shape[1], height / sheet.shape[0]
    return sheet, [_within(box, left / sheet.shape[1], top / sheet.shape[0], x, y) for box in boxes]


def _within(box: Box, left: float, top: float, across: float, down: float) -> Box:
    edges = (
        left + box.x_min * across,
        top + box.y_min * down,
        left + box.x_max * across,
        top + box.y_max * down,
    )
    return Box(*(min(max(edge, 0.0), 1.0) for edge in edges))


def _page(texts: Sequence[str], boxes: Sequence[Box], random: Random) -> Page:
    words, start = [], 0
    for text, box in zip(texts, boxes, strict=True):
        words.append(Word(start, start + len(text), box, random.uniform(0.55, 0.97)))
        start += len(text) + 1
    return Page(1, " ".join(texts), words=tuple(words))


def _read(content: bytes, settings: ReadingSettings) -> PageLook | None:
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        Path(file.name).write_bytes(content)
        request = ReadRequest(file.name, ocr=OcrMode.NEVER, with_words=False, with_tables=False, look_chars=_ANY_LENGTH)
        return gather(read_document(request, settings)).look
