"""What a format reader is, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass

from heron_grpc.domain.document import OcrMode, Reading
from heron_grpc.settings import ReadingSettings


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a document, and the limits to keep."""

    media_type: str
    settings: ReadingSettings
    ocr: OcrMode = OcrMode.AUTO
    # BCP-47.
    languages: tuple[str, ...] = ()
    # 1-based inclusive ranges; empty means all.
    page_ranges: tuple[tuple[int, int], ...] = ()
    with_words: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """A format: its media types, the usual suffixes, and the function that reads it.

    The function gets a path it may only read, blocks, and raises DocumentError; foreign errors it lets through count
    as CorruptDocument. What it could not read it says as a warning.
    """

    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    read: Callable[[str, ReadOptions], Reading]
