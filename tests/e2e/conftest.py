from collections.abc import Callable, Iterator

import pytest

from running import Service, launch, stop


@pytest.fixture
def start_service(tmp_path) -> Iterator[Callable[..., Service]]:
    started = []

    def start(**settings: str) -> Service:
        started.append(launch(tmp_path / f"heron-{len(started)}.log", **settings))
        return started[-1]

    yield start
    for service in started:
        stop(service)


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[Service]:
    running = launch(tmp_path_factory.mktemp("service") / "heron.log")
    yield running
    stop(running)
