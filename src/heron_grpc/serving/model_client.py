"""What the front asks the model with: coalesces what waits into lists, and fails fast when the backend is away."""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import replace

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import DeadlineExceeded, HeronError, ModelFailed, ModelUnavailable, Overloaded
from heron_grpc.serving.backend_connection import BackendConnection, BackendLost, BackendUnreachable
from heron_grpc.serving.backend_health import BackendHealth
from heron_grpc.serving.breaker import Breaker, BreakerOpen
from heron_grpc.serving.waiting_texts import WaitingText, WaitingTexts
from heron_grpc.serving.wire import Item, ItemFailure
from heron_grpc.settings import ServingSettings
from heron_grpc.telemetry.logging import get_logger

# A text the backend died over twice is more likely the cause than the victim.
_MOST_LOSSES = 2
# Before the first call was measured; Naive Bayes takes about 1 ms.
_FIRST_GUESS_S = 0.001
_NEWEST_SHARE = 0.2
_LEAST_RETRY_S, _MOST_RETRY_S = 0.1, 30.0

_log = get_logger(__name__)


class ModelClient:
    """One an event loop. A call takes what waits when it starts: nobody waits for company."""

    def __init__(self, settings: ServingSettings, url: Callable[[], str | None] | str) -> None:
        self._settings = settings
        self._connection = BackendConnection(url if callable(url) else lambda: url, settings.timeout_s)
        self._health = BackendHealth(self._connection, settings.health_poll_s)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_open_s, ignored=(BackendUnreachable,))
        self._waiting = WaitingTexts()
        self._calls: set[asyncio.Task[None]] = set()
        self._seconds_a_text = _FIRST_GUESS_S
        self._giving_up: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether the backend answered that it is ready; follows it within 2 s."""
        return self._health.ready

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version}; empty while the backend is away."""
        return self._health.facts.model_version if self._health.facts else ""

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever `ready` has changed."""
        self._health.on_change(callback)

    async def start(self) -> None:
        """Begins to follow the backend's health."""
        self._health.on_change(self._follow_health)
        self._health.start()

    async def predict(self, text: str, explain: bool, deadline_s: float | None = None) -> Prediction:
        """What the model says of the text's head; `deadline_s` counts from now, the setting timeout_s without it.

        Raises ModelUnavailable, Overloaded, DeadlineExceeded, ModelFailed, ProtocolError.
        """
        self._require_room()
        limit_s = self._settings.timeout_s if deadline_s is None else max(0.0, deadline_s)
        loop = asyncio.get_running_loop()
        item = Item(text[: self._settings.max_text_chars], explain)
        waiting = WaitingText(item, loop.create_future(), loop.time(), loop.time() + limit_s)
        self._waiting.add(waiting)
        self._start_call()
        try:
            async with asyncio.timeout(limit_s):
                return await waiting.answer
        except TimeoutError as error:
            raise _too_late(deadline_s) from error
        finally:
            self._waiting.leave(waiting)

    async def close(self) -> None:
        """Fails what waits and lets go of the backend."""
        await self._health.close()
        if self._giving_up:
            self._giving_up.cancel()
        calls = [*self._calls]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._waiting.fail_all(ModelUnavailable("the service is shutting down"))
        await self._connection.close()

    def _require_room(self) -> None:
        if not self.ready:
            raise ModelUnavailable("the model backend is away")
        if self._breaker.is_open:
            raise BreakerOpen("the model backend failed several times in a row")
        if len(self._waiting) >= self._settings.max_waiting:
            wait_s = len(self._waiting) * self._seconds_a_text
            raise Overloaded(
                "too many texts wait for the model",
                retry_after_s=min(max(wait_s, _LEAST_RETRY_S), _MOST_RETRY_S),
                metadata={"resource": "model queue"},
            )

    def _start_call(self) -> None:
        if len(self._calls) < self._settings.calls_in_flight:
            # Works for many requests: what it logs must not carry the id of the one that started it.
            context = contextvars.Context()
            self._calls.add(asyncio.create_task(self._call_while_any_waits(), name="model call", context=context))

    async def _call_while_any_waits(self) -> None:
        try:
            while self._waiting:
                await self._health.wait_ready()
                batch = self._waiting.take(self._settings.max_batch, asyncio.get_running_loop().time())
                if batch:
                    await self._answer(batch)
        finally:
            # Here and not in a done callback: a text that is added in between would find no free call.
            self._calls = {call for call in self._calls if call is not asyncio.current_task()}

    async def _answer(self, batch: list[WaitingText]) -> None:
        """Each text is answered, failed or put back, whatever happens."""
        try:
            await self._try(batch)
        except BreakerOpen as error:
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, ModelUnavailable("the service is shutting down"))
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, callers wait for it
            self._after_failure(batch, error)

    async def _try(self, batch: list[WaitingText]) -> None:
        started = asyncio.get_running_loop().time()
        try:
            async with self._breaker:
                results = await self._connection.predict([text.item for text in batch])
        except BackendUnreachable:
            self._health.lost()
            self._waiting.put_back(batch)
        except BackendLost as error:
            await self._health.check()
            self._after_loss(batch, error)
        else:
            self._health.answered()
            self._measure(batch, started)
            for text, result in zip(batch, results, strict=True):
                _deliver(text, result, len(batch), started)

    def _after_loss(self, batch: list[WaitingText], error: BackendLost) -> None:
        """Tries each text once more by itself, when the backend is back."""
        _log.warning("model_call_lost", texts=len(batch))
        for text in batch:
            text.losses += 1
            text.alone = True
            if text.losses >= _MOST_LOSSES:
                text.fail(error)
        self._waiting.put_back(batch)

    def _after_failure(self, batch: list[WaitingText], error: Exception) -> None:
        """Tries each text of a batch by itself, so that only the one at fault fails."""
        kind = error.reason if isinstance(error, HeronError) else type(error).__name__
        _log.warning("model_call_failed", texts=len(batch), kind=kind)
        if len(batch) == 1:
            batch[0].fail(error)
            return
        for text in batch:
            text.alone = True
        self._waiting.put_back(batch)

    def _measure(self, batch: list[WaitingText], started: float) -> None:
        elapsed = asyncio.get_running_loop().time() - started
        newest = elapsed / len(batch) / max(1, len(self._calls))
        self._seconds_a_text += _NEWEST_SHARE * (newest - self._seconds_a_text)

    def _follow_health(self) -> None:
        if self._giving_up:
            self._giving_up.cancel()
            self._giving_up = None
        if not self.ready:
            gone = ModelUnavailable("the model backend went away and did not come back in time")
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(self._settings.comeback_s, self._waiting.fail_all, gone)


def _deliver(text: WaitingText, result: Prediction | ItemFailure, batch_size: int, started: float) -> None:
    if isinstance(result, ItemFailure):
        text.fail(ModelFailed("the model cannot work on this text"))
    elif not text.answer.done():
        text.answer.set_result(replace(result, batch_size=batch_size, queued_s=started - text.queued_at))


def _fail(batch: list[WaitingText], error: Exception) -> None:
    for text in batch:
        text.fail(error)


def _too_late(deadline_s: float | None) -> HeronError:
    if deadline_s is None:
        return ModelUnavailable("the model backend did not answer in time")
    return DeadlineExceeded("the deadline passed before the model answered")
