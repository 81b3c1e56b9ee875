"""100 uploads of 100 MB at once, half of them from slow senders, while somebody else asks about texts."""

import asyncio
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import uvloop

from benchmarks import documents
from benchmarks.load import Closed, Fleet, Open, Plan, Step, Tally, Unary, Upload
from benchmarks.load.drive import code_of, connect
from benchmarks.reporting import Row, arguments, at_least, at_most, publish
from benchmarks.subjects.servers import Server, heron

MB = 1_000_000
_CHANNELS = 10
_TEXTS_PER_S = 20.0
_TEXT_DEADLINE_S = 10.0


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=1, seconds=20.0)
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--slow-mb-per-s", type=float, default=2.5, help="of each slow sender")
    given = parser.parse_args()
    file = documents.large_pdf(given.megabytes * MB)
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(1))
        service = stack.enter_context(heron())
        texts = Open((Step(_TEXTS_PER_S, given.seconds),))
        plan = Plan(service.address, Unary(documents.text_payload()), texts, _TEXT_DEADLINE_S, warm_s=2.0)
        alone = fleet.run(plan).tally
        before_mb = service.processes.front_peak_rss_bytes() / MB
        uploads = _Uploads(service, file, given.uploads, given.slow_mb_per_s * MB)
        thread = threading.Thread(target=uploads.run)
        thread.start()
        beside = fleet.run(plan).tally
        thread.join()
        peak_mb = service.processes.front_peak_rss_bytes() / MB
    rows: list[Row] = [
        {"what": "front, peak before the uploads, MB", "figure": round(before_mb, 1)},
        {"what": "front, peak, MB", "figure": round(peak_mb, 1)},
        {"what": "uploads by code", "figure": dict(uploads.codes)},
        {"what": "seconds until the last upload was answered", "figure": round(uploads.took_s, 1)},
        {"what": "texts alone", "figure": alone.summary()},
        {"what": "texts beside the uploads", "figure": beside.summary()},
    ]
    goals = [
        at_most("front's peak, MB", 600.0, peak_mb),
        at_least("share of the uploads answered", 1.0, uploads.codes["OK"] / given.uploads),
        at_least("share of the texts answered beside them", 1.0, _answered(beside)),
    ]
    publish("memory", given, rows, goals)


def _answered(tally: Tally) -> float:
    return tally.codes.get("OK", 0) / max(1, sum(tally.codes.values()))


class _Uploads:
    """Every other sender is slow, the rest send as fast as the service takes it."""

    def __init__(self, service: Server, file: Path, count: int, slow_bytes_per_s: float) -> None:
        self._service = service
        self._shapes = (Upload(file), Upload(file, bytes_per_s=slow_bytes_per_s))
        self._count = count
        self.codes: Counter[str] = Counter()
        self.took_s = 0.0

    def run(self) -> None:
        """Blocks until all are answered."""
        began = time.monotonic()
        uvloop.run(self._send())
        self.took_s = time.monotonic() - began

    async def _send(self) -> None:
        plan = Plan(self._service.address, self._shapes[0], Closed(1, 0.0), channels=_CHANNELS)
        channels = await connect(plan)
        calls = [shape.bind(channels) for shape in self._shapes]
        deadline_s = 580.0
        codes = (code_of(calls[number % 2](number, deadline_s)) for number in range(self._count))
        self.codes.update(await asyncio.gather(*codes))
        await asyncio.gather(*(channel.close() for channel in channels))


if __name__ == "__main__":
    main()
