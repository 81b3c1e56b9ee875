"""The same Naive Bayes model behind the service and behind MLServer, 32 callers."""

import sys
from contextlib import ExitStack

from benchmarks import documents
from benchmarks.load import Closed, Fleet, Measured, Plan, Unary
from benchmarks.peers import mlserver
from benchmarks.peers.mlserver import Arrangement
from benchmarks.reporting import Row, arguments, at_least, interleaved, median, publish, ratio
from benchmarks.subjects.raw_model import CORES
from benchmarks.subjects.servers import ROOT, heron

CALLERS = 32
_SEARCH_S = 1.5
_MODEL = ROOT / "models" / "nb"


def main() -> None:
    """Measures, prints, records."""
    given = arguments(__doc__, rounds=3, seconds=3.0).parse_args()
    if not mlserver.PYTHON.exists():
        sys.exit("MLServer is not installed: make bench-peers does it")
    texts = documents.texts(512)
    payload = mlserver.make_payload(texts, documents.CACHE / "mlserver.bin")
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(given.load_processes))
        looks: dict[Arrangement, float] = {}
        for arrangement in mlserver.arrangements(CORES):
            with mlserver.mlserver(arrangement, _MODEL, payload) as server:
                plan = Plan(server.address, Unary(payload, mlserver.METHOD), Closed(CALLERS, _SEARCH_S))
                looks[arrangement] = fleet.run(plan).tally.ok_per_s
        best = max(looks, key=lambda arrangement: looks[arrangement])
        peer = stack.enter_context(mlserver.mlserver(best, _MODEL, payload))
        service = stack.enter_context(heron())
        ours = Plan(service.address, Unary(documents.text_payload()), Closed(CALLERS, given.seconds), warm_s=1.0)
        theirs = Plan(peer.address, Unary(payload, mlserver.METHOD), Closed(CALLERS, given.seconds), warm_s=1.0)
        found = interleaved(
            {
                "heron": lambda: fleet.run(ours, service.processes),
                f"mlserver {best}": lambda: fleet.run(theirs, peer.processes),
            },
            given.rounds,
        )
    rows = [_row(subject, runs) for subject, runs in found.items()]
    rows += [{"subject": f"a look at mlserver {one}", "calls_per_s": round(rate, 1)} for one, rate in looks.items()]
    ours_found, theirs_found = found.values()
    rate = ratio(ours_found, theirs_found, lambda run: run.tally.ok_per_s)
    cpu = ratio(theirs_found, ours_found, lambda run: sum(map(run.cpu_ms_per_call, run.cpu_s)))
    goals = [
        at_least(f"calls/s to MLServer's best, {CALLERS} callers", 4.0, rate),
        at_least("CPU of MLServer's call to ours", 1.0, cpu),
    ]
    publish("peers", given, rows, goals)


def _row(subject: str, runs: list[Measured]) -> Row:
    return {
        "subject": subject,
        "calls_per_s": median(runs, lambda run: run.tally.ok_per_s, 1),
        "p50_ms": median(runs, lambda run: run.tally.percentile_ms(0.5)),
        "p99_ms": median(runs, lambda run: run.tally.percentile_ms(0.99)),
        "cpu_ms": median(runs, lambda run: sum(map(run.cpu_ms_per_call, run.cpu_s)), 3),
    }


if __name__ == "__main__":
    main()
