"""Text recognition: languages, engines, upright and clean images, and when to give up."""

from heron_grpc.reading.ocr.engines import engine_name
from heron_grpc.reading.ocr.languages import language_codes, languages

__all__ = ["engine_name", "language_codes", "languages"]
