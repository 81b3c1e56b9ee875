"""SIGTERM's path: what is in flight ends well, what is new is refused, streams that watch do not hold it."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from heron.v1 import classification_pb2

INLINE = classification_pb2.ClassifyRequest(content=classification_pb2.InlineContent(data=b"words", filename="a.txt"))


async def test_a_drain_answers_what_is_in_flight_and_refuses_what_is_new(front):
    inside, release = asyncio.Event(), asyncio.Event()

    async def hold(_):
        inside.set()
        await release.wait()

    front.pool.behave = hold
    watch = health_pb2_grpc.HealthStub(front.channel).Watch(health_pb2.HealthCheckRequest())
    await watch.read()
    in_flight = asyncio.ensure_future(front.classification.Classify(INLINE))
    await asyncio.wait_for(inside.wait(), 10)
    draining = asyncio.create_task(front.server.drain())
    assert (await asyncio.wait_for(watch.read(), 10)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    async with grpc.aio.insecure_channel(front.address) as late:
        call = late.unary_unary("/heron.v1.ServerService/GetServerInfo")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wait_for_refusal(call)
        # CANCELLED is what gRPC makes of a call it had not taken up.
        assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert not draining.done()
    release.set()
    assert (await in_flight).classification.labels
    await asyncio.wait_for(draining, 10)


async def wait_for_refusal(call) -> None:
    while True:
        await call(b"", timeout=10)


async def test_a_drain_gives_up_on_calls_that_do_not_end(start_front):
    front = await start_front(drain_s=0.2)
    inside = asyncio.Event()

    async def hang(_):
        inside.set()
        await asyncio.Event().wait()

    front.pool.behave = hang
    in_flight = asyncio.ensure_future(front.classification.Classify(INLINE))
    await asyncio.wait_for(inside.wait(), 10)
    await asyncio.wait_for(front.server.drain(), 10)
    with pytest.raises(grpc.aio.AioRpcError):
        await in_flight
