"""A circuit breaker around calls of the model backend: purgatory behind three lines of interface."""

import asyncio
import time
from types import TracebackType

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import Context, ExcludeType, OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from heron_grpc.domain.errors import ModelUnavailable

_CIRCUIT = "model backend"


class BreakerOpen(ModelUnavailable):
    """Too many calls failed in a row; this one was not made."""


class Breaker:
    """Opens for `open_s` after `failures` exceptions in a row; `async with breaker:` raises BreakerOpen meanwhile.

    Exceptions of the types `ignored` say nothing about how the backend works.
    """

    def __init__(self, failures: int, open_s: float, ignored: tuple[type[BaseException], ...] = ()) -> None:
        self._factory = AsyncCircuitBreakerFactory(default_threshold=failures, default_ttl=open_s)
        self._ignored: ExcludeType = [asyncio.CancelledError, *ignored]
        self._context: Context | None = None

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused now."""
        context = self._context
        if context is None or context.opened_at is None or context.state != "opened":
            return False
        return time.time() <= context.opened_at + context.ttl

    async def __aenter__(self) -> None:
        circuit = await self._circuit()
        try:
            await circuit.__aenter__()
        except OpenedState as error:
            raise BreakerOpen("the model backend failed several times in a row") from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (await self._circuit()).__aexit__(kind, error, trace)

    async def _circuit(self) -> AsyncCircuitBreaker:
        circuit = await self._factory.get_breaker(_CIRCUIT, exclude=self._ignored)
        self._context = circuit.context
        return circuit
