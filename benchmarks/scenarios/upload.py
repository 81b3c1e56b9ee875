"""One upload stream of 100 MB in chunks of 256 KiB: the service, which hashes and spools, and sinks that do neither.

The file is a PDF that is large by a stream no page refers to, so that reading and classifying it takes little. The
rate "taken" ends with the last byte received, by the service's own account of how long it worked after that; the rate
"whole" ends with the answer.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import uvloop

from benchmarks import documents
from benchmarks.load import Closed, Plan, Upload
from benchmarks.load.drive import connect
from benchmarks.load.process_tree import FRONT
from benchmarks.reporting import Goal, Row, arguments, at_least, interleaved, median, publish, ratio
from benchmarks.subjects.servers import Server, echo, heron, sample_answer
from heron.v1.classification_pb2 import ClassifyUploadResponse

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One upload."""

    whole_mb_per_s: float
    taken_mb_per_s: float
    front_cpu_ms_per_mb: float


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=7, seconds=0.0)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--chunk-kib", type=int, default=256)
    given = parser.parse_args()
    shape = Upload(documents.large_pdf(given.megabytes * MB), given.chunk_kib * 1024)
    with ExitStack() as stack:
        service = stack.enter_context(heron())
        answer = sample_answer(service, documents.texts(1)[0])
        # A sink has no work after the last byte.
        answer.ClearField("stats")
        subjects = {
            "heron": service,
            "sink": stack.enter_context(echo(answer)),
            "sink that hashes": stack.enter_context(echo(answer, hashes=True)),
        }
        cells = {name: partial(send, server, shape) for name, server in subjects.items()}
        for one in cells.values():
            one()
        found = interleaved(cells, given.rounds)
    rows = [_row(name, uploads) for name, uploads in found.items()]
    publish("upload", given, rows, _goals(found))


def send(server: Server, shape: Upload) -> Sent:
    """Uploads once, over a connection of its own. Raises grpc.RpcError."""
    return uvloop.run(_send(server, shape))


async def _send(server: Server, shape: Upload) -> Sent:
    channels = await connect(Plan(server.address, shape, Closed(1, 0.0)))
    try:
        call = shape.bind(channels)
        megabytes = shape.file.stat().st_size / MB
        before, began = server.processes.cpu_seconds(), time.perf_counter()
        data = await call(0, 60.0)
        took_s = time.perf_counter() - began
        after = server.processes.cpu_seconds()
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))
    worked_s = ClassifyUploadResponse.FromString(data).classification.stats.total.ToTimedelta().total_seconds()
    cpu_s = after[FRONT] - before[FRONT]
    return Sent(megabytes / took_s, megabytes / (took_s - worked_s), 1e3 * cpu_s / megabytes)


def _row(name: str, uploads: Sequence[Sent]) -> Row:
    return {
        "subject": name,
        "taken_mb_per_s": median(uploads, lambda one: one.taken_mb_per_s, 1),
        "whole_mb_per_s": median(uploads, lambda one: one.whole_mb_per_s, 1),
        "front_cpu_ms_per_mb": median(uploads, lambda one: one.front_cpu_ms_per_mb),
    }


def _goals(found: Mapping[str, Sequence[Sent]]) -> list[Goal]:
    """Either of the two is enough."""
    taken = median(found["heron"], lambda one: one.taken_mb_per_s)
    share = ratio(found["heron"], found["sink"], lambda one: one.taken_mb_per_s)
    return [at_least("MB/s taken", 250.0, taken), at_least("or taken to a bare sink's", 0.8, share)]


if __name__ == "__main__":
    main()
