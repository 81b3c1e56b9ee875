"""Documents inside a document: attachments, archive entries, pictures. Each is read as any other, within one budget."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from heron_grpc.domain.document import DocumentWarning, Page, Part, Table
from heron_grpc.domain.errors import DocumentError
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import MIB


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document inside a document, still packed."""

    # As what holds it calls it.
    name: str
    # Its bytes; raises DocumentError or what unpacking raises.
    unpack: Callable[[], bytes]


def read_embedded(inside: Iterable[Embedded], after: int, options: ReadOptions) -> Iterator[Step]:
    """Steps of the documents inside one whose own pages are `after`: their pages are numbered on from there.

    One that cannot be read is a part with a warning. Limits on their number, depth and bytes end it with a warning.
    """
    for each in inside:
        if reason := _limit(options):
            yield DocumentWarning("PARTS_LEFT_OUT", f"documents inside this one were not read: {reason}", STAGE)
            return
        options.spent.parts += 1
        inner = replace(
            options,
            part=options.spent.parts,
            container=options.part,
            depth=options.depth + 1,
            page_ranges=_shifted(options.page_ranges, after),
            password="",
        )
        last = 0
        for step in _read(each, inner):
            if isinstance(step, Page):
                last = step.number
            yield _numbered(step, after)
        after += last


def _limit(options: ReadOptions) -> str:
    """Why no more are read; empty when they are."""
    if options.depth >= options.settings.max_part_depth:
        return "they are nested too deeply"
    if options.spent.parts >= options.settings.max_parts:
        return "there are too many"
    if options.spent.part_bytes > options.settings.max_expanded_mb * MIB:
        return "they hold too many bytes"
    return ""


def _read(embedded: Embedded, options: ReadOptions) -> Iterator[Step]:
    """Its part and what its reader yields, without metadata: those are of the whole document."""
    named = False
    try:
        content = embedded.unpack()
        options.spent.part_bytes += len(content)
        with _file(content) as path:
            for step in options.read_file(path, embedded.name, options):
                named = named or isinstance(step, Part)
                if not isinstance(step, Metadata):
                    yield step
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  parsers of foreign bytes raise anything; the others inside go on
        if not named:
            media_type = error.metadata.get("media_type", types.UNKNOWN) if isinstance(error, DocumentError) else ""
            yield Part(options.part, media_type or types.UNKNOWN, embedded.name, options.container)
        reason = error.message if isinstance(error, DocumentError) else "the document cannot be parsed"
        yield DocumentWarning("PART_UNREADABLE", f"part {options.part} was not read: {reason}", STAGE)


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """A path to the bytes, in memory: a child writes no files."""
    descriptor = os.memfd_create("part", os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _numbered(step: Step, after: int) -> Step:
    """With the page's number in the whole document."""
    if isinstance(step, Page):
        return replace(step, number=step.number + after)
    if isinstance(step, Table) or (isinstance(step, DocumentWarning) and step.page):
        return replace(step, page=step.page + after)
    return step


def _shifted(ranges: tuple[tuple[int, int], ...], after: int) -> tuple[tuple[int, int], ...]:
    """The ranges as the document inside numbers its pages; one that asks for none of them stays one that asks."""
    if not ranges:
        return ()
    return tuple((max(first - after, 0), last - after) for first, last in ranges if last > after) or ((0, 0),)
