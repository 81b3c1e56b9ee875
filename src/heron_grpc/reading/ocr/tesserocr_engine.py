"""Tesseract in this process; 0.7 s a receipt where a program per page takes 1.7 s."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import tesserocr

from heron_grpc.domain.document import Page
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.ports import OcrImage
from heron_grpc.reading.ocr.scripts import tesseract_variables
from heron_grpc.reading.ocr.tsv import page_from_tsv

# Each takes tens of MB once it has read a page.
_KEPT = 4
# A page of nothing but noise takes minutes; what was recognised until then is kept.
_MOST_MS = 20_000
_NO_LANGUAGE = "osd"


class TesserocrEngine:
    """Implements ScriptFinder; keeps its loaded languages for the next page, and lets other threads run meanwhile."""

    name = "tesserocr"

    def __init__(self, tessdata: str) -> None:
        self._tessdata = tessdata
        # The latest used last. Taken from and added to by one operation each, which no other thread interrupts.
        self._idle: list[tuple[tuple[str, ...], tesserocr.PyTessBaseAPI]] = []

    def recognise(self, image: OcrImage, languages: tuple[str, ...], page_number: int) -> Page:
        """See the port."""
        with self._loaded(*languages) as api:
            _show(api, image)
            api.SetPageSegMode(tesserocr.PSM.SINGLE_BLOCK if image.is_block else tesserocr.PSM.SINGLE_COLUMN)
            api.Recognize(_MOST_MS)
            return page_from_tsv(api.GetTSVText(0), api.GetUTF8Text(), page_number, (image.width, image.height))

    def find_script(self, image: OcrImage) -> str:
        """See the port."""
        found = None
        # Without its file nothing can be told.
        with suppress(ConfigurationError), self._loaded(_NO_LANGUAGE) as api:
            _show(api, image)
            api.SetPageSegMode(tesserocr.PSM.OSD_ONLY)
            found = api.DetectOrientationScript()
        return found["script_name"] if found else ""

    @contextmanager
    def _loaded(self, *languages: str) -> Iterator[tesserocr.PyTessBaseAPI]:
        """Some 100 ms a language when it is not there yet."""
        at = next((at for at, (names, _) in enumerate(self._idle) if names == languages), None)
        api = self._idle.pop(at)[1] if at is not None else _load(self._tessdata, languages)
        try:
            yield api
        finally:
            api.Clear()
            self._idle.append((languages, api))
            if len(self._idle) > _KEPT:
                self._idle.pop(0)[1].End()


def _show(api: tesserocr.PyTessBaseAPI, image: OcrImage) -> None:
    api.SetImageBytes(image.pixels, image.width, image.height, 1, image.width)
    if image.dpi:
        api.SetSourceResolution(image.dpi)


def _load(tessdata: str, languages: tuple[str, ...]) -> tesserocr.PyTessBaseAPI:
    mode = tesserocr.OEM.TESSERACT_ONLY if languages == (_NO_LANGUAGE,) else tesserocr.OEM.LSTM_ONLY
    names = "+".join(languages)
    try:
        api = tesserocr.PyTessBaseAPI(path=tessdata, lang=names, oem=mode)
    except RuntimeError as error:
        raise ConfigurationError(f"Tesseract lacks a language of {names}") from error
    for variable, value in tesseract_variables(languages).items():
        api.SetVariable(variable, value)
    return api
