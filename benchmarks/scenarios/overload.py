"""Half to twice the work the service can do, arriving whether it can or not: what gets done in time.

Capacity is found by closed loops. Then calls arrive at random (Poisson) at shares of it, each with a deadline that
counts from the moment it was meant to be sent; what comes late is not counted as done. The documents are large enough
that asking costs little beside answering: the generator shares the cores with the service.
"""

import argparse
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import documents
from benchmarks.load import Closed, Fleet, Measured, Open, Plan, Step, Unary
from benchmarks.reporting import Goal, Row, arguments, at_least, at_most, median, publish
from benchmarks.subjects.servers import Server, heron

SHARES = (0.5, 1.0, 1.5, 2.0)
_CALLERS = (16, 64)
_CHANNELS = 8
_TEXT_CHARS = 12_000
_REFUSED = "RESOURCE_EXHAUSTED"


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=1, seconds=15.0)
    parser.add_argument("--deadline", type=float, default=1.0)
    parser.add_argument("--work", choices=("texts", "pdfs"), nargs="+", default=["texts", "pdfs"])
    given = parser.parse_args()
    payloads = {"texts": lambda: documents.text_payload(_TEXT_CHARS, 256), "pdfs": documents.pdf_payload}
    rows: list[Row] = []
    goals: list[Goal] = []
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(given.load_processes))
        service = stack.enter_context(heron())
        for work in given.work:
            payload = payloads[work]()
            capacity = _capacity(fleet, service, payload)
            run = partial(_arrivals, fleet, service, payload, given)
            found = {share: [run(share * capacity) for _ in range(given.rounds)] for share in SHARES}
            rows += [_row(work, capacity, share, runs, given.deadline) for share, runs in found.items()]
            goals += _goals(work, capacity, found, given.deadline)
    publish("overload", given, rows, goals)


def _capacity(fleet: Fleet, service: Server, payload: Path) -> float:
    """Most calls a second that callers get answered who wait for each answer."""
    plans = [Plan(service.address, Unary(payload), Closed(callers, 4.0), warm_s=1.0) for callers in _CALLERS]
    return max(fleet.run(plan).tally.ok_per_s for plan in plans)


def _arrivals(fleet: Fleet, service: Server, payload: Path, given: argparse.Namespace, per_s: float) -> Measured:
    load = Open((Step(per_s, given.seconds),))
    plan = Plan(service.address, Unary(payload), load, given.deadline, channels=_CHANNELS, warm_s=2.0)
    return fleet.run(plan, service.processes)


def _row(work: str, capacity: float, share: float, runs: list[Measured], deadline_s: float) -> Row:
    codes = [run.tally.codes for run in runs]
    answered = [code.get("OK", 0) for code in codes]
    in_time = [run.tally.within_per_s(deadline_s) * run.tally.seconds for run in runs]
    known = ("OK", _REFUSED, "DEADLINE_EXCEEDED")
    return {
        "work": work,
        "capacity_share": share,
        "offered_per_s": round(share * capacity, 1),
        "goodput_per_s": median(runs, lambda run: run.tally.within_per_s(deadline_s), 1),
        "late": round(sum(answered) - sum(in_time)),
        "refused": sum(code.get(_REFUSED, 0) for code in codes),
        "deadline_exceeded": sum(code.get("DEADLINE_EXCEEDED", 0) for code in codes),
        "other": {name: count for code in codes for name, count in code.items() if name not in known} or None,
        "p50_ms": median(runs, lambda run: run.tally.percentile_ms(0.5), 1),
        "p99_ms": median(runs, lambda run: run.tally.percentile_ms(0.99), 1),
        "refused_p50_ms": median(runs, lambda run: run.tally.percentile_ms(0.5, _REFUSED), 1),
        "send_lag_p99_ms": median(runs, lambda run: run.tally.lag_ms(0.99), 1),
        "client_cores": median(runs, lambda run: run.client_cpu_s / run.tally.seconds),
    }


def _goals(work: str, capacity: float, found: dict[float, list[Measured]], deadline_s: float) -> list[Goal]:
    """The peak is the best of all rates, closed loops included."""
    goodput = {share: median(runs, lambda run: run.tally.within_per_s(deadline_s), 3) for share, runs in found.items()}
    most = max(found)
    slowest = median(found[most], lambda run: run.tally.percentile_ms(0.99))
    return [
        at_least(
            f"{work}: goodput at {most:g} x capacity to the peak", 0.9, goodput[most] / max(capacity, *goodput.values())
        ),
        at_most(f"{work}: p99 ms of what is accepted at {most:g} x capacity", deadline_s * 1e3, slowest),
    ]


if __name__ == "__main__":
    main()
