"""Tesseract as a program of its own, for platforms without tesserocr."""

from contextlib import suppress

import pytesseract
from PIL import Image

from heron_grpc.domain.document import Page
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.ports import OcrImage
from heron_grpc.reading.ocr.scripts import tesseract_variables
from heron_grpc.reading.ocr.tsv import page_from_tsv

_MOST_S = 20
# Page segmentation: one column of text of various sizes, or one even block.
_COLUMN, _BLOCK = 4, 6


class PytesseractEngine:
    """Implements ScriptFinder with a process a page."""

    name = "pytesseract"

    def __init__(self, tessdata: str) -> None:
        self._tessdata = tessdata

    def recognise(self, image: OcrImage, languages: tuple[str, ...], page_number: int) -> Page:
        """See the port."""
        # Engine 1: the neural one alone.
        config = f"--psm {_BLOCK if image.is_block else _COLUMN} --oem 1" + self._common(image)
        config += "".join(f" -c {variable}={value}" for variable, value in tesseract_variables(languages).items())
        try:
            tsv = pytesseract.image_to_data(_picture(image), lang="+".join(languages), config=config, timeout=_MOST_S)
        except pytesseract.TesseractNotFoundError as error:
            raise ConfigurationError("the tesseract program is missing") from error
        except pytesseract.TesseractError as error:
            raise ConfigurationError(f"tesseract failed for {'+'.join(languages)}") from error
        except RuntimeError:
            # Out of time: a page of nothing but noise.
            tsv = ""
        return page_from_tsv(tsv, "", page_number, (image.width, image.height))

    def find_script(self, image: OcrImage) -> str:
        """See the port."""
        config = "--psm 0" + self._common(image)
        with suppress(pytesseract.TesseractError, RuntimeError):
            found = pytesseract.image_to_osd(_picture(image), config=config, timeout=_MOST_S, output_type="dict")
            return str(found["script"])
        return ""

    def _common(self, image: OcrImage) -> str:
        return f' --tessdata-dir "{self._tessdata}"' + (f" --dpi {image.dpi}" if image.dpi else "")


def _picture(image: OcrImage) -> Image.Image:
    return Image.frombytes("L", (image.width, image.height), image.pixels)
