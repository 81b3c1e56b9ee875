"""Honest callers alone and during each attack, and the front's memory before and after it.

The attacker takes a core of the machine it shares with the service. What that costs by itself is measured too, with a
process that only burns it, and the goal is held to that.
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvloop

from benchmarks import documents
from benchmarks.abuse.attacks import ATTACKS
from benchmarks.load import Fleet, Open, Plan, Step, Tally, Unary
from benchmarks.load.process_tree import FRONT
from benchmarks.reporting import Goal, Row, arguments, at_most, median, publish, ratio
from benchmarks.subjects.servers import Server, heron

MB = 1_000_000
# Memory that is given back is given back within this; what one attack warmed up is not held against the next.
_PAUSE_S = 3.0
_GROWTH_MB = 32.0
_NEIGHBOUR = "busy_neighbour"
_CONNECTIONS = 4


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=3, seconds=5.0)
    parser.add_argument("--attacks", choices=[*ATTACKS], nargs="+", default=[*ATTACKS])
    parser.add_argument("--honest-per-s", type=float, default=50.0, help="honest calls")
    given = parser.parse_args()
    payload = documents.text_payload()
    names = [_NEIGHBOUR, *given.attacks]
    found: dict[str, list[_Round]] = {name: [] for name in names}
    honest = Open((Step(given.honest_per_s, given.seconds),))
    with heron() as service, Fleet(1) as fleet:
        for number in range(given.rounds + 1):
            for name in random.sample(names, len(names)):
                plan = Plan(service.address, Unary(payload), honest, deadline_s=20.0, channels=_CONNECTIONS)
                measured = _round(fleet, service, plan, name)
                # The first round warms the front up: what it fills once it keeps.
                if number:
                    found[name].append(measured)
    neighbour = found[_NEIGHBOUR]
    publish("abuse", given, [_row(name, rounds, neighbour) for name, rounds in found.items()], _goals(found))


@dataclass(frozen=True, slots=True)
class _Round:
    alone: Tally
    during: Tally
    before_mb: float
    after_mb: float
    front_cpu_s: float

    @property
    def unanswered(self) -> float:
        """Share of the honest calls."""
        return self.during.failed / max(1, sum(self.during.codes.values()))


def _p99_ms(each: _Round) -> float:
    return each.during.percentile_ms(0.99)


def _round(fleet: Fleet, service: Server, plan: Plan, name: str) -> _Round:
    alone = fleet.run(plan).tally
    before_mb, cpu_s = _front_mb(service), service.processes.cpu_seconds()[FRONT]
    with _under_attack(service.address, name):
        during = fleet.run(plan).tally
        cpu_s = service.processes.cpu_seconds()[FRONT] - cpu_s
    time.sleep(_PAUSE_S)
    return _Round(alone, during, before_mb, _front_mb(service), cpu_s)


def _front_mb(service: Server) -> float:
    return service.processes.use()[FRONT].rss_bytes / MB


@contextmanager
def _under_attack(address: str, name: str) -> Iterator[None]:
    attacker = multiprocessing.get_context("spawn").Process(target=_attack, args=(address, name), daemon=True)
    attacker.start()
    try:
        yield
        if not attacker.is_alive():
            raise RuntimeError(f"the attacker {name} gave up")
    finally:
        attacker.kill()
        attacker.join()


def _attack(address: str, name: str) -> None:
    """Attacks again and again until it is killed."""
    uvloop.run(_attack_forever(address, name))


async def _attack_forever(address: str, name: str) -> None:
    while True:
        if name != _NEIGHBOUR:
            await ATTACKS[name](address)
        await asyncio.sleep(0)


def _row(name: str, rounds: Sequence[_Round], neighbour: Sequence[_Round]) -> Row:
    return {
        "attack": name,
        "alone_p50_ms": median(rounds, lambda each: each.alone.percentile_ms(0.5)),
        "alone_p99_ms": median(rounds, lambda each: each.alone.percentile_ms(0.99)),
        "during_p50_ms": median(rounds, lambda each: each.during.percentile_ms(0.5)),
        "during_p99_ms": median(rounds, _p99_ms),
        "p99_to_neighbour": round(ratio(rounds, neighbour, _p99_ms), 2),
        "codes": rounds[-1].during.codes,
        "front_cores": median(rounds, lambda each: each.front_cpu_s / each.during.seconds),
        "before_mb": median(rounds, lambda each: each.before_mb, 1),
        "after_mb": median(rounds, lambda each: each.after_mb, 1),
    }


def _goals(found: dict[str, list[_Round]]) -> list[Goal]:
    return [
        goal
        for name, rounds in found.items()
        if name != _NEIGHBOUR
        for goal in (
            at_most(
                f"{name}: honest p99 to that beside a busy process", 2.0, ratio(rounds, found[_NEIGHBOUR], _p99_ms)
            ),
            at_most(f"{name}: honest calls unanswered", 0.0, max(each.unanswered for each in rounds)),
            at_most(f"{name}: MB kept", _GROWTH_MB, median(rounds, lambda each: each.after_mb - each.before_mb)),
        )
    ]


if __name__ == "__main__":
    main()
