"""Text recognition: languages, engines, upright and clean images, quality, and when to give up."""

from heron_grpc.reading.ocr.engines import engine_name, second_engine_name
from heron_grpc.reading.ocr.languages import language_codes, languages, package_of

__all__ = ["engine_name", "language_codes", "languages", "package_of", "second_engine_name"]
