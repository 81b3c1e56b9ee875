"""Text recognition: languages, engines, upright and clean images, quality, and when to give up."""

from heron_grpc.reading.ocr.engines import engine_name, second_engine_name
from heron_grpc.reading.ocr.languages import has_script_detection, language_codes, languages, package_of
from heron_grpc.reading.ocr.scripts import languages_of

__all__ = [
    "engine_name",
    "has_script_detection",
    "language_codes",
    "languages",
    "languages_of",
    "package_of",
    "second_engine_name",
]
