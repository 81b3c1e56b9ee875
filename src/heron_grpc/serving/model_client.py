"""What the front asks the model with: coalesces what waits into lists, and fails fast when the backend is away."""

import asyncio
import contextvars
import math
from collections import Counter
from collections.abc import Callable

from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import DeadlineExceeded, HeronError, ModelFailed, ModelUnavailable
from heron_grpc.serving.admission import Admission
from heron_grpc.serving.backend_connection import BackendConnection, BackendLost, BackendUnreachable
from heron_grpc.serving.backend_health import BackendHealth
from heron_grpc.serving.breaker import Breaker, BreakerOpen
from heron_grpc.serving.coalescing import Coalescing
from heron_grpc.serving.waiting_texts import WaitingText, WaitingTexts
from heron_grpc.serving.wire import Item, ItemFailure
from heron_grpc.settings import ServingSettings
from heron_grpc.telemetry.logging import get_logger

# A text the backend died over twice is more likely the cause than the victim.
_MOST_LOSSES = 2

_UNBOUND = Call()

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
        self._admission = Admission(settings.max_waiting, settings.max_batch)
        self._coalescing = Coalescing(settings)
        # How many calls were made with so many texts.
        self.batch_sizes: Counter[int] = Counter()
        self._giving_up: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether the backend answered that it is ready; follows it within 2 s."""
        return self._health.ready

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version}; empty while the backend is away."""
        return self._health.facts.model_version if self._health.facts else ""

    @property
    def waiting(self) -> int:
        """Texts that wait for a call to take them."""
        return len(self._waiting)

    @property
    def calls_in_flight(self) -> int:
        """Calls the backend works on."""
        return len(self._calls)

    @property
    def breaker_open(self) -> bool:
        """Whether texts are refused because the backend failed several times in a row."""
        return self._breaker.is_open

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever `ready` has changed."""
        self._health.on_change(callback)

    async def start(self) -> None:
        """Begins to follow the backend's health."""
        self._health.on_change(self._follow_health)
        self._health.start()

    async def predict(self, text: str, explain: bool, call: Call = _UNBOUND) -> Prediction:
        """What the model says of the text's head, within the call's deadline; within timeout_s when it has none.

        Raises ModelUnavailable, Overloaded, DeadlineExceeded, ModelFailed, ProtocolError.
        """
        self._require_backend()
        limit_s = call.left_s if math.isfinite(call.deadline) else self._settings.timeout_s
        self._admission.require_time(limit_s, len(self._waiting), self._waiting.ahead_of(call.caller))
        with self._admission.place(call.caller):
            return await self._answer_to(text, explain, call, limit_s)

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

    def _require_backend(self) -> None:
        if not self.ready:
            raise ModelUnavailable("the model backend is away")
        if self._breaker.is_open:
            raise BreakerOpen("the model backend failed several times in a row")

    async def _answer_to(self, text: str, explain: bool, call: Call, limit_s: float) -> Prediction:
        loop = asyncio.get_running_loop()
        item = Item(text[: self._settings.max_text_chars], explain, call.traceparent)
        waiting = WaitingText(item, loop.create_future(), loop.time(), loop.time() + limit_s)
        self._waiting.add(waiting, call.caller)
        self._start_call()
        too_late = loop.call_later(limit_s, lambda: waiting.fail(_too_late(call)))
        try:
            return await waiting.answer
        finally:
            too_late.cancel()
            self._waiting.leave(waiting)

    @property
    def _workers(self) -> int:
        facts = self._health.facts
        return facts.workers if facts else 1

    def _start_call(self) -> None:
        if self._coalescing.is_worth_a_call(len(self._waiting), len(self._calls), self._workers):
            # Works for many requests: what it logs must not carry the id of the one that started it.
            context = contextvars.Context()
            self._calls.add(asyncio.create_task(self._call_while_any_waits(), name="model call", context=context))

    async def _call_while_any_waits(self) -> None:
        try:
            # What is left to the calls beside this one is taken by them.
            while self._coalescing.is_worth_a_call(len(self._waiting), len(self._calls) - 1, self._workers):
                await self._health.wait_ready()
                texts = len(self._waiting) + self._admission.texts_at_work
                most = self._coalescing.most_texts(texts, self._workers)
                batch = self._waiting.take(most, asyncio.get_running_loop().time())
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
        self.batch_sizes[len(batch)] += 1
        try:
            async with self._breaker:
                with self._admission.at_work(len(batch)):
                    results = await self._connection.predict([text.item for text in batch])
        except BackendUnreachable:
            self._health.lost()
            self._waiting.put_back(batch)
        except BackendLost as error:
            await self._health.check()
            self._after_loss(batch, error)
        else:
            self._health.answered()
            self._coalescing.learn(asyncio.get_running_loop().time() - started, len(batch))
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
        queued_s = started - text.queued_at
        # Not by dataclasses.replace, which costs as much as all else here.
        text.answer.set_result(
            Prediction(result.probabilities, result.novelty, result.model_version, result.words, batch_size, queued_s)
        )


def _fail(batch: list[WaitingText], error: Exception) -> None:
    for text in batch:
        text.fail(error)


def _too_late(call: Call) -> HeronError:
    if math.isinf(call.deadline):
        return ModelUnavailable("the model backend did not answer in time")
    return DeadlineExceeded("the deadline passed before the model answered")
