"""The metrics' own port: GET /metrics, however slow or hostile whoever asks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.telemetry.logging import get_logger
from heron_grpc.telemetry.metrics import Metrics

PATH = "/metrics"
_LAG_SAMPLE_S = 0.25
# Scrapes under way when the service ends get no longer.
_END_S = 0.1

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ScrapeLimits:
    """What scrapers may take; Prometheus itself takes one connection and gives up after 10 s."""

    connections: int = 16
    # From its beginning, whatever happens on it; one more quarter at most.
    connection_s: float = 10.0
    # So long the same answer is given again: whoever asks all the time costs no more than 4 collections a second.
    fresh_s: float = 0.25


@asynccontextmanager
async def exposed(address: str, metrics: Metrics, limits: ScrapeLimits | None = None) -> AsyncIterator[str]:
    """Serves the metrics on `address` (host:port, port 0 picks a free one) in this event loop, and samples its lag.

    Gives the address it listens on. Raises ConfigurationError when it cannot have it.
    """
    endpoint = _Endpoint(metrics.registry, limits or ScrapeLimits())
    listening = await endpoint.start(address)
    tasks = [
        asyncio.create_task(_sample_lag(metrics), name="event loop lag"),
        asyncio.create_task(endpoint.end_overdue(), name="overdue scrapes"),
    ]
    _log.info("metrics_listening", address=listening)
    try:
        yield listening
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await endpoint.close()


class _Endpoint:
    """In the event loop, where the parts are read without locks; it is given back between any two metrics."""

    def __init__(self, registry: CollectorRegistry, limits: ScrapeLimits) -> None:
        self._registry = registry
        self._limits = limits
        application = web.Application(client_max_size=1)
        application.router.add_get(PATH, self._answer)
        # Else aiohttp logs each request that is no HTTP as an error of its own.
        silent = logging.Logger("scrapes", logging.CRITICAL)  # noqa: LOG001  no other module's
        self._runner = web.AppRunner(application, access_log=None, logger=silent, shutdown_timeout=_END_S)
        self._server: asyncio.Server | None = None
        self._collecting = asyncio.Lock()
        self._collected_at = float("-inf")
        self._page = b""

    async def start(self, address: str) -> str:
        host, _, port = address.rpartition(":")
        await self._runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Door(self._runner, self._limits.connections),
                host.strip("[]"),
                int(port),
                backlog=self._limits.connections,
            )
        except (OSError, OverflowError, ValueError) as error:
            await self._runner.cleanup()
            raise ConfigurationError(
                f"cannot listen on {address} for metrics: is it in use? HERON_METRICS_ADDRESS sets another, "
                "or none when empty"
            ) from error
        return f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def end_overdue(self) -> None:
        """Ends connections that stay: senders of half a request, readers that do not read."""
        since: dict[web.RequestHandler, float] = {}
        while True:
            await asyncio.sleep(self._limits.connection_s / 4)
            now = asyncio.get_running_loop().time()
            since = {connection: since.get(connection, now) for connection in self._connections()}
            for connection, begun in since.items():
                if now - begun >= self._limits.connection_s and connection.transport:
                    connection.transport.abort()

    async def close(self) -> None:
        if self._server:
            self._server.close()
        await self._runner.cleanup()

    def _connections(self) -> list[web.RequestHandler]:
        return self._runner.server.connections if self._runner.server else []

    async def _answer(self, _request: web.Request) -> web.Response:
        try:
            page = await self._collected()
        except Exception as error:  # nobody else would log it
            _log.error("metrics_not_served", exc_info=error)
            raise web.HTTPInternalServerError from error
        response = web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
        response.force_close()
        return response

    async def _collected(self) -> bytes:
        async with self._collecting:
            clock = asyncio.get_running_loop().time
            if clock() - self._collected_at >= self._limits.fresh_s:
                self._page = b"".join([text async for text in _texts(self._registry)])
                self._collected_at = clock()
            return self._page


class _Door(asyncio.Protocol):
    """Hands a connection on to aiohttp, or hangs up when it is one too many."""

    def __init__(self, runner: web.AppRunner, most: int) -> None:
        self._server = runner.server
        self._most = most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not before: many are accepted, and given a protocol, before the first of them is counted.
        if self._server is None or len(self._server.connections) >= self._most:
            cast("asyncio.Transport", transport).abort()
            return
        handler = self._server()
        transport.set_protocol(handler)
        handler.connection_made(transport)


@dataclass(frozen=True, slots=True)
class _One:
    """A collector of one metric."""

    metric: Metric

    def collect(self) -> Iterator[Metric]:
        yield self.metric


async def _texts(registry: CollectorRegistry) -> AsyncIterator[bytes]:
    """Each metric in the text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    for metric in registry.collect():
        # When a series began is half as many lines again, which Prometheus does not read in this format.
        metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
        yield generate_latest(_One(metric))
        await asyncio.sleep(0)


async def _sample_lag(metrics: Metrics) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        asked = clock()
        await asyncio.sleep(_LAG_SAMPLE_S)
        metrics.loop_lagged(max(0.0, clock() - asked - _LAG_SAMPLE_S))
