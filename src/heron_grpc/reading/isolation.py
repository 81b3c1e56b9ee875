"""The inside of a reading child: bound the process, then answer requests until the pipe closes."""

import ctypes
import errno
import math
import os
import resource
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import (
    CorruptDocument,
    DocumentError,
    HeronError,
    NotFound,
    ReaderUnavailable,
    ReadingLimitExceeded,
)
from heron_grpc.domain.steps import Step
from heron_grpc.reading import wire
from heron_grpc.reading.answer_frames import encode_failure, encode_steps
from heron_grpc.reading.fulfil import fulfil
from heron_grpc.reading.handing_over import readable
from heron_grpc.reading.sandbox import Sandbox
from heron_grpc.settings import KIB, MIB, ReadingSettings

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
# Above the limit the parent keeps, which looks ten times a second; the kernel knows whole seconds only.
_CPU_MARGIN_S = 2
# What a socket takes at once is about 200 KiB.
_PIECE_BYTES = 128 * KIB
# What no document can be blamed for; that it reaches for what the sandbox refuses, it can.
_OUR_FAULT = frozenset({errno.EAGAIN, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOENT, errno.ENOSPC})


def serve(connection: socket.socket, settings: ReadingSettings, parent_pid: int, sandbox: Sandbox) -> None:
    """Greets with the process id, then answers one request after the other; returns when the other end is closed."""
    limit_process(settings, parent_pid)
    sandbox.enter()
    connection.sendall(wire.HEADER.pack(os.getpid()))
    while asked := _asked(connection):
        request, documents = asked
        _allow_cpu(settings.cpu_s)
        try:
            _send(connection, _answer(request, documents, settings), promptly=request.promptly)
        finally:
            for document in documents:
                os.close(document)


def limit_process(settings: ReadingSettings, parent_pid: int) -> None:
    """Takes from this process what reading does not need; cannot be undone."""
    _die_with(parent_pid)
    # A process group of its own: whatever it starts can be killed with it.
    os.setpgid(0, 0)
    # A terminal's Ctrl-C and a supervisor's SIGTERM reach the whole group; the parent decides when a child ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _be_silent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (settings.address_space_mb * MIB,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings.file_size_mb * MIB,) * 2)
    # When the machine itself runs out of memory, a child goes before the service.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _die_with(parent_pid: int) -> None:
    """The kernel kills this process as soon as the fork server ends, even in the middle of C code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def _be_silent() -> None:
    """C libraries write to the standard streams; nobody should read it there."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _allow_cpu(seconds: float) -> None:
    """So much more than was used so far, should the parent not look: the kernel's limit is for a process's life."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + seconds) + _CPU_MARGIN_S
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _answer(request: ReadRequest, documents: list[int], settings: ReadingSettings) -> Iterator[bytes]:
    try:
        if not documents:
            raise ReaderUnavailable("the spooled document did not arrive")
        with readable(documents[0]) as path:
            steps = _steps(replace(request, path=path), settings)
            yield from encode_steps(steps, promptly=request.promptly)
    except HeronError as error:
        yield encode_failure(wire.as_failure(error))


def _steps(request: ReadRequest, settings: ReadingSettings) -> Iterator[Step]:
    """Raises DocumentError or ReaderUnavailable, whatever happens."""
    try:
        yield from fulfil(request, settings)
    except (DocumentError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno in _OUR_FAULT:
            raise ReaderUnavailable("the spooled document cannot be read") from cause
        if isinstance(error, DocumentError):
            raise
        raise CorruptDocument("the document cannot be parsed") from error
    except (ReaderUnavailable, NotFound):
        raise
    except MemoryError as error:
        raise ReadingLimitExceeded("reading took too much memory", {"limit": "memory"}) from error
    except RecursionError as error:
        raise ReadingLimitExceeded("the document is nested too deeply", {"limit": "memory"}) from error
    except Exception as error:  # parsers of foreign bytes raise anything; the type's name goes to the log
        raise CorruptDocument("the document cannot be parsed") from error


def _send(connection: socket.socket, frames: Iterable[bytes], *, promptly: bool) -> None:
    """Several small frames in one piece unless they are wanted promptly: each piece wakes the other end."""
    piece = bytearray()
    for frame in frames:
        piece += wire.HEADER.pack(len(frame)) + frame
        if promptly or len(piece) >= _PIECE_BYTES:
            connection.sendall(piece)
            piece.clear()
    if piece:
        connection.sendall(piece)


def _asked(connection: socket.socket) -> tuple[ReadRequest, list[int]] | None:
    """A request and the descriptor of its document, none without room for it; None when the other end is closed."""
    header, documents, _, _ = socket.recv_fds(connection, wire.HEADER.size, 1, socket.MSG_CMSG_CLOEXEC)
    if not header:
        return None
    header += _receive(connection, wire.HEADER.size - len(header))
    return wire.decode_request(_receive(connection, *wire.HEADER.unpack(header))), documents


def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, or none when the other end is closed."""
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(min(size - len(received), MIB))
        if not piece:
            return b""
        received += piece
    return bytes(received)
