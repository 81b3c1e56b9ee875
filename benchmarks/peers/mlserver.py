"""MLServer with the project's Naive Bayes model, in its own environment, ready."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import grpc

from benchmarks.load import payloads
from benchmarks.load.process_tree import ProcessTree
from benchmarks.subjects.servers import ROOT, Server

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
METHOD = "/inference.GRPCInferenceService/ModelInfer"
_RUNTIME = "benchmarks.peers.naive_bayes_runtime"
_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The settings of MLServer that its speed hangs on."""

    # 0 asks the model on the server's own loop; more do so in processes of their own.
    parallel_workers: int
    # Adaptive batching: texts in a batch, and how long it waits for them; 0 is off.
    max_batch: int = 0
    max_batch_s: float = 0.0

    def __str__(self) -> str:
        batching = (
            f"batches of {self.max_batch} within {self.max_batch_s * 1e3:g} ms" if self.max_batch else "no batches"
        )
        return f"{self.parallel_workers} workers, {batching}"


def arrangements(cores: int) -> tuple[Arrangement, ...]:
    """Batching off and on, in the server's process, in one beside it and in one a core."""
    workers = dict.fromkeys((0, 1, cores))
    return tuple(Arrangement(count, *batching) for count in workers for batching in ((0, 0.0), (32, 0.005)))


def make_payload(texts: Sequence[str], target: Path) -> Path:
    """MLServer's calls for these texts."""
    command = [str(PYTHON), "-m", _RUNTIME]
    data = json.dumps(texts).encode()
    done = subprocess.run(command, input=data, capture_output=True, check=True, cwd=ROOT, env=_environment())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(done.stdout)
    return target


@contextmanager
def mlserver(arrangement: Arrangement, model: Path, payload: Path) -> Iterator[Server]:
    """MLServer, once it has answered the first call of `payload`. Raises RuntimeError when it does not."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as log:
        port = _write_settings(Path(directory), arrangement, model)
        command = [str(PYTHON.with_name("mlserver")), "start", directory]
        process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=log, stderr=log)
        try:
            address = f"127.0.0.1:{port}"
            if not _answers(address, payloads.read(payload)[0]):
                log.seek(0)
                raise RuntimeError(f"MLServer is not ready: {log.read()[-4000:].decode()}")
            yield Server(address, ProcessTree(process.pid), process)
        finally:
            _end(process)


def _write_settings(directory: Path, arrangement: Arrangement, model: Path) -> int:
    """Gives the port of its gRPC server."""
    http, port, metrics = _free_ports(3)
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": http,
        "grpc_port": port,
        "metrics_port": metrics,
        "parallel_workers": arrangement.parallel_workers,
    }
    of_the_model = {
        "name": "nb",
        "implementation": f"{_RUNTIME}.NaiveBayesRuntime",
        "max_batch_size": arrangement.max_batch,
        "max_batch_time": arrangement.max_batch_s,
        "parameters": {"uri": str(model)},
    }
    (directory / "settings.json").write_text(json.dumps(settings))
    (directory / "model-settings.json").write_text(json.dumps(of_the_model))
    return port


def _answers(address: str, call: bytes) -> bool:
    until = time.monotonic() + _READY_S
    with grpc.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        infer: Callable[..., bytes] = channel.unary_unary(METHOD)
        while time.monotonic() < until:
            try:
                return bool(infer(call, timeout=5, wait_for_ready=True))
            except grpc.RpcError:
                time.sleep(0.2)
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}


def _free_ports(count: int) -> list[int]:
    sockets = [socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
