"""Documents on their way into a child: as descriptors, so that it needs no way to anybody's files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from heron_grpc.domain.errors import ReaderUnavailable


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor of the document, to be sent; one that this process has already is not opened again.

    Raises ReaderUnavailable.
    """
    ours = f"/proc/{os.getpid()}/fd/"
    if path.startswith(ours):
        yield int(path.removeprefix(ours))
        return
    try:
        # What blocks when it is opened, such as a pipe, must not block who opens it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ReaderUnavailable("the spooled document cannot be opened") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def readable(received: int) -> Iterator[str]:
    """A path under which the document received can be opened, again and again; for a child.

    Raises ReaderUnavailable: what fails here fails for any document.
    """
    try:
        descriptor = _openable(received)
    except OSError as error:
        raise ReaderUnavailable("the spooled document cannot be opened") from error
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        if descriptor != received:
            os.close(descriptor)


def _openable(received: int) -> int:
    """The descriptor, or one of a copy in memory: of files outside the spool, a sandbox allows only what is open."""
    os.pread(received, 1, 0)
    try:
        os.close(os.open(f"/proc/self/fd/{received}", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        return _copy(received)
    return received


def _copy(received: int) -> int:
    copy = os.memfd_create("document", os.MFD_CLOEXEC)
    try:
        size, done = os.fstat(received).st_size, 0
        while done < size:
            done += os.sendfile(copy, received, done, size - done)
    except OSError:
        os.close(copy)
        raise
    return copy
