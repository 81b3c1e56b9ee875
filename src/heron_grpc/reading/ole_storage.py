"""Compound files as Office's binary formats use them (MS-CFB, MS-OLEPS): streams, properties, attached files."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import olefile

from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.reading.embedded import Embedded

# What olefile raises for damaged files.
_DAMAGE = (OSError, ValueError, IndexError, TypeError, KeyError, AttributeError, OverflowError, struct.error)
_PROPERTIES = ("title", "subject", "author", "keywords", "comments", "category", "company", "manager", "template")
_OTHERS = {"last_saved_by": "last_modified_by", "creating_application": "application"}
_DATES = {"create_time": "created", "last_saved_time": "modified"}
_NATIVE = "\x01Ole10Native"
# Streams that hold a whole file: what Acrobat and Office 2007 write.
_WHOLE_FILES = ("Package", "CONTENTS")
_MOST_FILES = 1000


@contextmanager
def open_ole(source: str | bytes) -> Iterator[olefile.OleFileIO]:
    """Raises CorruptDocument."""
    try:
        ole = olefile.OleFileIO(source)
    except _DAMAGE as error:
        raise CorruptDocument("the compound file is damaged") from error
    with ole:
        yield ole


def stream(ole: olefile.OleFileIO, *name: str) -> bytes:
    """Its bytes; none where there is no such stream. Raises CorruptDocument."""
    try:
        return bytes(ole.openstream(list(name)).read()) if ole.exists(list(name)) else b""
    except _DAMAGE as error:
        raise CorruptDocument("a stream of the document is damaged") from error


def ole_metadata(ole: olefile.OleFileIO) -> dict[str, str]:
    """What is set; damaged properties are as good as none."""
    try:
        found = ole.get_metadata()
    except _DAMAGE:
        return {}
    code_page = getattr(found, "codepage", None) or 1252
    names = {name: name for name in _PROPERTIES} | _OTHERS | _DATES
    values = {ours: _written(getattr(found, theirs, None), code_page) for theirs, ours in names.items()}
    return {name: value for name, value in values.items() if value}


def attached_files(ole: olefile.OleFileIO) -> Iterator[Embedded]:
    """Files that were dropped into the document, and objects that are files of their own."""
    for name in ole.listdir()[:_MOST_FILES]:
        if name[-1] == _NATIVE:
            label, content = _native_file(stream(ole, *name))
            yield Embedded(label or "".join(name[-2:-1]), partial(bytes, content))
        elif name[-1] in _WHOLE_FILES:
            yield Embedded("".join(name[-2:-1]), partial(stream, ole, *name))


def held_file(content: bytes, name: str) -> tuple[str, bytes]:
    """Name and bytes of the file an OLE object holds; the object itself where it holds none."""
    try:
        with open_ole(content) as ole:
            for each in attached_files(ole):
                return each.name or name, each.unpack()
    except CorruptDocument:
        # Its reader will say so.
        return name, content
    return name, content


def _native_file(content: bytes) -> tuple[str, bytes]:
    """Name and bytes of a file dropped into a document: size, flags, label, path, reserved, path, size, bytes.

    Path and label may follow again, in UTF-16.
    """
    label, path_at = _string(content, 6)
    _, reserved_at = _string(content, path_at)
    at = reserved_at + 8 + int.from_bytes(content[reserved_at + 4 : reserved_at + 8], "little")
    size = int.from_bytes(content[at : at + 4], "little")
    end = at + 4 + size
    _, wide_label_at = _wide_string(content, end)
    wide_label, _ = _wide_string(content, wide_label_at)
    return wide_label or label, content[at + 4 : end]


def _string(content: bytes, at: int) -> tuple[str, int]:
    end = content.find(b"\0", at)
    return (content[at:end].decode("cp1252", "replace"), end + 1) if end >= at else ("", len(content))


def _wide_string(content: bytes, at: int) -> tuple[str, int]:
    """What stands there, and where it ends; empty where it is cut short."""
    end = at + 4 + 2 * int.from_bytes(content[at : at + 4], "little")
    if end > len(content):
        return "", len(content)
    return content[at + 4 : end].decode("utf-16-le", "replace").rstrip("\0"), end


def _written(value: object, code_page: int) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8" if code_page % 0x10000 == 65001 else f"cp{code_page % 0x10000}").strip(" \0")
        except (LookupError, UnicodeDecodeError):
            return value.decode("cp1252", "replace").strip(" \0")
    return value.isoformat() if isinstance(value, datetime) and value.year > 1601 else ""
