"""How long the service takes to be ready, to notice a dead model backend, and to be back."""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from run import publish, service_environment

RESULT = Path(__file__).parents[1] / "results" / "recovery.json"
SERVING = health_pb2.HealthCheckResponse.SERVING


@contextmanager
def service() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service that has just said it is ready, and its address."""
    command = [str(Path(sys.executable).with_name("heron")), "serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=service_environment()
    ) as process:
        try:
            yield process, process.stdout.readline().split("ready on ")[1].split()[0]
        finally:
            process.terminate()


def one_round() -> dict[str, float]:
    """Seconds of each phase, once."""
    began = time.perf_counter()
    with service() as (process, address), grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        def serving() -> bool:
            return stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == SERVING

        seconds_until(serving)
        figures = {"ready": time.perf_counter() - began}
        for child in psutil.Process(process.pid).children(recursive=True):
            if "bentoml" in " ".join(child.cmdline()):
                child.kill()
        figures["noticed"] = seconds_until(lambda: not serving())
        figures["back"] = seconds_until(serving)
    return figures


def seconds_until(condition: Callable[[], bool]) -> float:
    """How long until `condition` holds."""
    began = time.perf_counter()
    while not condition():
        time.sleep(0.01)
    return time.perf_counter() - began


def main() -> None:
    """Measures, prints, writes benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rounds = [one_round() for _ in range(arguments.rounds)]
    names = {"ready": "start to ready", "noticed": "backend killed to NOT_SERVING", "back": "NOT_SERVING to SERVING"}
    rows = [
        {
            "phase": phase,
            "median_s": round(statistics.median(found[name] for found in rounds), 2),
            "worst_s": round(max(found[name] for found in rounds), 2),
        }
        for name, phase in names.items()
    ]
    publish(rows, vars(arguments), RESULT)


if __name__ == "__main__":
    main()
