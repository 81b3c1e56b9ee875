"""Unary text and upload at 1, 8 and 32 callers: the service, a gRPC echo of the same messages, and the raw model."""

import argparse
import asyncio
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import grpc
import uvloop
from rich.console import Console
from rich.table import Table

from heron.v1 import classification_pb2, classification_pb2_grpc
from heron_grpc.classify import load_classifier
from heron_grpc.settings import load_settings

HERE = Path(__file__).parent
RESULT = HERE.parent / "results" / "latency.json"
CALLERS = (1, 8, 32)
CHUNK_BYTES = 256 * 1024
UPLOAD_BYTES = 1024 * 1024
# Every document is asked about once in a while: the result cache stays out of it.
OPTIONS = classification_pb2.ClassifyOptions(bypass_cache=True)
WORDS = """invoice total payment due balance statement account customer number date amount tax period employee salary
agreement party shall term notice lease tenant policy coverage insured claim patient diagnosis experience education
skills net gross opening closing transfer deposit quantity price unit order delivery the of and to in for with by"""

Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Cell:
    """Closed-loop figures of one subject, shape and number of callers."""

    calls_per_s: float
    p50_ms: float
    p99_ms: float


def texts(count: int) -> list[str]:
    """Texts of about 2,000 characters, the same in every run."""
    draw = random.Random(7)
    words = WORDS.split()
    return [" ".join(draw.choices(words, k=320)) + f" {number}" for number in range(count)]


def calls(stub: classification_pb2_grpc.ClassificationServiceStub, documents: list[str]) -> dict[str, Call]:
    """One call of each shape."""
    padding = ("\n" + documents[0]) * (UPLOAD_BYTES // len(documents[0]))

    async def text(number: int) -> object:
        request = classification_pb2.ClassifyRequest(text=documents[number % len(documents)], options=OPTIONS)
        return await stub.Classify(request, timeout=60)

    async def upload(number: int) -> object:
        data = (documents[number % len(documents)] + padding).encode()[:UPLOAD_BYTES]
        return await stub.ClassifyUpload(messages(data), timeout=60)

    return {"text, 2 kB": text, "upload, 1 MiB txt": upload}


def messages(data: bytes) -> Iterator[classification_pb2.ClassifyUploadRequest]:
    """The messages of one upload."""
    header = classification_pb2.UploadHeader(filename="document.txt", size_bytes=len(data))
    start = classification_pb2.ClassifyUploadStart(header=header, options=OPTIONS)
    yield classification_pb2.ClassifyUploadRequest(start=start)
    for offset in range(0, len(data), CHUNK_BYTES):
        yield classification_pb2.ClassifyUploadRequest(chunk=data[offset : offset + CHUNK_BYTES])


async def closed_loop(call: Call, callers: int, seconds: float) -> Cell:
    """Each caller asks again as soon as it is answered."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        while time.perf_counter() < end:
            began = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - began)
            number += callers

    began = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(callers)))
    return cell(latencies, time.perf_counter() - began)


def raw_model(documents: list[str], seconds: float) -> Cell:
    """The classifier in this process, 32 texts at a time, the way the backend gets them under load."""
    serving = load_settings().serving
    classifier = load_classifier(serving.models_dir / serving.model)
    batch = documents[:32]
    latencies = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        before = time.perf_counter()
        classifier.predict(batch, [False] * len(batch))
        latencies += [(time.perf_counter() - before) / len(batch)] * len(batch)
    return cell(latencies, time.perf_counter() - began)


def cell(latencies: list[float], seconds: float) -> Cell:
    """Figures of the calls that ended in `seconds`."""
    ordered = sorted(latencies)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Cell(len(ordered) / seconds, statistics.median(ordered) * 1e3, p99 * 1e3)


def service_environment() -> dict[str, str]:
    """Embedded defaults on a free port."""
    return {**os.environ, "HERON_FRONT_ADDRESS": "127.0.0.1:0"}


@contextmanager
def service() -> Iterator[str]:
    """`heron serve` on its embedded defaults; gives its address."""
    command = [str(Path(sys.executable).with_name("heron")), "serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=service_environment()
    ) as process:
        try:
            yield re.search(r"ready on (\S+)", process.stdout.readline())[1]
        finally:
            process.terminate()


@contextmanager
def echo(answer: classification_pb2.Classification) -> Iterator[str]:
    """The echo server; gives its address."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "echo.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            process.stdin.write(answer.SerializeToString())
            process.stdin.close()
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def measure(rounds: int, seconds: float) -> dict[tuple[str, str, int], list[Cell]]:
    """All subjects interleaved, `rounds` times."""
    documents = texts(512)
    found: dict[tuple[str, str, int], list[Cell]] = {}
    with service() as heron_address:
        async with grpc.aio.insecure_channel(heron_address) as heron_channel:
            heron = classification_pb2_grpc.ClassificationServiceStub(heron_channel)
            sample = await heron.Classify(classification_pb2.ClassifyRequest(text=documents[0], options=OPTIONS))
            with echo(sample.classification) as echo_address:
                async with grpc.aio.insecure_channel(echo_address) as echo_channel:
                    stub = classification_pb2_grpc.ClassificationServiceStub(echo_channel)
                    subjects = {"heron": calls(heron, documents), "echo": calls(stub, documents)}
                    for number in range(rounds + 1):
                        measured = await one_round(subjects, seconds if number else 0.5)
                        measured["raw model", "text, 2 kB", 1] = raw_model(documents, seconds)
                        # The first round warms up and is thrown away.
                        for key, figures in measured.items() if number else ():
                            found.setdefault(key, []).append(figures)
    return found


async def one_round(subjects: dict[str, dict[str, Call]], seconds: float) -> dict[tuple[str, str, int], Cell]:
    """Every subject, shape and number of callers once, in an order drawn anew."""
    keys = [(subject, shape, callers) for subject in subjects for shape in subjects[subject] for callers in CALLERS]
    random.shuffle(keys)
    return {
        (subject, shape, callers): await closed_loop(subjects[subject][shape], callers, seconds)
        for subject, shape, callers in keys
    }


def medians(found: dict[tuple[str, str, int], list[Cell]]) -> list[dict[str, object]]:
    """One row a key: the median of each figure over the rounds."""
    return [
        {
            "subject": subject,
            "shape": shape,
            "callers": callers,
            "calls_per_s": round(statistics.median(cell.calls_per_s for cell in cells), 1),
            "p50_ms": round(statistics.median(cell.p50_ms for cell in cells), 2),
            "p99_ms": round(statistics.median(cell.p99_ms for cell in cells), 2),
        }
        for (subject, shape, callers), cells in sorted(found.items(), key=lambda item: item[0][1:])
    ]


def machine() -> dict[str, object]:
    """Where the figures come from."""
    packages = ("grpcio", "protobuf", "bentoml", "uvloop", "scikit-learn", "numpy")
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "command": "make bench",
    }


def publish(rows: list[dict[str, object]], arguments: dict[str, object], result: Path) -> None:
    """Prints the rows and records them with where they come from."""
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=100).print(table)
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps({**machine(), **arguments, "rows": rows}, indent=1) + "\n")


def main() -> None:
    """Measures, prints, writes benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    rows = medians(uvloop.run(measure(arguments.rounds, arguments.seconds)))
    publish(rows, vars(arguments), RESULT)


if __name__ == "__main__":
    main()
