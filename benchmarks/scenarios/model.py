"""A transformer of 6 x 384 behind the service at 32, 8 and 1 callers, and alone in its best arrangement."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import documents
from benchmarks.load import Closed, Fleet, Measured, Plan, Unary
from benchmarks.load.process_tree import BACKEND, FRONT
from benchmarks.reporting import Row, arguments, at_least, interleaved, median, publish, ratio
from benchmarks.subjects import raw_model
from benchmarks.subjects.raw_model import Arrangement
from benchmarks.subjects.servers import ROOT, heron

# Callers, and what the service is to reach of the model alone.
WANTED = {32: 0.95, 8: 0.9, 1: 0.8}
_CHOSEN = 2
_ALIKE = 0.9
_SEARCH_S = 1.0


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=3, seconds=5.0)
    parser.add_argument("--model", type=Path, help="model directory; a transformer of random weights when not given")
    parser.add_argument("--chars", type=int, default=2000, help="mean length of a text")
    given = parser.parse_args()
    model = given.model or _random_transformer()
    payload = documents.text_payload(given.chars)
    candidates = {callers: _best(model, callers, given.chars) for callers in WANTED}
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(given.load_processes))
        settings = {"HERON_SERVING_MODELS_DIR": str(model.parent), "HERON_SERVING_MODEL": model.name}
        service = stack.enter_context(heron(**settings))

        def served(callers: int) -> Measured:
            plan = Plan(service.address, Unary(payload), Closed(callers, given.seconds), warm_s=1.0)
            return fleet.run(plan, service.processes)

        def alone(callers: int, arrangement: Arrangement) -> Measured:
            return raw_model.measure(model, arrangement, callers, given.seconds, given.chars)

        served(max(WANTED))
        ours = {(callers, None): partial(served, callers) for callers in WANTED}
        theirs = {
            (callers, arrangement): partial(alone, callers, arrangement)
            for callers, arrangements in candidates.items()
            for arrangement in arrangements
        }
        found = interleaved({**ours, **theirs}, given.rounds)
    best = {
        callers: max(arrangements, key=lambda one: median(found[callers, one], _rate))
        for callers, arrangements in candidates.items()
    }
    rows = [_row(callers, arrangement, runs) for (callers, arrangement), runs in found.items()]
    goals = [
        at_least(
            f"texts/s to the model's alone, {callers} callers",
            wanted,
            ratio(found[callers, None], found[callers, best[callers]], _rate),
        )
        for callers, wanted in WANTED.items()
    ]
    publish("model", given, sorted(rows, key=lambda row: -int(str(row["callers"]))), goals)


def _best(model: Path, callers: int, chars: int) -> Sequence[Arrangement]:
    """The arrangements that a short look finds fastest, alike to a tenth; the rounds decide between them."""
    looks = {
        arrangement: _rate(raw_model.measure(model, arrangement, callers, _SEARCH_S, chars))
        for arrangement in raw_model.arrangements(callers, raw_model.CORES, network=(model / "model.onnx").exists())
    }
    fastest = sorted(looks, key=lambda arrangement: -looks[arrangement])[:_CHOSEN]
    return [arrangement for arrangement in fastest if looks[arrangement] >= _ALIKE * looks[fastest[0]]]


def _random_transformer() -> Path:
    directory = documents.CACHE / "models" / "transformer"
    if not (directory / "manifest.json").exists():
        command = [sys.executable, str(ROOT / "benchmarks/models/random_transformer.py"), str(directory)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return directory


def _rate(run: Measured) -> float:
    return run.tally.ok_per_s


def _row(callers: int, arrangement: Arrangement | None, runs: Sequence[Measured]) -> Row:
    return {
        "subject": f"alone: {arrangement}" if arrangement else "heron",
        "callers": callers,
        "texts_per_s": median(runs, _rate, 1),
        "p50_ms": median(runs, lambda run: run.tally.percentile_ms(0.5), 1),
        "p99_ms": median(runs, lambda run: run.tally.percentile_ms(0.99), 1),
        "front_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(FRONT)) or None,
        "backend_cpu_ms": median(runs, lambda run: run.cpu_ms_per_call(BACKEND)) or None,
    }


if __name__ == "__main__":
    main()
