"""Drives one server from the command line: closed or open loop, texts, files, uploads or bulk streams; prints JSON."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import documents
from benchmarks.load.arrivals import Step, ramp
from benchmarks.load.fleet import Fleet
from benchmarks.load.plan import Closed, Open, Plan
from benchmarks.load.process_tree import ProcessTree
from benchmarks.load.shapes import CHUNK_BYTES, Bulk, Unary, Upload
from benchmarks.reporting import machine

MB = 1_000_000


def main() -> None:
    """Runs one plan."""
    given = _options()
    plan = Plan(given.address, _shape(given), _load(given), given.deadline, given.channels, given.warm)
    with Fleet(given.processes) as fleet:
        measured = fleet.run(plan, ProcessTree(given.pid) if given.pid else None)
    record = {**machine(), "load": asdict(plan.load), **measured.summary()}
    json.dump(record, sys.stdout, indent=1)
    print()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50051")
    parser.add_argument("--shape", choices=("text", "file", "upload", "bulk-text", "bulk-file"), default="text")
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds of a call, of the stream for bulk")
    parser.add_argument("--channels", type=int, default=1, help="connections of each process")
    parser.add_argument("--processes", type=int, default=2, help="of the load generator")
    parser.add_argument("--pid", type=int, help="of the service, to count its processor time")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a closed loop, or of each step of an open one")
    parser.add_argument("--warm", type=float, default=1.0, help="seconds before counting begins")
    closed = parser.add_argument_group("closed loop")
    closed.add_argument("--callers", type=int, default=32, help="that wait for each answer; streams for bulk")
    opened = parser.add_argument_group("open loop")
    opened.add_argument("--rate", type=float, help="calls a second, whatever the service does; makes the loop open")
    opened.add_argument("--rate-to", type=float, help="rise to this rate")
    opened.add_argument("--rate-step", type=float, default=50.0, help="in steps of so much")
    opened.add_argument("--arrivals", choices=("poisson", "constant"), default="poisson")
    shape = parser.add_argument_group("what is sent")
    shape.add_argument("--payload", type=Path, help="file of messages, each after its length; else generated ones")
    shape.add_argument("--file", type=Path, help="what to upload; else a generated PDF")
    shape.add_argument("--chars", type=int, default=2000, help="mean length of a text")
    shape.add_argument("--megabytes", type=float, default=1.0, help="of the generated upload")
    shape.add_argument("--chunk-bytes", type=int, default=CHUNK_BYTES)
    shape.add_argument("--bytes-per-s", type=float, default=0.0, help="of one upload's sender; 0 is as fast as it goes")
    shape.add_argument("--window", type=int, default=32, help="documents of a bulk stream unanswered at once")
    shape.add_argument("--ordered", action="store_true", help="bulk answers in the order asked")
    return parser.parse_args()


def _shape(given: argparse.Namespace) -> Unary | Upload | Bulk:
    match given.shape:
        case "text":
            return Unary(given.payload or documents.text_payload(given.chars))
        case "file":
            return Unary(given.payload or documents.pdf_payload())
        case "upload":
            file = given.file or documents.large_pdf(int(given.megabytes * MB))
            return Upload(file, given.chunk_bytes, given.bytes_per_s)
        case "bulk-text":
            return Bulk(given.payload or documents.bulk_text_payload(given.chars), given.window, given.ordered)
        case _:
            return Bulk(given.payload or documents.bulk_pdf_payload(), given.window, given.ordered)


def _load(given: argparse.Namespace) -> Closed | Open:
    if given.rate is None:
        return Closed(given.callers, given.seconds)
    if given.rate_to is None:
        return Open((Step(given.rate, given.seconds),), given.arrivals)
    return Open(ramp(given.rate, given.rate_to, given.rate_step, given.seconds), given.arrivals)


if __name__ == "__main__":
    main()
