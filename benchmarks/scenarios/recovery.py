"""How long the service takes to be ready, to notice a dead model backend, and to be back."""

import time
from collections.abc import Callable
from operator import itemgetter

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.reporting import Row, arguments, median, publish
from benchmarks.subjects.servers import heron

SERVING = health_pb2.HealthCheckResponse.SERVING
_LONGEST_S = 60.0


def main() -> None:
    """Measures, prints, records."""
    given = arguments(__doc__, rounds=3, seconds=0.0).parse_args()
    rounds = [one_round() for _ in range(given.rounds)]
    names = {"ready": "start to ready", "noticed": "backend killed to NOT_SERVING", "back": "NOT_SERVING to SERVING"}
    rows: list[Row] = [
        {
            "phase": phase,
            "median_s": median(rounds, itemgetter(name)),
            "worst_s": round(max(found[name] for found in rounds), 2),
        }
        for name, phase in names.items()
    ]
    publish("recovery", given, rows)


def one_round() -> dict[str, float]:
    """Seconds of each phase, once."""
    began = time.perf_counter()
    options = (("grpc.enable_http_proxy", 0),)
    with heron() as service, grpc.insecure_channel(service.address, options=options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        def serving() -> bool:
            return bool(stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == SERVING)

        seconds_until(serving)
        figures = {"ready": time.perf_counter() - began}
        service.processes.kill_backend()
        figures["noticed"] = seconds_until(lambda: not serving())
        figures["back"] = seconds_until(serving)
    return figures


def seconds_until(condition: Callable[[], bool]) -> float:
    """How long until `condition` holds. Raises TimeoutError after a minute."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > _LONGEST_S:
            raise TimeoutError("nothing changed within a minute")
        time.sleep(0.01)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
