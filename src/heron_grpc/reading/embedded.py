"""Documents inside a document: attachments, archive entries, pictures. Each is read as any other, within one budget."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from heron_grpc.domain.document import DocumentWarning, Page, Part, Table
from heron_grpc.domain.errors import CorruptDocument, DocumentError, EncryptedDocument, ReadingLimitExceeded
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


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A document inside a document that what holds it has already taken apart."""

    name: str
    media_type: str
    # As a format's reader, but for the path.
    read: Callable[[ReadOptions], Iterator[Step]]


def read_embedded(inside: Iterable[Embedded | Unpacked], after: int, options: ReadOptions) -> Iterator[Step]:
    """Steps of the documents inside one whose own pages are `after`: their pages are numbered on from there.

    One that cannot be read is a part with a warning. Limits on their number, depth and bytes end it with a warning.
    """
    try:
        yield from _read_each(inside, after, options)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  finding the next one failed: those read so far stay
        message = "documents inside this one were not read: the rest cannot be unpacked"
        yield DocumentWarning("PARTS_LEFT_OUT", message, STAGE)


def room(options: ReadOptions) -> int:
    """Bytes the next document inside may have, unpacked; it is refused beyond."""
    settings = options.settings
    return min(settings.file_size_mb * MIB, settings.max_expanded_mb * MIB - options.spent.part_bytes)


def too_large() -> ReadingLimitExceeded:
    """What unpacking raises for a document beyond `room`."""
    return ReadingLimitExceeded("it is larger than is read of documents inside one", {"limit": "output"})


def _read_each(inside: Iterable[Embedded | Unpacked], after: int, options: ReadOptions) -> Iterator[Step]:
    # What select_pages has counted so far, all documents before and around this one included.
    before = options.spent.pages - after
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
        )
        last = 0
        for step in _read(each, inner):
            if isinstance(step, Page):
                last = step.number
            yield _placed(step, after, inner.part)
        # A part read in part has pages beyond the last one that came.
        after = max(after + last, options.spent.pages - before)


def _limit(options: ReadOptions) -> str:
    """Why no more are read; empty when they are."""
    if options.depth >= options.settings.max_part_depth:
        return "they are nested too deeply"
    if options.spent.parts >= options.settings.max_parts:
        return "there are too many"
    if room(options) <= 0:
        return "they hold too many bytes"
    return ""


def _read(embedded: Embedded | Unpacked, options: ReadOptions) -> Iterator[Step]:
    """Its part and what its reader yields, without metadata: those are of the whole document."""
    named = False
    try:
        for step in _steps(embedded, options):
            named = named or isinstance(step, Part)
            if not isinstance(step, Metadata):
                yield step
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  parsers of foreign bytes raise anything; the others inside go on
        problem = error if isinstance(error, DocumentError) else CorruptDocument("the document cannot be parsed")
        if not named:
            media_type = problem.metadata.get("media_type", types.UNKNOWN)
            yield Part(options.part, media_type, embedded.name, options.container)
        code = "PART_ENCRYPTED" if isinstance(problem, EncryptedDocument) else "PART_UNREADABLE"
        yield DocumentWarning(code, problem.message, STAGE)


def _steps(embedded: Embedded | Unpacked, options: ReadOptions) -> Iterator[Step]:
    """Its part and what its reader yields. Raises DocumentError and what parsers of foreign bytes raise."""
    if isinstance(embedded, Unpacked):
        yield Part(options.part, embedded.media_type, embedded.name, options.container)
        yield from embedded.read(replace(options, media_type=embedded.media_type))
        return
    content = embedded.unpack()
    if len(content) > room(options):
        raise too_large()
    options.spent.part_bytes += len(content)
    # In memory: a child writes no files.
    with os.fdopen(os.memfd_create("part", os.MFD_CLOEXEC), "wb") as file:
        file.write(content)
        file.flush()
        # Held twice, a large document would cost twice.
        del content
        yield from options.read_file(f"/proc/self/fd/{file.fileno()}", embedded.name, options)


def _placed(step: Step, after: int, part: int) -> Step:
    """With the page's number in the whole document, and the part it is of; what lies deeper is already marked."""
    match step:
        case Page():
            return replace(step, number=step.number + after, part=step.part or part)
        case Table():
            return replace(step, page=step.page + after)
        case DocumentWarning(page=0):
            return step if step.message.startswith("part ") else replace(step, message=f"part {part}: {step.message}")
        case DocumentWarning():
            return replace(step, page=step.page + after)
    return step


def _shifted(ranges: tuple[tuple[int, int], ...], after: int) -> tuple[tuple[int, int], ...]:
    """The ranges as the document inside numbers its pages; one that asks for none of them stays one that asks."""
    if not ranges:
        return ()
    return tuple((max(first - after, 0), last - after) for first, last in ranges if last > after) or ((0, 0),)
