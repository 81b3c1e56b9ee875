"""Seams with more than one implementation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.document import Page


class Classifier(Protocol):
    """A trained text classifier. Not thread-safe: the model backend makes one call at a time."""

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version}."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Leaf categories it was trained on, in the order of its outputs."""

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        """One prediction a text, the same whatever the batch it is in; word weights where `explain` says so."""


@dataclass(frozen=True, slots=True)
class OcrImage:
    """8-bit grey pixels, row by row, `len(pixels) == width * height`."""

    pixels: bytes
    width: int
    height: int
    # Dots per inch; 0 when unknown.
    dpi: int
    # Whether it is one block of evenly set text, such as a strip of a page.
    is_block: bool = False


class OcrEngine(Protocol):
    """Recognises the text of an upright page image."""

    @property
    def name(self) -> str:
        """E.g. "tesserocr"."""

    def recognise(self, image: OcrImage, languages: tuple[str, ...], page_number: int) -> Page:
        """Blocks, in one thread. The page's words carry boxes and confidences (0 to 1).

        Raises ConfigurationError when a language pack is missing.
        """


class ScriptFinder(OcrEngine, Protocol):
    """An engine that can tell scripts apart."""

    def find_script(self, image: OcrImage) -> str:
        """The script as Tesseract names it, e.g. "Cyrillic"; "" when it cannot be told."""
