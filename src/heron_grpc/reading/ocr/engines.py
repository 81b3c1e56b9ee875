"""Which OCR engines this deployment has."""

from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from heron_grpc.domain.ports import OcrEngine, ScriptFinder
from heron_grpc.reading.ocr.languages import languages, tessdata_dir
from heron_grpc.settings import ReadingSettings

# Best first; imported when asked for, since a platform may lack one of the libraries.
_ENGINES = {"tesserocr": "TesserocrEngine", "pytesseract": "PytesseractEngine"}


@dataclass(frozen=True, slots=True)
class Engines:
    """The engine for every page, and the one for pages it reads poorly."""

    first: ScriptFinder
    second: OcrEngine | None = None


def engine_name(settings: ReadingSettings) -> str:
    """Name of the engine that will be used; "" when there is none, or no language for it. Loads nothing."""
    return next((name for name in _allowed(settings) if find_spec(name)), "") if languages(settings) else ""


def second_engine_name(settings: ReadingSettings) -> str:
    """Name of the engine for pages the first one reads poorly; "" when there is none. Loads nothing."""
    return "rapidocr" if settings.ocr_second_engine == "auto" and find_spec("rapidocr") else ""


def find_engines(settings: ReadingSettings) -> Engines | None:
    """The engines to use, their libraries loaded, their models not; None without a first one."""
    folder = tessdata_dir(settings)
    if folder is None or not languages(settings):
        return None
    for name in _allowed(settings):
        with suppress(ImportError):
            module = import_module(f"heron_grpc.reading.ocr.{name}_engine")
            return Engines(getattr(module, _ENGINES[name])(str(folder)), _second(settings))
    return None


def _second(settings: ReadingSettings) -> OcrEngine | None:
    if not second_engine_name(settings):
        return None
    with suppress(ImportError):
        module = import_module("heron_grpc.reading.ocr.rapidocr_engine")
        engine: OcrEngine = module.RapidocrEngine()
        return engine
    return None


def _allowed(settings: ReadingSettings) -> list[str]:
    return [name for name in _ENGINES if settings.ocr_engine in {"auto", name}]
