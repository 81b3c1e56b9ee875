"""Text PDFs on a bulk stream and in unary calls, and the same files read by pypdfium2 alone on the same cores."""

from contextlib import ExitStack
from functools import partial

from benchmarks import documents
from benchmarks.load import Bulk, Closed, Fleet, Measured, Plan, Unary
from benchmarks.load.process_tree import BACKEND, FRONT, READERS
from benchmarks.reporting import Row, arguments, at_least, interleaved, median, publish, ratio
from benchmarks.subjects import raw_pdf
from benchmarks.subjects.servers import heron

_RAW = "pypdfium2 alone"


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=3, seconds=3.0)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--window", type=int, default=32, help="documents of a stream unanswered at once")
    given = parser.parse_args()
    files = documents.pdfs(given.files)
    pdfs = documents.bulk_pdf_payload(given.files)
    shapes: dict[str, tuple[Bulk | Unary, int]] = {
        "bulk, PDFs": (Bulk(pdfs, given.window), given.streams),
        "bulk in order, PDFs": (Bulk(pdfs, given.window, ordered=True), given.streams),
        "unary, PDFs": (Unary(documents.pdf_payload(given.files)), given.streams * given.window),
        "bulk, texts of 2 kB": (Bulk(documents.bulk_text_payload(), given.window), given.streams),
    }
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(min(given.load_processes, given.streams)))
        service = stack.enter_context(heron())

        def served(shape: Bulk | Unary, callers: int) -> Measured:
            plan = Plan(service.address, shape, Closed(callers, given.seconds), warm_s=1.0)
            return fleet.run(plan, service.processes)

        cells = {name: partial(served, *shape) for name, shape in shapes.items()}
        found = interleaved({**cells, _RAW: partial(raw_pdf.measure, files, given.seconds)}, given.rounds)
    share = ratio(found["bulk, PDFs"], found[_RAW], lambda run: run.tally.ok_per_s)
    rows = [_row(name, runs) for name, runs in found.items()]
    publish("bulk", given, rows, [at_least("bulk PDFs/s to pypdfium2's alone", 0.7, share)])


def _row(name: str, runs: list[Measured]) -> Row:
    return {
        "subject": name,
        "documents_per_s": median(runs, lambda run: run.tally.ok_per_s, 1),
        "p50_ms": median(runs, lambda run: run.tally.percentile_ms(0.5)),
        "p99_ms": median(runs, lambda run: run.tally.percentile_ms(0.99)),
        "front_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(FRONT)) or None,
        "readers_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(READERS)) or None,
        "backend_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(BACKEND)) or None,
        "not_ok": sum(run.tally.failed for run in runs) or None,
    }


if __name__ == "__main__":
    main()
