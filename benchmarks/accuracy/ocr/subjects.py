"""Who reads the pages: the service's reader, the same without a step of its clean-up, and the engine as it comes."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from PIL import Image

from heron_grpc.domain.document import OcrMode, ReadRequest
from heron_grpc.domain.steps import gather
from heron_grpc.reading.ocr import clean_up, page_reading
from heron_grpc.reading.ocr.languages import tesseract_name
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings

# What the service's reader does to pages beyond the engine, and where that is done away with.
STEPS: dict[str, tuple[ModuleType, str, Callable[..., Any]]] = {
    "border": (clean_up, "without_bed", lambda view: view),
    "noise": (clean_up, "smoothed", lambda view: view),
    "shadow": (clean_up, "lit", lambda view: view),
    "skew": (clean_up, "straightened", lambda view: view),
    "size": (page_reading, "sized", lambda view, _height: view),
    "turning": (page_reading, "find_rotation", lambda *_: 0),
    "second engine": (page_reading, "is_latin_or_chinese", lambda _languages: False),
}
# Seconds: no page stays unread because the machine is busy.
_BUDGET_S = 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a subject made of a page."""

    text: str
    cpu_s: float
    rotation: int = 0
    quality: float = 0.0
    confidence: float = 0.0


def service(file: Path, tessdata: str = "", languages: tuple[str, ...] = ()) -> Found:
    """The service's reader in this process, from the file to the text."""
    settings = ReadingSettings(ocr_budget_s=_BUDGET_S, tessdata_dir=tessdata)
    request = ReadRequest(str(file), file.name, OcrMode.ALWAYS, languages)
    started = time.process_time()
    reading = gather(read_document(request, settings))
    cpu_s = time.process_time() - started
    page = reading.pages[0]
    return Found(reading.text, cpu_s, page.rotation, page.quality, page.ocr_confidence)


def without(steps: Iterable[str], file: Path) -> Found:
    """The service's reader without those of STEPS."""
    with ExitStack() as skipped:
        for module, function, nothing in map(STEPS.__getitem__, steps):
            skipped.enter_context(patch.object(module, function, nothing))
        return service(file)


def raw_engine(file: Path, tessdata: str = "", languages: tuple[str, ...] = ("en",)) -> Found:
    """Tesseract in this process, one column of text, neural engine: decoded, made grey, recognised."""
    api = _api(tessdata, "+".join(map(tesseract_name, languages)))
    started = time.process_time()
    with Image.open(file) as image:
        grey = image.convert("L")
        dpi = round(image.info.get("dpi", (0, 0))[0])
    api.SetImageBytes(grey.tobytes(), grey.width, grey.height, 1, grey.width)
    if dpi:
        api.SetSourceResolution(dpi)
    text = api.GetUTF8Text()
    found = Found(text, time.process_time() - started, confidence=api.MeanTextConf() / 100)
    api.Clear()
    return found


@cache
def _api(tessdata: str, languages: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    # Imported late: OMP_THREAD_LIMIT has to be set before.
    import tesserocr  # noqa: PLC0415

    from heron_grpc.reading.ocr.languages import tessdata_dir  # noqa: PLC0415

    folder = tessdata or str(tessdata_dir(ReadingSettings()))
    return tesserocr.PyTessBaseAPI(
        path=folder, lang=languages, psm=tesserocr.PSM.SINGLE_COLUMN, oem=tesserocr.OEM.LSTM_ONLY
    )
