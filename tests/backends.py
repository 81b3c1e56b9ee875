"""A scripted model backend for what the real one does not do on demand, and the wait every backend test needs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from heron_grpc.domain.classification import Prediction
from heron_grpc.serving import wire
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.serving.model_facts import HostedModel, ModelFacts
from heron_grpc.serving.wire import Item, ItemFailure

PROJECT = Path(__file__).parents[1]
LABELS = ("financial/invoice", "legal/contract")
FAKE = HostedModel("models/fake/versions/1", LABELS, "fake")


async def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    """Waits for something to become true; the limit only ends a test that has failed."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  what it waits for lies in another process
            await asyncio.sleep(0.01)


def prediction(text: str) -> Prediction:
    share = min(len(text), 100) / 100
    return Prediction(dict(zip(LABELS, (share, 1 - share), strict=True)), 0.5, FAKE.model_version)


@dataclass
class ScriptedBackend:
    """Speaks the front's wire format; `answer` decides what each call gets."""

    answer: Callable[[list[Item]], Awaitable[list[Prediction | ItemFailure]]] | None = None
    ready: bool = True
    calls: list[list[str]] = field(default_factory=list)
    # Of each call: the header's trace context and those of its items.
    traces: list[tuple[str, list[str]]] = field(default_factory=list)
    # Names the worker that the connection of a port leads to; None leaves answers unsigned.
    worker_of: Callable[[int], str] | None = None
    workers: int = 1
    models: tuple[HostedModel, ...] = (FAKE,)
    # What it takes, whatever its facts say: behind them may be another backend.
    takes: tuple[int, ...] = wire.FORMATS
    # Of each item: the model it names.
    asked: list[str] = field(default_factory=list)
    url: str | None = None
    runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        application = web.Application(client_max_size=wire.MAX_REQUEST_BYTES)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/v1/model", self._model)
        application.router.add_post("/v1/predict", self._predict)
        self.runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        self.url = site.name if port else f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.ready else 503)

    async def _model(self, _: web.Request) -> web.Response:
        return web.Response(body=wire.encode_facts(ModelFacts(self.models, self.workers, wire.FORMATS)))

    async def _predict(self, request: web.Request) -> web.StreamResponse:
        asked = wire.decode_request(await request.read())
        if asked.format not in self.takes:
            return web.Response(status=400)
        items = asked.items
        self.asked += [item.model for item in items]
        self.calls.append([item.text for item in items])
        self.traces.append((request.headers.get("traceparent", ""), [item.traceparent for item in items]))
        try:
            results = await self.answer(items) if self.answer else [prediction(item.text) for item in items]
        except ConnectionResetError:
            # As if the process had died: the connection ends without an answer.
            assert request.transport is not None
            request.transport.abort()
            raise
        except ValueError:
            return web.Response(status=500)
        results = [self._by_the_model_named(item, result) for item, result in zip(items, results, strict=False)]
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        headers = {wire.WORKER_HEADER: self.worker_of(port)} if self.worker_of else {}
        return web.Response(body=wire.encode_response(results, FAKE, asked.format), headers=headers)

    def _by_the_model_named(self, item: Item, result: Prediction | ItemFailure) -> Prediction | ItemFailure:
        model = ModelFacts(self.models).find(item.model)
        if isinstance(result, ItemFailure) or model is None:
            return result
        return replace(result, model_version=model.model_version)


Connect = Callable[..., Awaitable[ModelClient]]
