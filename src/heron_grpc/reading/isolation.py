"""The inside of a reading child: bound the process, then answer requests until the pipe closes."""

import ctypes
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument, DocumentError, HeronError, ReaderUnavailable, ReadingLimitExceeded
from heron_grpc.reading import wire
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import MIB, ReadingSettings

# linux/prctl.h
_PR_SET_PDEATHSIG = 1


def serve(connection: socket.socket, settings: ReadingSettings, parent_pid: int) -> None:
    """Greets with the process id, then answers one request after the other; returns when the other end is closed."""
    limit_process(settings, parent_pid)
    connection.sendall(wire.HEADER.pack(os.getpid()))
    while header := _receive(connection, wire.HEADER.size):
        request = _receive(connection, *wire.HEADER.unpack(header))
        answer = _answer(request, settings)
        connection.sendall(wire.HEADER.pack(len(answer)))
        connection.sendall(answer)


def limit_process(settings: ReadingSettings, parent_pid: int) -> None:
    """Takes from this process what reading does not need; cannot be undone. Further sandboxing belongs here."""
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


def _answer(payload: bytes, settings: ReadingSettings) -> bytes:
    try:
        return wire.encode_answer(wire.Answer(reading=_read(payload, settings)))
    except HeronError as error:
        return wire.encode_answer(wire.Answer(failure=wire.as_failure(error)))


def _read(payload: bytes, settings: ReadingSettings) -> Reading:
    """Raises DocumentError or ReaderUnavailable, whatever happens."""
    try:
        return read_document(wire.decode_request(payload), settings)
    except DocumentError:
        raise
    except MemoryError as error:
        raise ReadingLimitExceeded("reading took too much memory", {"limit": "memory"}) from error
    except RecursionError as error:
        raise ReadingLimitExceeded("the document is nested too deeply", {"limit": "memory"}) from error
    except FileNotFoundError as error:
        raise ReaderUnavailable("the spooled document is gone") from error
    except Exception as error:  # parsers of foreign bytes raise anything; the type's name goes to the log
        raise CorruptDocument("the document cannot be parsed") from error


def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, or none when the other end is closed."""
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(min(size - len(received), MIB))
        if not piece:
            return b""
        received += piece
    return bytes(received)
