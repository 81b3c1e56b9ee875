"""A file in, a reading out: detect, read, bound, and never an empty answer without a reason."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from heron_grpc.domain.document import Page, Part, ReadRequest
from heron_grpc.domain.errors import UnsupportedMediaType
from heron_grpc.domain.steps import Effort, Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.bounds import bounded
from heron_grpc.reading.detect import detect
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.registry import find_reader
from heron_grpc.settings import ReadingSettings


def read_document(request: ReadRequest, settings: ReadingSettings) -> Iterator[Step]:
    """Blocks; to be called where it can be killed. Raises DocumentError, and what parsers of foreign bytes raise."""
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
    )
    yield from bounded(_read_file(request.path, request.filename, options), settings)
    yield Effort(options.spent.ocr_s)


def _read_file(path: str, name: str, options: ReadOptions) -> Iterator[Step]:
    """The file's part, then what its reader yields."""
    media_type = detect(path, name)
    reader = find_reader(media_type)
    if reader is None:
        raise UnsupportedMediaType(_refusal(media_type), {"media_type": media_type})
    part = Part(options.part, media_type, container=options.container)
    yield replace(part, name=name, size_bytes=Path(path).stat().st_size) if options.part else part
    for step in reader.read(path, replace(options, media_type=media_type)):
        yield _kept(step, options)


def _kept(step: Step, options: ReadOptions) -> Step:
    """With words only where they are wanted, and the part that it is of; what is inside is already marked."""
    if not isinstance(step, Page):
        return step
    if step.words and not options.with_words:
        step = replace(step, words=())
    return replace(step, part=options.part) if options.part and not step.part else step


def _refusal(media_type: str) -> str:
    if media_type == types.UNKNOWN:
        return "the document is of no known type (application/octet-stream)"
    return f"documents of type {media_type} are not read yet"
