"""Whether an Office archive may be opened at all: bounded when expanded, not encrypted, no entities."""

import zipfile
from collections.abc import Sequence

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded
from heron_grpc.settings import KIB, MIB, ReadingSettings

_MOST_ENTRIES = 5_000
# Real documents stay below 40; text that repeats a few bytes for ever reaches 1000 (RFC 1951).
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 4 * MIB
_MOST_XML_BYTES = 64 * MIB
_ENCRYPTED_FLAG = 0x1
_PROLOGUE_BYTES = 4 * KIB
# In the encodings an XML parser recognises by itself.
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))


def check_package(path: str, settings: ReadingSettings) -> None:
    """Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded.

    The sizes in the directory can be trusted as limits: zipfile stops reading an entry there.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(entries, settings.max_expanded_mb * MIB)
            _check_prologues(archive, entries)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise CorruptDocument("the document's archive is damaged") from error


def _check_sizes(entries: Sequence[zipfile.ZipInfo], max_bytes: int) -> None:
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise EncryptedDocument("the document is protected by a password")
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > max_bytes:
        raise _expands()
    for entry in entries:
        swollen = entry.file_size > _RATIO_FROM_BYTES and entry.file_size > _MOST_RATIO * max(entry.compress_size, 1)
        if swollen or (_is_xml(entry) and entry.file_size > _MOST_XML_BYTES):
            raise _expands()


def _check_prologues(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Office XML has no document type declaration; entities are only ever an attack."""
    for entry in filter(_is_xml, entries):
        with archive.open(entry) as file:
            prologue = file.read(_PROLOGUE_BYTES)
        if any(doctype in prologue for doctype in _DOCTYPES):
            raise CorruptDocument("the document declares XML entities")


def _is_xml(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith((".xml", ".rels"))


def _expands() -> ReadingLimitExceeded:
    return ReadingLimitExceeded("the document's archive expands to more than is read", {"limit": "output"})
