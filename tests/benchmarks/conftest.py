"""A gRPC server on loopback whose behaviour a test chooses, to see what the load generator sends it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import pytest

from benchmarks.load import payloads
from heron.v1 import classification_pb2 as messages
from heron.v1 import classification_pb2_grpc


@dataclass
class Observed(classification_pb2_grpc.ClassificationServiceServicer):
    """Answers at once, or does what `behave` says first; keeps what it got."""

    behave: Callable[[str, grpc.aio.ServicerContext], Awaitable[None]] | None = None
    window: int = 4
    bulk_code: grpc.StatusCode | None = None
    texts: list[str] = field(default_factory=list)
    in_work: int = 0
    most_in_work: int = 0
    address: str = ""

    async def Classify(  # noqa: N802  named by the contract
        self, request, context
    ):
        self.texts.append(request.text)
        self.in_work += 1
        self.most_in_work = max(self.most_in_work, self.in_work)
        try:
            if self.behave:
                await self.behave(request.text, context)
        finally:
            self.in_work -= 1
        return messages.ClassifyResponse()

    async def ClassifyUpload(  # noqa: N802  named by the contract
        self, request_iterator, context
    ):
        self.texts += [str(len(request.chunk)) async for request in request_iterator]
        return messages.ClassifyUploadResponse()

    async def ClassifyBulk(  # noqa: N802  named by the contract
        self, request_iterator, context
    ):
        """Holds answers back until the window is full or the client has sent all."""
        held: list[str] = []
        if self.bulk_code:
            await context.abort(self.bulk_code, "no")
        async for request in request_iterator:
            if request.HasField("start"):
                yield messages.ClassifyBulkResponse(grant=messages.ClassifyBulkGrant(max_in_flight=self.window))
                continue
            self.texts.append(request.item.text)
            held.append(request.item.item_id)
            self.most_in_work = max(self.most_in_work, len(held))
            while len(held) >= self.window:
                yield result(held.pop(0))
        for item_id in held:
            yield result(item_id)


def result(item_id: str) -> messages.ClassifyBulkResponse:
    answer = messages.ClassifyBulkResult(item_id=item_id, classification=messages.Classification())
    return messages.ClassifyBulkResponse(result=answer)


@asynccontextmanager
async def listening(service: Observed) -> AsyncIterator[Observed]:
    server = grpc.aio.server()
    classification_pb2_grpc.add_ClassificationServiceServicer_to_server(service, server)
    service.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield service
    finally:
        await server.stop(0)
        await asyncio.sleep(0)


@pytest.fixture
def serve():
    return listening


@pytest.fixture(scope="session")
def text_payload(tmp_path_factory):
    texts = [f"text {number}" for number in range(1000)]
    return payloads.write(tmp_path_factory.mktemp("payloads") / "texts.bin", payloads.text_requests(texts))


@pytest.fixture(scope="session")
def bulk_payload(tmp_path_factory):
    texts = [f"text {number}" for number in range(200)]
    return payloads.write(tmp_path_factory.mktemp("payloads") / "bulk.bin", payloads.bulk_texts(texts))


@pytest.fixture
def observed():
    return Observed
