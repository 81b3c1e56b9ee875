"""PP-OCR's networks, which read photos and receipts where Tesseract fails, at several times its cost."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rapidocr
from numpy.typing import NDArray
from rapidocr.ch_ppocr_det import TextDetector
from rapidocr.inference_engine.base import InferSession, get_engine

from heron_grpc.domain.document import Box, Page
from heron_grpc.domain.ports import OcrImage
from heron_grpc.reading.ocr.ctc import BLANK, CtcWord, decode
from heron_grpc.reading.ocr.layout import PlacedWord, page_of_rows, rows_of
from heron_grpc.reading.ocr.scripts import may_occur
from heron_grpc.reading.ocr.view import Grey, reduced

_MODELS = Path(rapidocr.__file__).parent / "models"
# What one thread does alone; nothing is fetched, since the models' places are given, and nothing is written to a log.
_PARAMETERS = {
    "Global.log_level": "critical",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Det.model_path": str(_MODELS / "PP-OCRv6_det_small.onnx"),
    "Rec.model_path": str(_MODELS / "PP-OCRv6_rec_small.onnx"),
}
# Lines are looked for in an image whose longer side is at most this, which takes some 600 MB, and at most so many times
# the shorter one.
_LONGEST_SIDE, _LONGEST_SHAPE = 2000, 8
# What the recogniser takes: lines of this height, at least and at most so wide: a wider one is squeezed.
_LINE_HEIGHT, _LEAST_WIDTH, _MOST_WIDTH = 48, 320, 3200
# Below it is a drawing, a crease or a stamp.
_LEAST_PROBABILITY = 0.6
# Mean probability of a word's characters against what Tesseract would call as sure: .98 goes with 3 % wrong characters,
# .93 with 27 % on generated pages.
_PROBABILITIES = (0.6, 0.85, 0.93, 0.96, 0.98, 0.995, 1.0)
_CONFIDENCES = (0.0, 0.3, 0.55, 0.75, 0.9, 0.97, 1.0)


@dataclass(frozen=True, slots=True)
class _Networks:
    """Find lines, and read them."""

    detector: TextDetector
    recogniser: InferSession
    # "" for no character, then one for each of the recogniser's outputs, the space last.
    alphabet: tuple[str, ...]


class RapidocrEngine:
    """Implements OcrEngine; the networks are loaded with the first page, since their threads outlive no fork."""

    name = "rapidocr"
    # Finding lines takes most memory: by one thread at a time.
    _finding = threading.Lock()

    def recognise(self, image: OcrImage, languages: tuple[str, ...], page_number: int) -> Page:
        """See OcrEngine; leaves out characters that the languages' script does not have."""
        pixels = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width)
        with self._finding:
            networks = _networks()
            quads = _find_lines(networks.detector, pixels)
        letters = _alphabet(languages)
        lines = (list(_read_line(networks, _Line(pixels, quad), letters)) for quad in quads)
        words = [word for line in lines for word in line]
        return page_of_rows(rows_of(words), page_number, (image.width, image.height))


@cache
def _networks() -> _Networks:
    """Some 0.5 s. Imports onnxruntime, which starts a thread: nothing may be forked afterwards."""
    config = rapidocr.RapidOCR(params=_PARAMETERS).cfg
    for part in (config.Det, config.Rec):
        part.engine_cfg = config.EngineConfig[part.engine_type.value]
    recogniser = get_engine(config.Rec.engine_type)(config.Rec)
    return _Networks(TextDetector(config.Det), recogniser, ("", *recogniser.get_character_list(), " "))


@cache
def _alphabet(languages: tuple[str, ...]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Which outputs the languages can use, and their characters."""
    alphabet = _networks().alphabet
    last = len(alphabet) - 1
    kept = [at for at, sign in enumerate(alphabet) if at in {BLANK, last} or may_occur(sign, languages)]
    return np.array(kept), tuple(alphabet[at] for at in kept)


def _find_lines(detector: TextDetector, pixels: Grey) -> Iterable[NDArray[np.float32]]:
    """Corners of each line in pixels (4, 2), clockwise from the top left as it is read."""
    small = reduced(pixels, _LONGEST_SIDE)
    height, width = small.shape
    # The detector enlarges the shorter side.
    below, right = max(0, width // _LONGEST_SHAPE - height), max(0, height // _LONGEST_SHAPE - width)
    padded = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE)
    found = detector(cv2.cvtColor(padded, cv2.COLOR_GRAY2BGR))
    return [] if found.boxes is None else np.asarray(found.boxes, np.float32) * (pixels.shape[1] / width)


class _Line:
    """A line cut out and made level."""

    def __init__(self, pixels: Grey, quad: NDArray[np.float32]) -> None:
        self.width = max(1, int(max(_length(quad[0], quad[1]), _length(quad[3], quad[2]))))
        self.height = max(1, int(max(_length(quad[0], quad[3]), _length(quad[1], quad[2]))))
        level = np.array([(0, 0), (self.width, 0), (self.width, self.height), (0, self.height)], np.float32)
        turn = cv2.getPerspectiveTransform(quad, level)
        size = (self.width, self.height)
        self.pixels = cv2.warpPerspective(pixels, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        self._back = np.linalg.inv(turn)
        self._page_size = pixels.shape[::-1]

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """What lies there in the line, in fractions of the page."""
        corners = np.array([[(left, top), (right, top), (right, bottom), (left, bottom)]], np.float64)
        places = np.clip(cv2.perspectiveTransform(corners, self._back)[0] / self._page_size, 0, 1)
        return Box(*places.min(axis=0).tolist(), *places.max(axis=0).tolist())


def _read_line(
    networks: _Networks, line: _Line, letters: tuple[NDArray[np.intp], tuple[str, ...]]
) -> Iterator[PlacedWord]:
    kept, alphabet = letters
    wide = min(_MOST_WIDTH, max(1, round(line.width * _LINE_HEIGHT / line.height)))
    scaled = cv2.resize(line.pixels, (wide, _LINE_HEIGHT)).astype(np.float32) / 127.5 - 1
    padded = np.zeros((1, 3, _LINE_HEIGHT, max(wide, _LEAST_WIDTH)), np.float32)
    padded[0, :, :, :wide] = scaled
    found = networks.recogniser(padded)[0][:, kept]
    # Pixels of the line for a column of the output.
    step = padded.shape[3] / len(found) * line.width / wide
    words = [word for word in decode(found, alphabet) if word.probability >= _LEAST_PROBABILITY]
    for word, left, right in _spans(words, step, line.width):
        confidence = float(np.interp(word.probability, _PROBABILITIES, _CONFIDENCES))
        top, bottom = _inked_rows(line.pixels[:, int(left) : int(right) + 1])
        yield PlacedWord(word.text, line.box(left, top, right, bottom), confidence)


def _spans(words: list[CtcWord], step: float, width: int) -> Iterator[tuple[CtcWord, float, float]]:
    """Each word with its left and right edge: half a character beyond the middles of its outer characters."""
    for word in words:
        half = (word.last - word.first) / max(1, len(word.characters) - 1) / 2 if len(word.characters) > 1 else 1.5
        left, right = (word.first + 0.5 - half) * step, (word.last + 0.5 + half) * step
        yield word, min(max(0.0, left), width - 1), min(width, max(right, left + 1))


def _inked_rows(pixels: NDArray[Any]) -> tuple[int, int]:
    """The rows between which something stands out; a line is found with some room around it."""
    away = np.abs(pixels.astype(np.int16) - np.median(pixels))
    rows = np.flatnonzero(away.max(axis=1) > away.max() / 2)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, len(pixels))


def _length(start: NDArray[np.float32], end: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(start - end))
