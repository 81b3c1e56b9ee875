"""Unary text calls at 1 to 128 callers: the service, a gRPC echo of the same messages, and the model alone."""

from contextlib import ExitStack
from functools import partial

from benchmarks import documents
from benchmarks.load import Closed, Fleet, Measured, Plan, Unary
from benchmarks.load.process_tree import BACKEND, FRONT
from benchmarks.reporting import Goal, Row, arguments, at_least, at_most, interleaved, median, publish, ratio
from benchmarks.subjects import raw_model
from benchmarks.subjects.servers import ROOT, Server, echo, heron, sample_answer

CALLERS = (1, 8, 32, 128)
Cells = dict[tuple[str, int], list[Measured]]


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=3, seconds=2.0)
    parser.add_argument("--chars", type=int, default=2000, help="mean length of a text")
    given = parser.parse_args()
    payload = documents.text_payload(given.chars)
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(given.load_processes))
        service = stack.enter_context(heron())
        floor = stack.enter_context(echo(sample_answer(service, documents.texts(1)[0])))
        subjects: dict[str, Server] = {"heron": service, "echo": floor}

        def cell(subject: str, callers: int) -> Measured:
            server = subjects[subject]
            plan = Plan(server.address, Unary(payload), Closed(callers, given.seconds))
            return fleet.run(plan, server.processes)

        cells = {(subject, callers): partial(cell, subject, callers) for callers in CALLERS for subject in subjects}
        # Thrown away: connections, caches and branches warm up.
        for one in cells.values():
            one()
        found = interleaved(cells, given.rounds)
    raw = {
        arrangement.processes: [
            raw_model.measure(ROOT / "models" / "nb", arrangement, max(CALLERS), given.seconds)
            for _ in range(given.rounds)
        ]
        for callers in (1, max(CALLERS))
        for arrangement in raw_model.arrangements(callers, raw_model.CORES, network=False)
    }
    rows = _rows(found)
    rows += [
        {
            "subject": f"raw model, {processes} process(es)",
            "calls_per_s": median(runs, lambda run: run.tally.ok_per_s, 1),
        }
        for processes, runs in raw.items()
    ]
    publish("text", given, rows, _goals(found))


def _rows(found: Cells) -> list[Row]:
    return [
        {
            "subject": subject,
            "callers": callers,
            "calls_per_s": median(runs, lambda run: run.tally.ok_per_s, 1),
            "p50_ms": median(runs, lambda run: run.tally.percentile_ms(0.5)),
            "p99_ms": median(runs, lambda run: run.tally.percentile_ms(0.99)),
            "front_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(FRONT), 3),
            "backend_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(BACKEND), 3) or None,
            "client_cpu_s": median(runs, lambda run: run.client_cpu_s),
            "not_ok": sum(run.tally.failed for run in runs) or None,
        }
        for (subject, callers), runs in found.items()
    ]


def _goals(found: Cells) -> list[Goal]:
    most, few = max(CALLERS), min(CALLERS)
    front = {
        callers: ratio(found["heron", callers], found["echo", callers], lambda run: run.cpu_ms_per_call(FRONT))
        for callers in CALLERS
    }
    rate = ratio(found["heron", most], found["echo", most], lambda run: run.tally.ok_per_s)
    return [
        *(at_most(f"front CPU of a call to the echo's, {callers} callers", 1.5, front[callers]) for callers in CALLERS),
        at_least(f"calls/s to the echo's, {most} callers", 0.8, rate),
        at_most("p50 ms, 1 caller", 3.0, median(found["heron", few], lambda run: run.tally.percentile_ms(0.5))),
    ]


if __name__ == "__main__":
    main()
