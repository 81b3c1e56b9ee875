"""Takes a document's bytes in: spooled to disk and hashed off the event loop, bounded, gone when released."""

import asyncio
import hashlib
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from heron_grpc.domain.errors import ConfigurationError, DocumentTooLarge, Overloaded
from heron_grpc.domain.fair_share import FairShare


@dataclass(frozen=True, slots=True)
class SpooledDocument:
    """Bytes on disk, readable under `path` until released, by this process and whom it gives the descriptor to."""

    path: str
    size_bytes: int
    # Lower-case hex.
    sha256: str


class Spool:
    """Holds documents while they are in work.

    The files have no name (O_TMPFILE), so nothing is left behind however the process ends. They belong to a directory
    of our own, which always looks empty: who may read beneath it needs a descriptor to read one of them.
    """

    def __init__(self, directory: Path, max_document_bytes: int, max_bytes: int) -> None:
        """`max_bytes` bounds all documents together. Raises ConfigurationError when the directory is not writable."""
        if not os.access(directory, os.W_OK | os.X_OK) or not directory.is_dir():
            raise ConfigurationError("HERON_FRONT_SPOOL_DIR is no directory that can be written to")
        self.directory = _own_directory(directory)
        self.max_document_bytes = max_document_bytes
        self._share = FairShare(max_bytes, "bytes in the spool")
        # Writing and hashing release the GIL; two threads keep up with the disk.
        self._writers = ThreadPoolExecutor(2, thread_name_prefix="spool")

    @property
    def bytes_held(self) -> int:
        """Bytes of the documents in work."""
        return self._share.in_use

    @asynccontextmanager
    async def receive(
        self, chunks: AsyncIterator[bytes], caller: str = "", announced_bytes: int = 0
    ) -> AsyncIterator[SpooledDocument]:
        """Writes `chunks` to disk; the document is released when the block ends.

        Raises DocumentTooLarge past `max_document_bytes` and Overloaded when disk or spool take no more; an announced
        size is set aside before the first chunk is taken.
        """
        with self._open() as writer, _Reservation(self._share, caller) as reservation:
            reservation.cover(announced_bytes)
            await self._write(chunks, writer, reservation)
            yield writer.document()

    async def _write(self, chunks: AsyncIterator[bytes], writer: "_Writer", reservation: "_Reservation") -> None:
        async for chunk in chunks:
            # One write runs while the next chunk arrives: never more than two chunks in memory.
            await writer.written()
            if writer.size_bytes + len(chunk) > self.max_document_bytes:
                raise too_large(self.max_document_bytes)
            reservation.cover(writer.size_bytes + len(chunk))
            writer.write(chunk)
        await writer.written()

    def _open(self) -> "_Writer":
        try:
            return _Writer(self.directory, self._writers)
        except OSError as error:
            raise _disk_error(error) from error

    def close(self) -> None:
        """Ends the writer threads; documents in work must be released first."""
        self._writers.shutdown()


def _own_directory(directory: Path) -> Path:
    """The directory in a given one that nobody else has a hand in. Raises ConfigurationError."""
    own = directory / f"heron-{os.geteuid()}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
    except OSError as error:
        raise ConfigurationError("in HERON_FRONT_SPOOL_DIR no directory can be made") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigurationError(f"in HERON_FRONT_SPOOL_DIR, {own.name} is somebody else's")
    return own


def too_large(max_document_bytes: int) -> DocumentTooLarge:
    """The refusal of a document beyond the limit."""
    return DocumentTooLarge(
        f"the document is larger than {max_document_bytes} bytes", metadata={"max_bytes": str(max_document_bytes)}
    )


class _Reservation:
    """What one document takes of the spool."""

    def __init__(self, share: FairShare, caller: str) -> None:
        self._share = share
        self._caller = caller
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._share.give_back(self._caller, self._bytes)

    def cover(self, size_bytes: int) -> None:
        """Sets aside what a document of this size needs. Raises Overloaded."""
        missing = size_bytes - self._bytes
        if missing > 0:
            self._share.take(self._caller, missing)
            self._bytes = size_bytes


class _Writer:
    """Writes and hashes in a thread, one chunk at a time."""

    def __init__(self, directory: Path, threads: Executor) -> None:
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115  closed by __exit__
        # What readers get: they must not write.
        try:
            self._readable = os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file.close()
            raise
        self._digest = hashlib.sha256()
        self._threads = threads
        self._writing: Future[None] | None = None
        self.size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._readable)
        # Whoever waited for the write that runs may be gone: the file must not be closed under it.
        if self._writing:
            self._writing.add_done_callback(lambda _: self._file.close())
        else:
            self._file.close()

    def write(self, chunk: bytes) -> None:
        """Begins to write; the write before must have ended."""
        self.size_bytes += len(chunk)
        self._writing = self._threads.submit(self._write, chunk)

    async def written(self) -> None:
        """Returns when what was begun has been written. Raises Overloaded when the disk takes no more."""
        if self._writing:
            await asyncio.wrap_future(self._writing)

    def _write(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _disk_error(error) from error

    def document(self) -> SpooledDocument:
        return SpooledDocument(
            path=f"/proc/{os.getpid()}/fd/{self._readable}",
            size_bytes=self.size_bytes,
            sha256=self._digest.hexdigest(),
        )


def _disk_error(error: OSError) -> Overloaded:
    return Overloaded(
        f"the spool takes no more: {os.strerror(error.errno or 0)}", retry_after_s=5.0, metadata={"resource": "spool"}
    )
