"""Documents as callers hand them in, and their bytes, read from the beginning as often as they can be."""

import os
import stat
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

# Larger documents are streamed. The service takes 4 MiB inline; a stream holds less in memory on both sides.
INLINE_BYTES = 1024 * 1024
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A document to read or classify. `key` is the caller's own, handed back with the result.

    >>> Document.from_file("statement.pdf", key=17, password="only the addressee knows")
    >>> Document.from_bytes(data, filename="scan.png")
    >>> Document.from_text("Invoice no. 17 ...")
    """

    source: str | bytes | Path | BinaryIO = field(repr=False)
    filename: str = field(default="", repr=False)
    key: Hashable = None
    # Opens an encrypted document.
    password: str = field(default="", repr=False)

    @classmethod
    def from_text(cls, text: str, key: Hashable = None) -> "Document":
        """A document whose text is known."""
        return cls(text, "", key)

    @classmethod
    def from_bytes(cls, data: bytes, filename: str = "", key: Hashable = None, password: str = "") -> "Document":
        """A file's bytes."""
        return cls(data, filename, key, password)

    @classmethod
    def from_file(
        cls,
        file: str | os.PathLike[str] | BinaryIO,
        filename: str | None = None,
        key: Hashable = None,
        password: str = "",
    ) -> "Document":
        """A file, opened when its turn comes, or an open binary stream, read from where it stands and left open."""
        if isinstance(file, str | os.PathLike):
            path = Path(file)
            return cls(path, path.name if filename is None else filename, key, password)
        return cls(file, filename or "", key, password)


def as_document(value: object) -> Document:
    """A Document, or the Path of one for short. Raises TypeError for anything else."""
    if isinstance(value, Document):
        return value
    if isinstance(value, Path):
        return Document.from_file(value)
    raise TypeError(f"documents must be Document or Path, not {type(value).__name__}")


class Content:
    """An open document: its beginning, and the rest on demand."""

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        """`size_bytes` is 0 when it is not known."""
        self._stream = stream
        self.head = _read(stream, INLINE_BYTES + 1)
        self.size_bytes = size_bytes

    @property
    def is_small(self) -> bool:
        """Whether `head` is all there is."""
        return len(self.head) <= INLINE_BYTES

    def whole(self, most_bytes: int) -> bytes:
        """Everything, or the first so many bytes and one more."""
        return self.head + _read(self._stream, most_bytes + 1 - len(self.head))

    def chunks(self) -> Iterator[bytes]:
        """Everything, in chunks of CHUNK_BYTES."""
        head, self.head = self.head, b""
        whole = len(head) - len(head) % CHUNK_BYTES
        for start in range(0, whole, CHUNK_BYTES):
            yield head[start : start + CHUNK_BYTES]
        rest = head[whole:]
        while chunk := rest + _read(self._stream, CHUNK_BYTES - len(rest)):
            yield chunk
            rest = b""


class Source:
    """Where a document's bytes come from."""

    def __init__(self, source: str | bytes | Path | BinaryIO) -> None:
        """A text's bytes are its UTF-8."""
        self._source = source
        # Where a stream stood when it was first read; None before, and for one that cannot go back.
        self._start: int | None = None
        # Whether the bytes can be read, from the beginning.
        self.can_be_read = True

    @contextmanager
    def opened(self) -> Iterator[Content]:
        """The document from its beginning. Raises OSError, and whatever else a caller's own stream raises."""
        if isinstance(self._source, str):
            data = self._source.encode(errors="replace")
            yield Content(BytesIO(data), len(data))
        elif isinstance(self._source, bytes):
            yield Content(BytesIO(self._source), len(self._source))
        elif isinstance(self._source, Path):
            with self._source.open("rb") as file:
                status = os.fstat(file.fileno())
                # What is no regular file, a pipe for instance, cannot be opened again for the same bytes.
                self.can_be_read = stat.S_ISREG(status.st_mode)
                yield Content(file, status.st_size if self.can_be_read else 0)
        else:
            yield Content(self._source, self._rewound(self._source))

    def _rewound(self, stream: BinaryIO) -> int:
        """Puts a stream back to where it was first read; gives the bytes from there to its end, 0 when unknown."""
        if self._start is not None:
            stream.seek(self._start)
        elif stream.seekable():
            self._start = stream.tell()
        else:
            self.can_be_read = False
            return 0
        end = stream.seek(0, os.SEEK_END)
        stream.seek(self._start)
        return max(0, end - self._start)


def _read(stream: BinaryIO, size_bytes: int) -> bytes:
    """So many bytes, or all there are: a raw stream may give fewer at a time long before its end."""
    parts: list[bytes] = []
    missing = size_bytes
    while missing > 0:
        part = stream.read(missing)
        if part is None:
            raise BlockingIOError("the stream would block: it must be a blocking one")
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
