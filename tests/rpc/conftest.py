import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace

import grpc
import pytest
from cachetools import TTLCache

from fakes import FakeModel, FakePool
from heron.v1 import (
    classification_pb2,
    classification_pb2_grpc,
    reading_pb2_grpc,
    server_pb2_grpc,
    taxonomy_pb2_grpc,
)
from heron_grpc.operations.process_document import Pipeline
from heron_grpc.operations.receive_upload import Spool
from heron_grpc.rpc.intake import Intake
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies
from heron_grpc.wiring import build_front


@dataclass(repr=False)
class Front:
    """A real gRPC front on loopback over a fake reader and a fake model."""

    address: str
    pool: FakePool
    model: FakeModel
    pipeline: Pipeline
    intake: Intake
    server: object
    channel: grpc.aio.Channel
    blocking_channel: grpc.Channel

    @property
    def classification(self) -> classification_pb2_grpc.ClassificationServiceStub:
        return classification_pb2_grpc.ClassificationServiceStub(self.channel)

    @property
    def reading(self) -> reading_pb2_grpc.ReadingServiceStub:
        return reading_pb2_grpc.ReadingServiceStub(self.channel)

    @property
    def taxonomy(self) -> taxonomy_pb2_grpc.TaxonomyServiceStub:
        return taxonomy_pb2_grpc.TaxonomyServiceStub(self.channel)

    @property
    def info(self) -> server_pb2_grpc.ServerServiceStub:
        return server_pb2_grpc.ServerServiceStub(self.channel)

    async def upload(self, *messages: object, **call: object) -> classification_pb2.ClassifyUploadResponse:
        """Sends start, bytes as chunks, trailers.

        In a thread: the asyncio client may answer INTERNAL, of its own making, when the server ends a stream early.
        """
        requests = iter([as_message(message) for message in messages])
        stub = classification_pb2_grpc.ClassificationServiceStub(self.blocking_channel)
        return await asyncio.to_thread(stub.ClassifyUpload, requests, **call)


def as_message(message: object) -> classification_pb2.ClassifyUploadRequest:
    if isinstance(message, bytes):
        return classification_pb2.ClassifyUploadRequest(chunk=message)
    if isinstance(message, classification_pb2.UploadTrailer):
        return classification_pb2.ClassifyUploadRequest(trailer=message)
    return classification_pb2.ClassifyUploadRequest(start=message)


StartFront = Callable[..., Awaitable[Front]]


@pytest.fixture
async def start_front(tmp_path) -> AsyncIterator[StartFront]:
    running = []

    async def start(*, cache: bool = True, aliases: dict[str, str] | None = None, **limits: object) -> Front:
        settings = load_settings()
        serving = settings.serving.model_copy(update={"model_aliases": aliases or {}})
        limits = {"address": "127.0.0.1:0", "spool_dir": tmp_path, "drain_notice_s": 0.0, **limits}
        settings = replace(settings, front=settings.front.model_copy(update=limits), serving=serving)
        pool, model = FakePool(), FakeModel()
        spool = Spool(settings.front.spool_dir, settings.front.max_document_bytes, settings.front.max_spool_bytes)
        pipeline = Pipeline(settings, pool, model, load_taxonomies(), TTLCache(100, 60) if cache else None)
        intake = Intake(pool, spool, settings.front)
        server = build_front(settings, pipeline, intake)
        server.bind()
        await server.start()
        channels = grpc.aio.insecure_channel(server.address), grpc.insecure_channel(server.address)
        front = Front(server.address, pool, model, pipeline, intake, server, *channels)
        running.append(SimpleNamespace(front=front, spool=spool))
        return front

    yield start
    for one in running:
        one.front.blocking_channel.close()
        await one.front.channel.close()
        await one.front.server.drain()
        one.spool.close()


@pytest.fixture
async def front(start_front: StartFront) -> Front:
    return await start_front()
