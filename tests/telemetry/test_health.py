"""Health follows what the service stands on, and is never taken for good when that cannot say."""

from collections.abc import AsyncIterator

import pytest
from grpc_health.v1 import health_pb2
from structlog.testing import capture_logs

from backends import until
from heron_grpc.telemetry.health import HealthReporter

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Parts:
    """What the service stands on, as told to."""

    def __init__(self) -> None:
        self.ready: bool | Exception = True

    def __call__(self) -> bool:
        if isinstance(self.ready, Exception):
            raise self.ready
        return self.ready


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def reporter(parts: Parts) -> AsyncIterator[HealthReporter]:
    reporter = HealthReporter(["heron.v1.Classification"], ["heron.v1.Server"], parts)
    await reporter.start()
    yield reporter
    await reporter.shut_down()


async def statuses(reporter: HealthReporter) -> list[int]:
    services = ("", "heron.v1.Classification", "heron.v1.Server")
    answers = [await reporter.servicer.Check(health_pb2.HealthCheckRequest(service=name), None) for name in services]
    return [answer.status for answer in answers]


async def test_readiness_that_raises_counts_as_not_ready_and_is_followed_on(
    parts: Parts, reporter: HealthReporter
) -> None:
    assert await statuses(reporter) == [SERVING] * 3
    with capture_logs() as logs:
        parts.ready = OSError("no")
        await until(lambda: len(logs) == 2, within_s=10)
        assert await statuses(reporter) == [NOT_SERVING, NOT_SERVING, SERVING]
        parts.ready = True
        await until(lambda: len(logs) == 3, within_s=10)
    assert await statuses(reporter) == [SERVING] * 3
    assert [log["event"] for log in logs] == ["readiness_unknown", "health_changed", "health_changed"]
    assert isinstance(logs[0]["exc_info"], OSError)


async def test_a_service_starts_whose_parts_cannot_say_whether_they_are_ready(parts: Parts) -> None:
    parts.ready = OSError("no")
    reporter = HealthReporter(["heron.v1.Classification"], ["heron.v1.Server"], parts)
    await reporter.start()
    assert await statuses(reporter) == [NOT_SERVING, NOT_SERVING, SERVING]
    await reporter.shut_down()
    assert await statuses(reporter) == [NOT_SERVING] * 3


async def test_a_status_that_cannot_be_set_is_set_later(
    parts: Parts, reporter: HealthReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OSError("no")

    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(reporter.servicer, "set", fail)
            parts.ready = False
            await until(lambda: bool(logs), within_s=10)
            assert await statuses(reporter) == [SERVING] * 3
        await until(lambda: logs[-1]["event"] == "health_changed", within_s=10)
    assert logs[0]["event"] == "health_not_set"
    assert await statuses(reporter) == [NOT_SERVING, NOT_SERVING, SERVING]
