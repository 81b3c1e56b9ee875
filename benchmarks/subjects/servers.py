"""Starts what answers gRPC, waits until it is ready, ends it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from benchmarks.load.payloads import UNCACHED
from benchmarks.load.process_tree import ProcessTree
from heron.v1 import classification_pb2, classification_pb2_grpc

ROOT = Path(__file__).parents[2]
_STOP_S = 70.0
_QUIET = {
    "HERON_LOG_LEVEL": "warning",
    "HERON_FRONT_ADDRESS": "127.0.0.1:0",
    "HERON_METRICS_ADDRESS": "127.0.0.1:0",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready."""

    address: str
    processes: ProcessTree
    process: "subprocess.Popen[bytes]"


@contextmanager
def heron(**settings: str) -> Iterator[Server]:
    """`heron serve` on a free port; its own defaults but for HERON_* of the environment and then `settings`."""
    command = [str(Path(sys.executable).with_name("heron")), "serve"]
    with started(command, {**_QUIET, **settings}) as server:
        yield server


@contextmanager
def echo(answer: classification_pb2.Classification, *, hashes: bool = False) -> Iterator[Server]:
    """A plain grpc.aio server of the same messages and options."""
    command = [sys.executable, "-m", "benchmarks.subjects.echo", *(["--hash"] if hashes else [])]
    with started(command, {}, answer.SerializeToString()) as server:
        yield server


def sample_answer(server: Server, text: str) -> classification_pb2.Classification:
    """What the service says of a text. Raises grpc.RpcError."""
    with grpc.insecure_channel(server.address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        stub = classification_pb2_grpc.ClassificationServiceStub(channel)
        return stub.Classify(classification_pb2.ClassifyRequest(text=text, options=UNCACHED), timeout=30).classification


@contextmanager
def started(command: Sequence[str], settings: Mapping[str, str], data: bytes = b"") -> Iterator[Server]:
    """Runs a command that says "ready on ADDRESS" on stdout. Raises RuntimeError with its stderr when it does not."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "BENTOML_DO_NOT_TRACK": "True", **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(data)
            process.stdin.close()
            said = process.stdout.readline().decode()
            found = re.search(r"ready on (\S+)", said)
            if not found:
                log.seek(0)
                raise RuntimeError(f"{command[-1]} is not ready: {said} {log.read()[-4000:].decode()}")
            yield Server(found[1], ProcessTree(process.pid), process)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
