"""Tesseract as a program of its own, for platforms without tesserocr."""

import pytesseract
from PIL import Image

from heron_grpc.domain.document import Page
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.ports import OcrImage
from heron_grpc.reading.ocr.tsv import page_from_tsv


class PytesseractEngine:
    """Implements OcrEngine with a process a page."""

    name = "pytesseract"

    def __init__(self, tessdata: str) -> None:
        self._tessdata = tessdata

    def recognise(self, image: OcrImage, languages: tuple[str, ...], page_number: int) -> Page:
        """See OcrEngine."""
        picture = Image.frombytes("L", (image.width, image.height), image.pixels)
        # Page segmentation 4: one column of text of various sizes; engine 1: the neural one alone.
        config = f'--psm 4 --oem 1 --tessdata-dir "{self._tessdata}"' + (f" --dpi {image.dpi}" if image.dpi else "")
        try:
            tsv = pytesseract.image_to_data(picture, lang="+".join(languages), config=config)
        except pytesseract.TesseractNotFoundError as error:
            raise ConfigurationError("the tesseract program is missing") from error
        except pytesseract.TesseractError as error:
            raise ConfigurationError(f"tesseract failed for {'+'.join(languages)}") from error
        return page_from_tsv(tsv, page_number, image.width, image.height)
