"""Tesseract in this process; 0.7 s a receipt where a program per page takes 1.7 s."""

from functools import lru_cache

import tesserocr

from heron_grpc.domain.document import Page
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.ports import OcrImage
from heron_grpc.reading.ocr.tsv import page_from_tsv

# Each takes tens of MB once it has read a page.
_LOADED_SETS = 3


class TesserocrEngine:
    """Implements OcrEngine; keeps its loaded languages for the next page."""

    name = "tesserocr"

    def __init__(self, tessdata: str) -> None:
        self._tessdata = tessdata

    def recognise(self, image: OcrImage, languages: tuple[str, ...], page_number: int) -> Page:
        """See OcrEngine."""
        api = _loaded(self._tessdata, "+".join(languages))
        try:
            api.SetImageBytes(image.pixels, image.width, image.height, 1, image.width)
            if image.dpi:
                api.SetSourceResolution(image.dpi)
            return page_from_tsv(api.GetTSVText(0), page_number, image.width, image.height)
        finally:
            api.Clear()


@lru_cache(maxsize=_LOADED_SETS)
def _loaded(tessdata: str, languages: str) -> tesserocr.PyTessBaseAPI:
    """Some 100 ms a language."""
    try:
        return tesserocr.PyTessBaseAPI(
            path=tessdata, lang=languages, psm=tesserocr.PSM.SINGLE_COLUMN, oem=tesserocr.OEM.LSTM_ONLY
        )
    except RuntimeError as error:
        raise ConfigurationError(f"Tesseract lacks a language of {languages}") from error
