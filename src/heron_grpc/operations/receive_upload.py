"""Takes a document's bytes in: spooled to disk and hashed off the event loop, bounded, gone when released."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from heron_grpc.domain.errors import ConfigurationError, DocumentTooLarge, Overloaded


@dataclass(frozen=True, slots=True)
class SpooledDocument:
    """Bytes on disk, readable by this user's processes under `path` until released."""

    path: str
    size_bytes: int
    # Lower-case hex.
    sha256: str


class Spool:
    """Holds documents while they are in work.

    The files have no name (O_TMPFILE), so nothing is left behind however the process ends; other processes of the same
    user reach them through /proc.
    """

    def __init__(self, directory: Path, max_document_bytes: int) -> None:
        """Raises ConfigurationError when the directory cannot be written to."""
        if not os.access(directory, os.W_OK | os.X_OK) or not directory.is_dir():
            raise ConfigurationError("HERON_FRONT_SPOOL_DIR is no directory that can be written to")
        self._directory = directory
        self.max_document_bytes = max_document_bytes
        # Writing and hashing release the GIL; two threads keep up with the disk.
        self._writers = ThreadPoolExecutor(2, thread_name_prefix="spool")

    @asynccontextmanager
    async def receive(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[SpooledDocument]:
        """Writes `chunks` to disk; the document is released when the block ends.

        Raises DocumentTooLarge past `max_document_bytes` and Overloaded when the disk takes no more.
        """
        loop = asyncio.get_running_loop()
        with self._open() as writer:
            pending: asyncio.Future[None] | None = None
            try:
                async for chunk in chunks:
                    # One write runs while the next chunk arrives: never more than two chunks in memory.
                    if pending is not None:
                        await pending
                    if writer.size_bytes + len(chunk) > self.max_document_bytes:
                        raise too_large(self.max_document_bytes)
                    writer.size_bytes += len(chunk)
                    pending = loop.run_in_executor(self._writers, writer.write, chunk)
            finally:
                # The file must not be closed under a running write.
                if pending is not None:
                    await asyncio.wait([pending])
            if pending is not None:
                await pending
            yield writer.document()

    def _open(self) -> "_Writer":
        try:
            return _Writer(self._directory)
        except OSError as error:
            raise _disk_error(error) from error

    def close(self) -> None:
        """Ends the writer threads; documents in work must be released first."""
        self._writers.shutdown()


def too_large(max_document_bytes: int) -> DocumentTooLarge:
    """The refusal of a document beyond the limit."""
    return DocumentTooLarge(
        f"the document is larger than {max_document_bytes} bytes", metadata={"max_bytes": str(max_document_bytes)}
    )


class _Writer:
    def __init__(self, directory: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115  closed by __exit__
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _disk_error(error) from error

    def document(self) -> SpooledDocument:
        return SpooledDocument(
            path=f"/proc/{os.getpid()}/fd/{self._file.fileno()}",
            size_bytes=self.size_bytes,
            sha256=self._digest.hexdigest(),
        )


def _disk_error(error: OSError) -> Overloaded:
    return Overloaded(
        f"the spool takes no more: {os.strerror(error.errno or 0)}", retry_after_s=5.0, metadata={"resource": "spool"}
    )
