"""Which OCR engine this deployment has."""

from importlib import import_module
from importlib.util import find_spec

from heron_grpc.domain.ports import OcrEngine
from heron_grpc.reading.ocr.languages import languages, tessdata_dir
from heron_grpc.settings import ReadingSettings

# Best first; imported when asked for, since a platform may lack one of the libraries.
_ENGINES = {"tesserocr": "TesserocrEngine", "pytesseract": "PytesseractEngine"}


def engine_name(settings: ReadingSettings) -> str:
    """Name of the engine that will be used; "" when there is none, or no language for it."""
    allowed = _ENGINES if settings.ocr_engine == "auto" else {settings.ocr_engine}
    installed = next((name for name in _ENGINES if name in allowed and find_spec(name)), "")
    return installed if languages(settings) else ""


def find_engine(settings: ReadingSettings) -> OcrEngine | None:
    """The engine to use, if there is one."""
    name = engine_name(settings)
    if not name:
        return None
    module = import_module(f"heron_grpc.reading.ocr.{name}_engine")
    engine: OcrEngine = getattr(module, _ENGINES[name])(str(tessdata_dir(settings)))
    return engine
