"""Which OCR engine this deployment has."""

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

from heron_grpc.domain.ports import OcrEngine
from heron_grpc.reading.ocr.languages import languages, tessdata_dir
from heron_grpc.settings import ReadingSettings

# Best first; imported when asked for, since a platform may lack one of the libraries.
_ENGINES = {"tesserocr": "TesserocrEngine", "pytesseract": "PytesseractEngine"}


def engine_name(settings: ReadingSettings) -> str:
    """Name of the engine that will be used; "" when there is none, or no language for it. Loads nothing."""
    return next((name for name in _allowed(settings) if find_spec(name)), "") if languages(settings) else ""


def find_engine(settings: ReadingSettings) -> OcrEngine | None:
    """The engine to use, loaded, if there is one."""
    folder = tessdata_dir(settings)
    if folder is None or not languages(settings):
        return None
    for name in _allowed(settings):
        with suppress(ImportError):
            module = import_module(f"heron_grpc.reading.ocr.{name}_engine")
            engine: OcrEngine = getattr(module, _ENGINES[name])(str(folder))
            return engine
    return None


def _allowed(settings: ReadingSettings) -> list[str]:
    return [name for name in _ENGINES if settings.ocr_engine in {"auto", name}]
