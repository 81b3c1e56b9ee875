"""The process reading children are forked from: single-threaded, readers loaded, nothing of the service in it.

Not multiprocessing's: that one imports the caller's __main__ again in every child, is one per process, and neither
kills process groups nor ends on request. Runs as `python -m heron_grpc.reading.forkserver SETTINGS DOCUMENTS` with its
end of a SEQPACKET socket as standard input. Each message is an order: fork a child on the socket that comes with it, or
kill one. When the socket closes, every child is killed.
"""

import ctypes
import gc
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from select import select

from heron_grpc.reading import isolation, language, pdf_tables
from heron_grpc.reading.ocr.engines import find_engines
from heron_grpc.reading.process_tree import children_of
from heron_grpc.reading.sandbox import Sandbox
from heron_grpc.settings import ReadingSettings

# One of the orders below and the number its sender gave the child.
ORDER = struct.Struct("!cQ")
FORK = b"F"
KILL = b"K"
# linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
# How often it is looked whether a child at work has left a process behind.
_SWEEP_S = 1.0


def main() -> None:
    """Serves orders until the socket closes."""
    settings = ReadingSettings.model_validate_json(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Processes that leave their group and outlive who started them come to this one instead of init.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    find_engines(settings)
    language.preload()
    pdf_tables.preload()
    # What is loaded by now is shared by all children; the collector would copy it page by page.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as orders:
        _Nursery(orders, settings, sys.argv[2]).run()


class _Nursery:
    """Forks, kills and buries children."""

    def __init__(self, orders: socket.socket, settings: ReadingSettings, documents: str = "") -> None:
        """`documents` is the directory of the documents that children are given; "" when they lie anywhere."""
        self._orders = orders
        self._settings = settings
        self._sandbox = Sandbox(settings, documents)
        self._pids: dict[int, int] = {}

    def run(self) -> None:
        """Returns when the socket closes, all children killed."""
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        while True:
            ready, _, _ = select([self._orders.fileno(), wake], [], [], _SWEEP_S)
            if wake in ready:
                os.read(wake, 4096)
                self._bury()
            self._kill_inherited()
            if self._orders.fileno() in ready and not self._obey():
                break
        for pid in self._pids.values():
            _kill_group(pid)
            os.waitpid(pid, 0)
        self._pids.clear()
        while children_of(os.getpid()):
            self._kill_inherited(0)

    def _obey(self) -> bool:
        try:
            message, sockets, _, _ = socket.recv_fds(self._orders, ORDER.size, 1)
        except ConnectionError:
            return False
        if not message:
            return False
        order, number = ORDER.unpack(message)
        if order == FORK:
            # Without a descriptor left here none arrives; its sender sees the pipe closed.
            if not sockets:
                return True
            self._fork(number, socket.socket(fileno=sockets[0]))
        elif number in self._pids:
            _kill_group(self._pids[number])
        return True

    def _fork(self, number: int, connection: socket.socket) -> None:
        parent_pid = os.getpid()
        with connection:
            try:
                pid = os.fork()
            except OSError:
                # No process or memory left; closing the pipe tells who asked.
                return
            if pid == 0:
                self._live(connection, parent_pid)
        # Both sides set the group, so that it exists before either needs it.
        with suppress(OSError):
            os.setpgid(pid, pid)
        self._pids[number] = pid

    def _live(self, connection: socket.socket, parent_pid: int) -> None:
        """The child's whole life; never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._orders.close()
            isolation.serve(connection, self._settings, parent_pid, self._sandbox)
            code = 0
        finally:
            os._exit(code)

    def _bury(self) -> None:
        """Reaps the dead; what a dead child had started is killed first, while its group number is still its own."""
        for number, pid in list(self._pids.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                _kill_group(pid)
                os.waitpid(pid, 0)
                del self._pids[number]

    def _kill_inherited(self, wait: int = os.WNOHANG) -> None:
        """Kills and reaps what children, or programs of theirs, left behind; what those leave comes next time."""
        for pid in set(children_of(os.getpid())) - set(self._pids.values()):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, wait)


def _kill_group(pid: int) -> None:
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
