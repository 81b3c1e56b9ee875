"""ZIP archives (APPNOTE 6.3): packets of documents, one part an entry."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from operator import attrgetter

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded
from heron_grpc.domain.steps import Step
from heron_grpc.reading.embedded import Embedded, read_embedded, room, too_large
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import KIB, MIB

# What systems put beside the documents.
_LITTER = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_MOST_DIGITS = 20
# Real documents stay below 40; text that repeats a few bytes for ever reaches 1000 (RFC 1951).
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 4 * MIB
# zipfile unpacks LZMA without a limit on what comes out: up to 7,000 times as much.
_PIECE_BYTES = 16 * KIB
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_LOCAL_HEADER_BYTES = 30
_UNICODE_PATH = 0x7075
_FIELD = struct.Struct("<HH")


def read_zip(path: str, options: ReadOptions) -> Iterator[Step]:
    """No page of its own. Raises CorruptDocument, EncryptedDocument when all is, ReadingLimitExceeded for a bomb."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise CorruptDocument("the archive is damaged") from error
    with archive:
        entries = archive.infolist()
        _check_overlap(entries)
        files = [(name, entry) for entry in entries if _is_file(name := _name(entry))]
        if files and not options.password and all(entry.flag_bits & _ENCRYPTED for _, entry in files):
            raise EncryptedDocument("the archive is protected by a password")
        inside = (
            Embedded(name, partial(_content, archive, entry, options))
            for name, entry in sorted(files, key=lambda file: _in_order(file[0]))
        )
        yield from read_embedded(inside, 0, options)


def _check_overlap(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Entries that share bytes expand each of them many times over, where every single one looks harmless."""
    for entry, following in pairwise(sorted(entries, key=attrgetter("header_offset"))):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > following.header_offset:
            raise ReadingLimitExceeded("entries of the archive overlap: it was made to expand", {"limit": "output"})


def _name(entry: zipfile.ZipInfo) -> str:
    """In Unicode where the entry says so; many programs write UTF-8 and do not say so, others code page 437."""
    name = entry.filename
    if not entry.flag_bits & _UTF_8:
        written = entry.orig_filename.encode("cp437")
        with suppress(UnicodeDecodeError):
            name = (_unicode_path(entry.extra, written) or written).decode("utf-8")
    return name.replace("\\", "/")


def _unicode_path(extra: bytes, name: bytes) -> bytes:
    """The name in UTF-8 from an extra field, unless it belongs to a name that has been changed since."""
    at = 0
    while at + _FIELD.size <= len(extra):
        kind, size = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        field = extra[at : at + size]
        if kind == _UNICODE_PATH and field[1:5] == zlib.crc32(name).to_bytes(4, "little"):
            return field[5:]
        at += size
    return b""


def _is_file(name: str) -> bool:
    return not name.endswith("/") and not _LITTER.search(name)


def _in_order(name: str) -> str:
    """Page 2 before page 10."""
    return _NUMBER.sub(lambda digits: digits[0].zfill(_MOST_DIGITS), name.casefold())


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, options: ReadOptions) -> bytes:
    swollen = entry.file_size > _RATIO_FROM_BYTES and entry.file_size > _MOST_RATIO * max(entry.compress_size, 1)
    if swollen or entry.file_size > room(options):
        raise too_large()
    content = bytearray()
    try:
        with archive.open(entry, pwd=options.password.encode() or None) as file:
            while piece := file.read(_PIECE_BYTES):
                content += piece
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError, zlib.error) as error:
        # zipfile has one RuntimeError for a password that is missing and one for a wrong one.
        if entry.flag_bits & _ENCRYPTED:
            raise EncryptedDocument("it is protected by a password") from error
        raise CorruptDocument("it is damaged, or packed in a way that is not read") from error
    return bytes(content)
