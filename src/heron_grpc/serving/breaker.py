"""A circuit breaker around calls of the model backend: purgatory behind three lines of interface."""

import asyncio
import time
from types import TracebackType

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import HALF_OPENED, Context, OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from heron_grpc.domain.errors import ModelUnavailable

_CIRCUIT = "model backend"


class BreakerOpen(ModelUnavailable):
    """Too many calls failed in a row; this one was not made."""


class Breaker:
    """Opens for `open_s` after `failures` exceptions in a row; `async with breaker:` raises BreakerOpen meanwhile.

    Then one call, the probe, goes out; the others are refused until it has ended. Exceptions of the types `ignored`
    say nothing about how the backend works. One call a task at a time.
    """

    def __init__(self, failures: int, open_s: float, ignored: tuple[type[BaseException], ...] = ()) -> None:
        self._factory = AsyncCircuitBreakerFactory(default_threshold=failures, default_ttl=open_s)
        self._ignored: tuple[type[BaseException], ...] = (asyncio.CancelledError, *ignored)
        self._context: Context | None = None
        self._prober: asyncio.Task[object] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused now."""
        context = self._context
        if context is None:
            return False
        if context.state == HALF_OPENED:
            return self._prober is not None
        return context.opened_at is not None and time.time() <= context.opened_at + context.ttl

    async def __aenter__(self) -> None:
        circuit = await self._circuit()
        if self._prober and circuit.context.state == HALF_OPENED:
            raise BreakerOpen("the model backend failed several times in a row and is being tried")
        try:
            await circuit.__aenter__()
        except OpenedState as error:
            raise BreakerOpen("the model backend failed several times in a row") from error
        if circuit.context.state == HALF_OPENED:
            self._prober = asyncio.current_task()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._prober is asyncio.current_task():
            self._prober = None
        if not isinstance(error, self._ignored):
            await (await self._circuit()).__aexit__(kind, error, trace)

    async def _circuit(self) -> AsyncCircuitBreaker:
        circuit = await self._factory.get_breaker(_CIRCUIT)
        self._context = circuit.context
        return circuit
