"""Standard gRPC health: overall and per service, following what the service stands on."""

import asyncio
from collections.abc import Callable, Iterable

from grpc_health.v1 import health, health_pb2

from heron_grpc.telemetry.logging import get_logger

OVERALL = ""
# Health must follow within 2 s of a change; the parts themselves take up to one of them to notice.
_POLL_S = 0.2

_log = get_logger(__name__)


class HealthReporter:
    """Sets each service's status from a readiness function; answers Check and Watch through `servicer`."""

    def __init__(self, services: Iterable[str], always_serving: Iterable[str], ready: Callable[[], bool]) -> None:
        self.servicer = health.aio.HealthServicer()
        self._services = (OVERALL, *services)
        self._always_serving = tuple(always_serving)
        self._ready = ready
        self._serving: bool | None = None
        self._unknown = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to follow; the first status is set when this returns."""
        for service in self._always_serving:
            await self.servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
        await self._update()
        self._task = asyncio.create_task(self._follow(), name="health")

    @property
    def serving(self) -> bool:
        """What the last answer about the whole service was."""
        return bool(self._serving)

    async def shut_down(self) -> None:
        """NOT_SERVING for good."""
        if self._task:
            self._task.cancel()
        await self.servicer.enter_graceful_shutdown()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await self._update()
            except Exception as error:  # noqa: BLE001  health that is followed no longer would be believed for ever
                _log.error("health_not_set", exc_info=error)

    async def _update(self) -> None:
        serving = self._is_ready()
        if serving == self._serving:
            return
        response = health_pb2.HealthCheckResponse
        for service in self._services:
            await self.servicer.set(service, response.SERVING if serving else response.NOT_SERVING)
        self._serving = serving
        _log.info("health_changed", serving=serving)

    def _is_ready(self) -> bool:
        """Not while the parts cannot say; logged when that begins."""
        try:
            ready = self._ready()
        except Exception as error:  # noqa: BLE001  a part may raise anything, and is then no part to rely on
            if not self._unknown:
                _log.error("readiness_unknown", exc_info=error)
            self._unknown = True
            return False
        self._unknown = False
        return ready
