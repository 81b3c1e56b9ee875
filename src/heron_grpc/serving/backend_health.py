"""Follows whether the model backend is ready and which models it hosts."""

import asyncio
from collections.abc import Callable

from heron_grpc.domain.errors import HeronError
from heron_grpc.serving.backend_connection import BackendConnection
from heron_grpc.serving.model_facts import ModelFacts
from heron_grpc.telemetry.logging import get_logger

# A backend that is away is asked more often: the question costs nothing and callers wait for the answer.
_AWAY_POLL_S = 0.1

_log = get_logger(__name__)


class BackendHealth:
    """Asks every `poll_s`; whoever finds the backend gone in between says so with `lost`."""

    def __init__(self, connection: BackendConnection, poll_s: float) -> None:
        self._connection = connection
        self._poll_s = poll_s
        self._ready = asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._asking = asyncio.Lock()
        self._answers = 0
        self._puzzled = False
        self._task: asyncio.Task[None] | None = None
        # None while the backend is away.
        self.facts: ModelFacts | None = None

    @property
    def ready(self) -> bool:
        """Whether the backend answered that it is ready."""
        return self._ready.is_set()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever `ready` has changed."""
        self._callbacks.append(callback)

    def start(self) -> None:
        """Begins to ask."""
        self._task = asyncio.create_task(self._follow(), name="model backend health")

    async def wait_ready(self) -> None:
        """Returns when the backend is ready."""
        await self._ready.wait()

    def answered(self) -> None:
        """A call was answered: proof of life when questions of ours wait behind heavy work."""
        self._answers += 1

    def lost(self) -> None:
        """The backend was found gone."""
        self._become(None)

    async def check(self) -> None:
        """Asks now."""
        async with self._asking:
            answers = self._answers
            try:
                await self._connection.check()
                facts = await self._connection.facts()
            except HeronError:
                if self._answers == answers:
                    self._become(None)
            except Exception as error:  # noqa: BLE001  whoever asks must go on asking; a backend of unknown state is away
                if not self._puzzled:
                    _log.error("model_backend_health_unknown", exc_info=error)
                self._puzzled = True
                self._become(None)
            else:
                self._puzzled = False
                self._become(facts)

    async def close(self) -> None:
        """Stops asking."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.facts = None
        self._ready.clear()

    async def _follow(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(self._poll_s if self.ready else min(self._poll_s, _AWAY_POLL_S))

    def _become(self, facts: ModelFacts | None) -> None:
        changed = (facts is None) == self.ready
        self.facts = facts
        if not changed:
            return
        if facts:
            self._ready.set()
            _log.info("model_backend_ready", model_version=facts.default.model_version, models=len(facts.models))
        else:
            self._ready.clear()
            _log.warning("model_backend_away")
        for callback in self._callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001  one listener's fault is not the others', nor that of who asks
                _log.error("readiness_listener_failed", exc_info=error)
