"""The pool's view of its processes: the fork server it starts and the children it asks."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count

from heron_grpc.domain.errors import ProtocolError, ReaderUnavailable, ReadingLimitExceeded
from heron_grpc.domain.steps import Step
from heron_grpc.reading import process_tree, wire
from heron_grpc.reading.answer_frames import MOST_FRAME_BYTES, Assembly
from heron_grpc.reading.forkserver import FORK, KILL, ORDER
from heron_grpc.reading.wire import Failure
from heron_grpc.settings import ReadingSettings, child_environment

# Tesseract and OpenBLAS start threads for every core otherwise: slower with several children, and no fork is safe then.
_ONE_THREAD = {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_STOP_S = 1.5
# A fork server that cannot live is not started more often than this.
_RESTART_S = 1.0
# A fork server imports the readers before it obeys: 1-2 s, 5 s and more on a machine that does much else.
_START_S = 20.0
# Later a child greets within some 10 ms. Not less, because ending the fork server ends children at work too.
_GREETING_S = 5.0
# A killed process is gone within ms, unless the kernel is stuck; the event loop waits no longer than this.
_END_S = 0.5


# Takes a step of a reading; what it returns, if anything, is awaited before the next.
Take = Callable[[Step], Awaitable[None] | None]


class ChildDied(Exception):
    """The child's end of the pipe closed before it had answered."""


class Child:
    """A reading child, starting or alive, on a non-blocking pipe; asked one thing at a time."""

    def __init__(self, number: int, connection: socket.socket) -> None:
        self.number = number
        self.documents = 0
        # 0 until it has greeted.
        self.pid = 0
        self.asked_for = time.monotonic()
        # Whether what it said has yet to be taken, so that it may have to wait.
        self.is_held = False
        self._connection = connection
        self._gone = False

    def is_ready(self) -> bool:
        """Whether it can be asked. Does not block; not to be called while it is being asked."""
        try:
            data = self._connection.recv(wire.HEADER.size)
        except BlockingIOError:
            return bool(self.pid) and not self._gone
        except OSError:
            data = b""
        # One write of 8 bytes arrives whole; an idle child has nothing else to say.
        if len(data) == wire.HEADER.size and not self.pid and not self._gone:
            (self.pid,) = wire.HEADER.unpack(data)
            return True
        self._gone = True
        return False

    def is_gone(self) -> bool:
        """Whether it ended or misbehaved while idle."""
        self.is_ready()
        return self._gone

    def is_silent(self) -> bool:
        """Whether it has neither greeted nor ended. Takes nothing from the pipe, where someone may wait for it."""
        if self.pid or self._gone:
            return False
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def greeting(self) -> None:
        """Waits until it can be asked. Raises ChildDied."""
        while not self.is_ready():
            if self._gone:
                raise ChildDied
            await _readable(self._connection)

    async def ask(self, payload: bytes, document: int, max_bytes: int, take: Take) -> Failure | None:
        """Has a request answered, each step taken as it arrives; returns why there is no reading, or no more of it.

        `document` is a descriptor, which the child gets with the request.

        Raises ChildDied, ReadingLimitExceeded for an answer above `max_bytes`, ProtocolError for what is none, and what
        `take` raises.
        """
        message = wire.HEADER.pack(len(payload)) + payload
        try:
            # An idle child's pipe is empty and takes what fits at once: a request is some hundred bytes.
            sent = socket.send_fds(self._connection, [message], [document])
            if sent < len(message):
                await asyncio.get_running_loop().sock_sendall(self._connection, message[sent:])
            return await self._answer(max_bytes, take)
        except OSError as error:
            raise ChildDied from error

    def usage(self) -> process_tree.Usage:
        """What it and whatever it started have used so far; zero once it is gone."""
        return process_tree.usage(self.pid) if self.pid else process_tree.Usage()

    def close(self) -> None:
        """Hangs up: an idle child ends by itself."""
        self._gone = True
        self._connection.close()

    async def _answer(self, max_bytes: int, take: Take) -> Failure | None:
        assembly = Assembly()
        received = 0
        buffer = bytearray()
        while True:
            size = await self._frame(buffer)
            received += wire.HEADER.size + size
            if received > max_bytes:
                raise ReadingLimitExceeded("the document says too much", {"limit": "output"})
            end = wire.HEADER.size + size
            while len(buffer) < end:
                await self._receive(buffer)
            for step in assembly.add(buffer[wire.HEADER.size : end]):
                await self._hand_over(step, take)
            if assembly.is_over:
                return assembly.failure
            del buffer[:end]
            # Receiving what has already arrived does not let the loop turn.
            await asyncio.sleep(0)

    async def _hand_over(self, step: Step, take: Take) -> None:
        waiting = take(step)
        if waiting is not None:
            self.is_held = True
            await waiting
            self.is_held = False

    async def _frame(self, buffer: bytearray) -> int:
        """The size of the frame the buffer begins with. Raises ProtocolError when it is too large."""
        while len(buffer) < wire.HEADER.size:
            await self._receive(buffer)
        (size,) = wire.HEADER.unpack_from(buffer)
        if size > MOST_FRAME_BYTES:
            raise ProtocolError("the reader answered what it must not")
        return int(size)

    async def _receive(self, buffer: bytearray) -> None:
        """Adds what has arrived, at most a frame's size; waits for something."""
        while True:
            await _readable(self._connection)
            try:
                piece = self._connection.recv(MOST_FRAME_BYTES)
            except BlockingIOError:
                continue
            if not piece:
                raise ChildDied
            buffer += piece
            return


class ForkServer:
    """The process children come from; started again when it has died."""

    def __init__(self, settings: ReadingSettings, documents: str = "") -> None:
        self._arguments = settings.model_dump_json(), documents
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._numbers = count(1)
        self._started = 0.0
        # Children of this process that have not been heard of, and whether any has.
        self._silent: list[Child] = []
        self._heard = False

    @property
    def pid(self) -> int:
        """0 when there is none."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Starts the process (fork and exec, some 1 ms); it loads the readers on its own time.

        Raises ReaderUnavailable.
        """
        ours, theirs = _socket_pair(socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "heron_grpc.reading.forkserver", *self._arguments]
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  our own module, no shell
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=child_environment(**_ONE_THREAD),
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            raise ReaderUnavailable("the reading processes cannot be started") from error
        self._orders = ours
        self._started = time.monotonic()
        self._silent.clear()
        self._heard = False

    def spawn(self) -> Child:
        """A child that is about to start. Raises ReaderUnavailable."""
        if self._process is None or self._process.poll() is not None:
            if time.monotonic() - self._started < _RESTART_S:
                raise ReaderUnavailable("the reading processes end as soon as they are started")
            self.stop()
            self.start()
        ours, theirs = _socket_pair(socket.SOCK_STREAM)
        number = next(self._numbers)
        with theirs:
            try:
                self._order(FORK, number, theirs)
            except OSError as error:
                ours.close()
                raise ReaderUnavailable("no reading process can be had") from error
        child = Child(number, ours)
        self._silent.append(child)
        return child

    def is_hung(self) -> bool:
        """Whether a child that was asked for has been silent for too long. Does not block."""
        silent = [child for child in self._silent if child.is_silent()]
        self._heard = self._heard or len(silent) < len(self._silent)
        self._silent = silent
        patience = _GREETING_S if self._heard else _START_S
        return any(time.monotonic() - child.asked_for > patience for child in silent)

    def kill(self, child: Child) -> None:
        """SIGKILL to the child and whatever it started; without a fork server there is none left."""
        with suppress(OSError):
            self._order(KILL, child.number)

    def stop(self) -> None:
        """Ends the process and every child; blocks for 1.5 s at most."""
        if self._orders:
            self._orders.close()
            self._orders = None
        if self._process:
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                _kill_tree(self._process.pid)
                self._process.wait()
            self._process = None

    def end(self) -> None:
        """Kills the process, which obeys no longer, and every child; blocks for some ms, 0.5 s at most."""
        self._silent.clear()
        if self._orders:
            self._orders.close()
            self._orders = None
        if self._process and self._process.poll() is None:
            _kill_tree(self._process.pid)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)

    def _order(self, order: bytes, number: int, *passed: socket.socket) -> None:
        if self._orders is None:
            raise ConnectionError
        message = ORDER.pack(order, number)
        if passed:
            socket.send_fds(self._orders, [message], [each.fileno() for each in passed])
        else:
            self._orders.send(message)


def _kill_tree(pid: int) -> None:
    """SIGKILL to the fork server's group and to its children's, which would leave running what they had started."""
    for group in (*process_tree.children_of(pid), pid):
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def _socket_pair(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    """Our end, which does not block, and theirs. Raises ReaderUnavailable when there are no descriptors left."""
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    except OSError as error:
        raise ReaderUnavailable("no reading process can be had") from error
    ours.setblocking(False)
    return ours, theirs


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(connection, readable)
    try:
        await ready
    finally:
        loop.remove_reader(connection)
