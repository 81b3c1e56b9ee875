"""A file in, a reading out: detect, read, bound, and never an empty answer without a reason."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from heron_grpc.domain.document import Page, Part, ReadRequest, Table
from heron_grpc.domain.errors import UnsupportedMediaType
from heron_grpc.domain.steps import Effort, Metadata, Outlook, Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.bounds import bounded
from heron_grpc.reading.detect import detect
from heron_grpc.reading.language import detect_language
from heron_grpc.reading.page_selection import pages_out_of_range
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.registry import find_reader
from heron_grpc.settings import ReadingSettings


def read_document(request: ReadRequest, settings: ReadingSettings) -> Iterator[Step]:
    """Blocks; to be called where it can be killed. Raises DocumentError, and what parsers of foreign bytes raise."""
    if request.all_words:
        settings = settings.model_copy(update={"max_word_pages": settings.max_pages})
    options = ReadOptions(
        types.UNKNOWN,
        settings,
        _read_file,
        request.ocr,
        request.languages,
        request.page_ranges,
        request.with_words,
        request.password,
        request.enough_chars,
        with_tables=request.with_tables,
        look_chars=request.look_chars,
    )
    yield from bounded(_read_whole(request, options), settings)
    if options.spent.barcodes:
        yield Metadata({"barcodes": ", ".join(sorted(options.spent.barcodes))})
    yield Effort(options.spent.ocr_s)


def _read_whole(request: ReadRequest, options: ReadOptions) -> Iterator[Step]:
    expected = 0
    for step in _read_file(request.path, request.filename, options):
        if options.spent.chosen_pages > expected:
            expected = options.spent.chosen_pages
            yield Outlook(expected)
        yield step
    yield from pages_out_of_range(options)


def _read_file(path: str, name: str, options: ReadOptions) -> Iterator[Step]:
    """The file's part, then what its reader yields."""
    media_type = detect(path, name)
    reader = find_reader(media_type)
    if reader is None:
        raise UnsupportedMediaType(_refusal(media_type), {"media_type": media_type})
    part = Part(options.part, media_type, container=options.container)
    yield replace(part, name=name, size_bytes=Path(path).stat().st_size) if options.part else part
    for step in reader.read(path, replace(options, media_type=media_type)):
        if options.with_tables or not isinstance(step, Table):
            yield _kept(step, options)


def _kept(step: Step, options: ReadOptions) -> Step:
    """With words only where they are wanted, its language and part; what is inside has been through this already."""
    if not isinstance(step, Page) or step.part != 0:
        return step
    words = step.words if options.with_words else ()
    language, confidence = step.language, step.language_confidence
    if not language:
        language, confidence = detect_language(step.text)
    return replace(step, words=words, language=language, language_confidence=confidence, part=options.part)


def _refusal(media_type: str) -> str:
    if media_type == types.UNKNOWN:
        return "the document is of no known type (application/octet-stream)"
    return f"documents of type {media_type} are not read yet"
