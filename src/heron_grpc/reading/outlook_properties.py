"""Properties of Outlook's mails, recipients and attachments (MS-OXMSG), by their numbers (MS-OXPROPS)."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property

import olefile

from heron_grpc.reading.decoding import Decoded
from heron_grpc.reading.mail_text import decode_charset
from heron_grpc.reading.ole_storage import stream

# Tag, flags, value or size.
_ENTRY = struct.Struct("<HHI8s")
_TEXT, _NARROW_TEXT, _BINARY, _STORAGE = 0x001F, 0x001E, 0x0102, 0x000D
_PROPERTIES = "__properties_version1.0"
# Bytes before the properties of the file's own mail, of one inside, of anything else.
_IN_FILE, _IN_MAIL, _ELSEWHERE = 32, 24, 8
_CODE_PAGE = 0x3FFD
_WHOLE_FILES = ("Package", "CONTENTS")
# Code pages whose charset is not called after their number.
_CHARSETS = {
    1200: "utf-16-le",
    20127: "ascii",
    20866: "koi8-r",
    20932: "euc-jp",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    50221: "iso-2022-jp",
    50222: "iso-2022-jp",
    50225: "iso-2022-kr",
    51932: "euc-jp",
    51949: "euc-kr",
    52936: "hz",
    54936: "gb18030",
    65000: "utf-7",
    65001: "utf-8",
}
_LATIN = range(28591, 28606)
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class OutlookProperties:
    """What one storage of the compound file says; what lies in a mail goes by that mail's code page."""

    def __init__(self, ole: olefile.OleFileIO, path: str = "", mail: "OutlookProperties | None" = None) -> None:
        self._ole = ole
        self._path = path
        self._code_page = mail.number(_CODE_PAGE) if mail else self.number(_CODE_PAGE)

    def text(self, number: int) -> str:
        """Empty when there is none."""
        return self.body(number).text.strip()

    def body(self, number: int, code_page: int = 0) -> Decoded:
        """A text in Unicode, or else in a code page, the mail's where none is named; perhaps kept as bytes."""
        if wide := self._stream(number, _TEXT):
            return Decoded(wide.decode("utf-16-le", "replace").rstrip("\0").replace("\r\n", "\n"), "utf-16-le")
        narrow = (self._stream(number, _NARROW_TEXT) or self._stream(number, _BINARY)).rstrip(b"\0")
        return decode_charset(narrow, _charset(code_page or self._code_page))

    def content(self, number: int) -> bytes:
        """Empty when there is none."""
        return self._stream(number, _BINARY)

    def number(self, number: int) -> int:
        """0 when there is none."""
        return int.from_bytes(self._values.get(number, b"")[:4], "little")

    def time(self, number: int) -> datetime | None:
        """In UTC; None when there is none, or one no calendar knows."""
        ticks = int.from_bytes(self._values.get(number, b""), "little")
        try:
            return _EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def inside(self, prefix: str) -> "Iterator[OutlookProperties]":
        """The mail's recipients or attachments, in the order of their numbers."""
        start = f"{self._path}{prefix}"
        depth = start.count("/") + 1
        paths = {"/".join(path[:depth]) for path in self._ole.listdir() if "/".join(path).startswith(start)}
        return (OutlookProperties(self._ole, f"{path}/", self) for path in sorted(paths))

    def mail(self, number: int) -> "OutlookProperties | None":
        """A mail that lies in this attachment."""
        path = f"{self._path}{_stream_name(number, _STORAGE)}/"
        return OutlookProperties(self._ole, path) if self._ole.exists(path + _PROPERTIES) else None

    def whole_file(self, number: int) -> bytes:
        """The file that an object in this attachment was made from (MS-OLEDS); empty where it is of another kind."""
        path = f"{self._path}{_stream_name(number, _STORAGE)}/"
        return next(filter(None, (self._read(path + name) for name in _WHOLE_FILES)), b"")

    @cached_property
    def _values(self) -> dict[int, bytes]:
        """Properties of a fixed size: 8 bytes each."""
        inside = _IN_MAIL if self._path.endswith(f"{_STORAGE:04X}/") else _ELSEWHERE
        entries = self._read(self._path + _PROPERTIES)[inside if self._path else _IN_FILE :]
        whole = len(entries) - len(entries) % _ENTRY.size
        return {number: value for _, number, _, value in _ENTRY.iter_unpack(entries[:whole])}

    def _stream(self, number: int, kind: int) -> bytes:
        return self._read(self._path + _stream_name(number, kind))

    def _read(self, path: str) -> bytes:
        return stream(self._ole, *path.split("/"))


def _stream_name(number: int, kind: int) -> str:
    return f"__substg1.0_{number:04X}{kind:04X}"


def _charset(code_page: int) -> str:
    if code_page in _LATIN:
        return f"iso-8859-{code_page - _LATIN.start + 1}"
    return _CHARSETS.get(code_page, f"cp{code_page}")
