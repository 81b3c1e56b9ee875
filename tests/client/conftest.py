import asyncio
from collections.abc import Iterator

import pytest

from heron import AsyncHeronClient, BulkResult, Classification, HeronClient, RetryPolicy
from scripted_server import ScriptedServer

# Waits long enough to be waits, short enough for tests.
QUICK = RetryPolicy(initial_backoff_s=0.01, max_backoff_s=0.05, reconnect_s=20)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    running = ScriptedServer()
    yield running
    running.stop()


class Blocking:
    """Asks with the blocking client."""

    def __init__(self, address: str) -> None:
        self._address = address

    def call(self, method: str, *arguments, retry=QUICK, **keywords):
        with HeronClient(self._address, retry=retry) as client:
            return getattr(client, method)(*arguments, **keywords)

    def many(self, documents, *arguments, retry=QUICK, **keywords) -> list[BulkResult]:
        with HeronClient(self._address, retry=retry) as client:
            return list(client.classify_many(documents, *arguments, **keywords))

    def file(self, file, **keywords) -> Classification:
        return self.call("classify_file", file, **keywords)


class Asyncio:
    """Asks with the asyncio client."""

    def __init__(self, address: str) -> None:
        self._address = address

    def call(self, method: str, *arguments, retry=QUICK, **keywords):
        async def run():
            async with AsyncHeronClient(self._address, retry=retry) as client:
                return await getattr(client, method)(*arguments, **keywords)

        return asyncio.run(run())

    def many(self, documents, *arguments, retry=QUICK, **keywords) -> list[BulkResult]:
        async def run():
            async with AsyncHeronClient(self._address, retry=retry) as client:
                return [result async for result in client.classify_many(documents, *arguments, **keywords)]

        return asyncio.run(run())

    def file(self, file, **keywords) -> Classification:
        return self.call("classify_file", file, **keywords)


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def ask(request, server) -> Blocking | Asyncio:
    """Both clients: they have the same methods and must do the same."""
    return request.param(server.address)
