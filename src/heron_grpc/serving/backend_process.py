"""The own model backend: starts `bentoml serve` on loopback, watches it and replaces it when it dies or hangs."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
from contextlib import suppress

import psutil

from heron_grpc.domain.errors import HeronError
from heron_grpc.serving.backend_connection import BackendConnection
from heron_grpc.serving.backend_home import BackendHome
from heron_grpc.serving.backend_logs import forward_line
from heron_grpc.settings import ServingSettings, child_environment
from heron_grpc.telemetry.logging import get_logger

SERVICE = "heron_grpc.bento_service:ModelBackend"
_HOST = "127.0.0.1"
_LOOK_S = 0.5
_EXIT_POLL_S = 0.1
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.2, 30.0
# Ready for so long, it is taken for healthy: the next restart is quick again.
_HEALTHY_S = 30.0
# Of the 5 s a stop may take: the calls in flight end, then it is killed.
_TERMINATE_S = 4.0
_LONGEST_LINE = 64 * 1024

_log = get_logger(__name__)


class BackendProcess:
    """Start it in the main thread: the kernel ends the backend with the thread that started it."""

    def __init__(self, settings: ServingSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        # Of the backend and its workers, as last seen: a worker outlives its watcher for a moment.
        self._tree: list[psutil.Process] = []
        self._watcher: asyncio.Task[None] | None = None
        self._home: BackendHome | None = None
        self._stops_in_a_row = 0
        self.url: str | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the running `bentoml serve`."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Starts the backend, which is ready some seconds later, and begins to watch it."""
        self._home = await asyncio.to_thread(BackendHome)
        await self._launch()
        self._watcher = asyncio.create_task(self._watch(), name="model backend watcher")

    async def close(self) -> None:
        """Ends the backend with all its workers within 5 s."""
        if self._watcher:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        try:
            await self._stop()
        finally:
            if self._home:
                await asyncio.to_thread(self._home.close)

    async def _watch(self) -> None:
        while True:
            try:
                await self._replace(await self._until_broken())
            except Exception as error:  # noqa: BLE001  a watcher that ends leaves the backend unwatched for good
                # Such as a machine short of processes or memory: without a process the next turn waits longer.
                _log.error("model_backend_not_replaced", exc_info=error)
                await asyncio.sleep(_LOOK_S)

    async def _replace(self, reason: str) -> None:
        await self._stop()
        delay_s = self._next_delay_s()
        _log.warning("model_backend_stopped", cause=reason, restart_in_s=round(delay_s, 2))
        await asyncio.sleep(delay_s)
        self.restarts += 1
        await self._launch()

    async def _until_broken(self) -> str:
        """Why the running backend must be replaced."""
        loop = asyncio.get_running_loop()
        connection = BackendConnection(lambda: self.url, self._settings.timeout_s)
        became_ready, last_ready = None, loop.time()
        had_workers = False
        try:
            while True:
                if await self._exited(_LOOK_S):
                    return "exited"
                tree = await self._look()
                if had_workers and len(tree) == 1:
                    # BentoML itself looks every 10 s only.
                    return "workers died"
                had_workers = len(tree) > 1 if tree else had_workers
                if tree and await _is_ready(connection):
                    last_ready = loop.time()
                    became_ready = became_ready or last_ready
                    if last_ready - became_ready > _HEALTHY_S:
                        self._stops_in_a_row = 0
                elif loop.time() - last_ready > self._settings.backend_stuck_s:
                    return "not ready"
        finally:
            await connection.close()

    async def _look(self) -> list[psutil.Process]:
        """The backend's processes; empty when the machine does not tell, which counts as not ready."""
        try:
            tree = await asyncio.to_thread(_with_children, self._process)
        except Exception as error:  # noqa: BLE001  whatever keeps it from looking must not keep it from watching
            _log.warning("model_backend_not_seen", exc_info=error)
            return []
        self._tree = tree or self._tree
        return tree

    def _next_delay_s(self) -> float:
        delay_s: float = min(_FIRST_DELAY_S * 2**self._stops_in_a_row, _LONGEST_DELAY_S)
        self._stops_in_a_row = min(self._stops_in_a_row + 1, 16)
        return delay_s * random.uniform(0.75, 1.25)  # noqa: S311  jitter is no secret

    async def _launch(self) -> None:
        port = self._settings.backend_port or _free_port()
        reading, writing = os.pipe()
        try:
            self._process = _spawn(_command(port), _environment(self._settings, self._directory), writing)
        except BaseException:  # raised on; nobody else would close it
            os.close(reading)
            raise
        finally:
            os.close(writing)
        await _forward(reading, self._process.pid)
        self._tree = [psutil.Process(self._process.pid)]
        self.url = f"http://{_HOST}:{port}"
        _log.info("model_backend_started", pid=self._process.pid, port=port, restarts=self.restarts)

    @property
    def _directory(self) -> str:
        return str(self._home.path) if self._home else ""

    async def _exited(self, within_s: float) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while self._process and self._process.poll() is None:
            if loop.time() >= until:
                return False
            await asyncio.sleep(min(_EXIT_POLL_S, within_s))
        return True

    async def _stop(self) -> None:
        """SIGTERM to the watcher, which passes it on; SIGKILL to all that is left."""
        self.url = None
        if self._process is None:
            return
        # With those seen last: what is gone from the tree may still run, and the look may fail.
        tree = [*self._tree, *await self._look()]
        self._process.terminate()
        await self._exited(_TERMINATE_S)
        await asyncio.to_thread(_kill, tree)
        await asyncio.to_thread(self._process.wait)
        self._process = None


def _command(port: int) -> list[str]:
    tie = [sys.executable, "-m", "heron_grpc.serving.parent_death", str(os.getpid())]
    serve = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", _HOST, "--port", str(port)]
    return [*tie, *serve, "--timeout-graceful-shutdown", "3"]


def _environment(settings: ServingSettings, home: str) -> dict[str, str]:
    return child_environment(
        HERON_SERVING_MODELS_DIR=str(settings.models_dir.absolute()),
        HERON_SERVING_MODEL=settings.model,
        HERON_SERVING_MODEL_ALIASES=json.dumps(settings.model_aliases),
        HERON_SERVING_MAX_TEXT_CHARS=str(settings.max_text_chars),
        HERON_SERVING_BACKEND_WORKERS=str(settings.backend_workers),
        HERON_SERVING_BACKEND_THREADS=str(settings.backend_threads),
        HERON_LOG_FORMAT="json",
        # Its own: BentoML empties the directory for metrics in it at each start.
        BENTOML_HOME=home,
        TMPDIR=home,
        BENTOML_DO_NOT_TRACK="True",
        # Classifiers that can use more threads start their own; those of libraries beneath would be too many.
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        TOKENIZERS_PARALLELISM="false",
        PYTHONUNBUFFERED="1",
        NO_COLOR="1",
    )


def _spawn(command: list[str], environment: dict[str, str], output: int) -> subprocess.Popen[bytes]:
    """Blocks for some milliseconds.

    Not through the event loop: uvloop's fork would run gRPC's fork handlers; Popen's vfork runs none.
    """
    return subprocess.Popen(  # noqa: S603  our own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        # An empty directory: nothing in it can shadow a module.
        cwd=environment["BENTOML_HOME"],
        # A Ctrl-C in the terminal is for the front, which drains first.
        start_new_session=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _forward(descriptor: int, pid: int) -> None:
    """Logs what arrives at the pipe until its last writer ends."""
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Lines(pid), os.fdopen(descriptor, "rb", 0))


class _Lines(asyncio.Protocol):
    """A pipe of its own, not the process's: that would count as running while a worker still holds it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:_LONGEST_LINE]
        for line in lines:
            forward_line(line.decode(errors="replace"), self._pid)


async def _is_ready(connection: BackendConnection) -> bool:
    try:
        await connection.check()
    except HeronError:
        return False
    except Exception as error:  # noqa: BLE001  whatever keeps it from asking must not keep it from watching
        _log.warning("model_backend_not_asked", exc_info=error)
        return False
    return True


def _with_children(process: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    """The process and the living below it."""
    if process is None:
        return []
    try:
        watcher = psutil.Process(process.pid)
        return [watcher, *(child for child in watcher.children(recursive=True) if _lives(child))]
    except psutil.NoSuchProcess:
        return []


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _kill(tree: list[psutil.Process]) -> None:
    for process in tree:
        # psutil compares start times: a pid that was given to another process is left alone.
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(tree, timeout=1)
