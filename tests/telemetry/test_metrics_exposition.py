"""The metrics' port gives Prometheus what it asks for, and nobody on it can hurt the service."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest
from prometheus_client.core import GaugeMetricFamily
from structlog.testing import capture_logs

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.settings import load_settings
from heron_grpc.telemetry.exposition import ScrapeLimits, exposed
from heron_grpc.telemetry.metrics import Metrics
from scraping import REQUEST, fetch, scrape

ANYWHERE = "127.0.0.1:0"
PATIENT = 600.0

Expose = Callable[..., Awaitable[str]]


class Probe:
    """A collector of many metrics that counts how often it is asked, or of one that does not fit the buffers."""

    def __init__(self, metrics: int = 1, help_chars: int = 10) -> None:
        self.asked = 0
        self._metrics = metrics
        self._help = "h" * help_chars

    def collect(self) -> Iterator[GaugeMetricFamily]:
        self.asked += 1
        for number in range(self._metrics):
            yield GaugeMetricFamily(f"probe_{number}", self._help, value=self.asked)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def expose(metrics):
    async with AsyncExitStack() as stack:

        async def start(**limits: float) -> str:
            limits = {"fresh_s": 0.0, "connection_s": PATIENT, **limits}
            return await stack.enter_async_context(exposed(ANYWHERE, metrics, ScrapeLimits(**limits)))

        yield start


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port(address))


def port(address: str) -> int:
    return int(address.rpartition(":")[2])


async def is_hung_up_on(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(30):
            return await reader.read() == b""
    except ConnectionError:
        return True


async def test_what_is_counted_can_be_fetched(metrics, expose):
    address = await expose()
    metrics.document_failed("NOT_FOUND")
    assert (await scrape(address)).value("heron_documents_failed_total", reason="NOT_FOUND") == 1
    metrics.document_failed("NOT_FOUND")
    assert (await scrape(address)).value("heron_documents_failed_total", reason="NOT_FOUND") == 2


async def test_the_answer_is_in_the_text_format_without_series_that_prometheus_does_not_read(expose):
    head, body = await fetch(await expose())
    assert b"Content-Type: text/plain; version=0.0.4; charset=utf-8" in head
    assert "heron_cache_hits_total 0.0" in body
    assert "_created" not in body


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", b"404"),
        (b"GET /metrics/../secret HTTP/1.1", b"404"),
        (b"POST /metrics HTTP/1.1", b"405"),
        (b"DELETE /metrics HTTP/1.1", b"405"),
        (b"GET /metrics HTTP/9.9", b"400"),
        (b"\x16\x03\x01\x02 garbage", b"400"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1", b"400"),
    ],
)
async def test_there_is_nothing_else_on_the_port_and_nonsense_is_not_logged(expose, request_line, status, caplog):
    address = await expose()
    with capture_logs() as logs:
        head, _ = await fetch(address, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert head.split()[1] == status
    assert not logs
    assert not caplog.records


async def test_a_scraper_that_sends_half_a_request_holds_up_nobody_and_is_hung_up_on(expose):
    address = await expose(connection_s=0.2)
    reader, writer = await connect(address)
    writer.write(REQUEST[:20])
    await writer.drain()
    assert (await scrape(address)).value("process_open_fds") > 0
    assert await is_hung_up_on(reader)
    writer.close()


async def test_scrapers_that_do_not_read_hold_up_nobody_and_are_hung_up_on(metrics, expose):
    # More than the sockets' buffers take.
    metrics.follow(Probe(help_chars=20_000_000))
    address = await expose(connections=2, connection_s=0.5)
    with stalled(address):
        assert await is_served(address)
        with stalled(address):
            # Both places are taken until the server gives those up that do not read.
            await until_served(address)


@contextmanager
def stalled(address: str) -> Iterator[None]:
    with socket.create_connection(("127.0.0.1", port(address))) as scraper:
        scraper.sendall(REQUEST)
        yield


async def is_served(address: str) -> bool:
    """Whether a connection gets an answer, of whatever kind."""
    try:
        head, _ = await fetch(address, REQUEST.replace(b"/metrics", b"/"))
    except ConnectionError:
        return False
    return head.startswith(b"HTTP/1.1 404 ")


async def until_served(address: str) -> None:
    async with asyncio.timeout(60):
        while not await is_served(address):  # noqa: ASYNC110  it lies with the server
            await asyncio.sleep(0.01)


async def test_connections_beyond_the_bound_are_hung_up_on_until_others_end(expose):
    address = await expose(connections=3)
    held = [await connect(address) for _ in range(3)]
    reader, writer = await connect(address)
    assert await is_hung_up_on(reader)
    for other in (writer, *(writer for _, writer in held)):
        other.close()
    await until_served(address)


async def test_who_asks_all_the_time_gets_the_same_answer_again(metrics, expose):
    probe = Probe()
    metrics.follow(probe)
    address = await expose(fresh_s=PATIENT)
    found = await asyncio.gather(*(scrape(address) for _ in range(10)))
    assert probe.asked == 1
    assert {one.value("probe_0") for one in found} == {1}


async def test_the_event_loop_gets_its_turn_between_any_two_metrics(metrics, expose):
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    metrics.follow(Probe(metrics=500))
    address = await expose()
    worker = asyncio.create_task(work())
    before = turns
    await scrape(address)
    assert turns - before > 500
    worker.cancel()


async def test_how_late_the_event_loop_comes_is_sampled(metrics, expose):
    address = await expose()
    found = await scrape(address)
    while not found.value("heron_event_loop_lag_seconds_count"):
        found = await scrape(address)
    assert found.value("heron_event_loop_lag_seconds_sum") >= 0


async def test_where_it_listens_is_logged_and_free_again_afterwards(metrics):
    with capture_logs() as logs:
        async with exposed(ANYWHERE, metrics) as address:
            pass
    assert [(log["event"], log["address"]) for log in logs] == [("metrics_listening", address)]
    async with exposed(address, metrics) as again:
        assert again == address
        await scrape(address)


async def test_an_end_does_not_wait_for_scrapers(metrics):
    async with exposed(ANYWHERE, metrics) as address:
        reader, writer = await connect(address)
        writer.write(REQUEST[:20])
        await writer.drain()
        await fetch(address)
    assert await is_hung_up_on(reader)
    writer.close()


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "192.0.2.1:9464", "no host:1"])
async def test_an_address_that_cannot_be_had_is_a_wrong_set_up(metrics, address):
    with pytest.raises(ConfigurationError, match="HERON_METRICS_ADDRESS"):
        async with exposed(address, metrics):
            pass


async def test_an_address_in_use_is_a_wrong_set_up_and_its_owner_goes_on(metrics):
    async with exposed(ANYWHERE, metrics) as address:
        with pytest.raises(ConfigurationError, match="in use"):
            async with exposed(address, Metrics()):
                pass
        await scrape(address)


@pytest.mark.parametrize("value", ["9464", "http://127.0.0.1:9464", "127.0.0.1:port", "127.0.0.1"])
def test_a_setting_that_is_no_address_is_refused(monkeypatch, value):
    monkeypatch.setenv("HERON_METRICS_ADDRESS", value)
    with pytest.raises(ConfigurationError, match="HERON_METRICS_ADDRESS"):
        load_settings()


def test_an_empty_setting_serves_none(monkeypatch):
    monkeypatch.setenv("HERON_METRICS_ADDRESS", "")
    assert not load_settings().metrics.address
