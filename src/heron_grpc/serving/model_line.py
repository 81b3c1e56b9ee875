"""The texts that wait for one model, and the calls that take them to the backend."""

import asyncio
import contextvars
import math
from collections import Counter
from dataclasses import dataclass

from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import DeadlineExceeded, HeronError, ModelFailed, ModelUnavailable
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.serving.admission import Admission
from heron_grpc.serving.backend_connection import BackendConnection, BackendLost, BackendUnreachable
from heron_grpc.serving.backend_health import BackendHealth
from heron_grpc.serving.breaker import Breaker, BreakerOpen
from heron_grpc.serving.coalescing import Coalescing
from heron_grpc.serving.waiting_texts import WaitingText, WaitingTexts
from heron_grpc.serving.wire import NO_SUCH_MODEL, Item, ItemFailure
from heron_grpc.settings import ServingSettings
from heron_grpc.telemetry.logging import get_logger

# A text the backend died over twice is more likely the cause than the victim.
_MOST_LOSSES = 2

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backend:
    """What all models of a backend share."""

    connection: BackendConnection
    health: BackendHealth
    breaker: Breaker
    # What callers have of the places for texts.
    share: FairShare


class ModelLine:
    """A call takes what waits when it starts: nobody waits for company, nor for texts of another model."""

    def __init__(self, settings: ServingSettings, backend: Backend) -> None:
        self._settings = settings
        self._backend = backend
        self._waiting = WaitingTexts()
        self._calls: set[asyncio.Task[None]] = set()
        self._admission = Admission(backend.share, settings.max_batch)
        self._coalescing = Coalescing(settings)
        # How many calls were made with so many texts.
        self.batch_sizes: Counter[int] = Counter()

    @property
    def waiting(self) -> int:
        """Texts that wait for a call to take them."""
        return len(self._waiting)

    @property
    def calls_in_flight(self) -> int:
        """Calls the backend works on."""
        return len(self._calls)

    async def predict(self, item: Item, call: Call) -> Prediction:
        """What the model says of the text's head, within the call's deadline; within timeout_s when it has none.

        Raises ModelUnavailable, Overloaded, DeadlineExceeded, ModelFailed, ProtocolError.
        """
        limit_s = call.left_s if math.isfinite(call.deadline) else self._settings.timeout_s
        self._admission.require_time(limit_s, len(self._waiting), self._waiting.ahead_of(call.caller))
        with self._admission.place(call.caller):
            return await self._answer_to(item, call, limit_s)

    def fail_all(self, error: HeronError) -> None:
        """Nobody waits any longer."""
        self._waiting.fail_all(error)

    async def close(self) -> None:
        """Ends the calls and fails what waits."""
        calls = [*self._calls]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self.fail_all(ModelUnavailable("the service is shutting down"))

    async def _answer_to(self, item: Item, call: Call, limit_s: float) -> Prediction:
        loop = asyncio.get_running_loop()
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
        facts = self._backend.health.facts
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
                await self._backend.health.wait_ready()
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
            async with self._backend.breaker:
                with self._admission.at_work(len(batch)):
                    results = await self._backend.connection.predict([text.item for text in batch])
        except BackendUnreachable:
            self._backend.health.lost()
            self._waiting.put_back(batch)
        except BackendLost as error:
            await self._backend.health.check()
            self._after_loss(batch, error)
        else:
            self._backend.health.answered()
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


def _deliver(text: WaitingText, result: Prediction | ItemFailure, batch_size: int, started: float) -> None:
    if isinstance(result, ItemFailure):
        text.fail(_failure(result))
    elif not text.answer.done():
        queued_s = started - text.queued_at
        # Not by dataclasses.replace, which costs as much as all else here.
        said = (result.probabilities, result.novelty, result.model_version, result.words)
        text.answer.set_result(Prediction(*said, batch_size, queued_s, result.members))


def _failure(result: ItemFailure) -> HeronError:
    if result.kind == NO_SUCH_MODEL:
        # The facts named it: the backend was replaced since, or is one of several that differ.
        return ModelUnavailable("this model backend does not host the model asked for")
    return ModelFailed("the model cannot work on this text")


def _fail(batch: list[WaitingText], error: Exception) -> None:
    for text in batch:
        text.fail(error)


def _too_late(call: Call) -> HeronError:
    if math.isinf(call.deadline):
        return ModelUnavailable("the model backend did not answer in time")
    return DeadlineExceeded("the deadline passed before the model answered")
