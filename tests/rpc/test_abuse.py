"""Clients that mean harm: each is answered or hung up on, others are served meanwhile, and nothing is left behind."""

import asyncio
import gc
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import grpc
import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, SettingsFrame

from backends import until
from benchmarks.abuse import attacks
from benchmarks.abuse.attacks import BULK, BULK_START, CLASSIFY, REQUEST, TEXT, UPLOAD
from benchmarks.abuse.peer import PREFACE, Peer, header, header_block, prefixed, socket_to
from heron.v1 import classification_pb2 as pb
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.rpc import untaken

Code = grpc.StatusCode
# HTTP/2 error codes (RFC 9113, 7).
SETTINGS_TIMEOUT, ENHANCE_YOUR_CALM = 4, 11
# Ends only a test that has failed.
LONGEST_S = 60
DESCRIPTORS = Path("/proc/self/fd")


def code(number: int | None) -> grpc.StatusCode | None:
    return next((code for code in grpc.StatusCode if code.value[0] == number), None)


async def ask(front) -> pb.ClassifyResponse:
    """An honest caller on a connection of its own, with a retry policy: gRPC resets calls it cannot take up.

    Raises AioRpcError when it is not answered.
    """
    for _ in range(10):
        try:
            return await front.classification.Classify(pb.ClassifyRequest(text=TEXT), timeout=LONGEST_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is not Code.CANCELLED:
                raise
        await asyncio.sleep(0.05)
    return await front.classification.Classify(pb.ClassifyRequest(text=TEXT), timeout=LONGEST_S)


def shares_in_use() -> int:
    """What is taken of everything that callers share: calls, uploads, bulk streams, bytes in memory and on disk."""
    return sum(each.in_use for each in gc.get_objects() if isinstance(each, FairShare))


def holdings(front) -> tuple[int, ...]:
    return front.server._guard.in_flight, shares_in_use(), len(asyncio.all_tasks()), len([*DESCRIPTORS.iterdir()])


async def at_rest(front, before: tuple[int, ...]) -> None:
    """Nothing is held that was not held before."""
    try:
        await until(lambda: all(now <= then for now, then in zip(holdings(front), before, strict=True)), LONGEST_S)
    except TimeoutError:
        pytest.fail(f"calls, shares, tasks, descriptors: {before} before, {holdings(front)} after")


async def endured(front, attack: Callable[[str], Awaitable[None]]) -> None:
    """Runs an attack to its end; honest callers are answered all the while, and nothing stays behind."""
    await ask(front)
    before = holdings(front)
    async with asyncio.timeout(LONGEST_S):
        attacking = asyncio.create_task(attack(front.address))
        while not attacking.done():
            await ask(front)
            await asyncio.sleep(0.01)
        await attacking
    await ask(front)
    await at_rest(front, before)


@pytest.mark.parametrize(
    "attack",
    [
        partial(attacks.rapid_reset, count=3000),
        partial(attacks.continuations, count=5000),
        partial(attacks.unacknowledged_headers, streams=5, kib=1024),
        partial(attacks.header_references, count=50),
        partial(attacks.settings, count=20_000),
        partial(attacks.pings, count=20_000),
        partial(attacks.empty_frames, count=20_000),
        partial(attacks.priorities, count=20_000),
        partial(attacks.window_updates, count=20_000),
        partial(attacks.too_many_streams, count=500),
        partial(attacks.unknown_methods, count=1000),
        partial(attacks.decompression_bombs, count=3),
        partial(attacks.tiny_chunks, count=5000),
        partial(attacks.trickle, connections=20, gap_s=0.0),
        partial(attacks.garbage, connections=20),
        partial(attacks.reconnects, count=100),
    ],
    ids=lambda attack: attack.func.__name__,
)
async def test_a_flood_holds_nobody_up_and_leaves_nothing_behind(front, attack):
    await endured(front, attack)


@pytest.mark.parametrize(
    "attack",
    [
        partial(attacks.slow_requests, connections=4, calls=30),
        partial(attacks.stalled_bulk_readers, connections=4),
    ],
    ids=lambda attack: attack.func.__name__,
)
async def test_a_call_that_stops_is_ended(start_front, attack):
    front = await start_front(chunk_idle_s=1.0, bulk_idle_s=1.0)

    async def until_the_front_is_rid_of_them(address: str) -> None:
        ended = asyncio.create_task(attack(address))
        await until(lambda: front.server._guard.in_flight > 2)
        await until(lambda: not front.server._guard.in_flight)
        ended.cancel()
        await asyncio.wait({ended})

    await endured(front, until_the_front_is_rid_of_them)


@pytest.mark.parametrize(
    "attack",
    [
        partial(attacks.idle_connections, connections=500),
        partial(attacks.slow_headers, connections=50),
    ],
    ids=lambda attack: attack.func.__name__,
)
async def test_connections_that_ask_nothing_are_closed(start_front, attack):
    await endured(await start_front(connection_idle_s=1.0), attack)


async def test_sockets_that_do_not_speak_http2_are_closed(start_front):
    await endured(await start_front(handshake_s=1.0), partial(attacks.mute_connections, connections=200))


@pytest.mark.parametrize("said", [PREFACE[:10], PREFACE], ids=["half-greeting", "no-settings"])
async def test_a_greeting_that_is_not_finished_is_not_waited_for(start_front, said):
    front = await start_front(handshake_s=0.5)
    async with asyncio.timeout(LONGEST_S), socket_to(front.address) as (reader, writer):
        writer.write(said)
        assert b"timeout" in await reader.read()


async def test_a_client_that_does_not_acknowledge_the_limits_is_hung_up_on(start_front):
    front = await start_front(handshake_s=0.5)
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address, acknowledges=False) as peer:
        await peer.call(UPLOAD)
        await peer.closed.wait()
        assert peer.goaway[0] == SETTINGS_TIMEOUT


async def test_a_client_that_pings_all_the_time_is_hung_up_on(front):
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address) as peer:
        while not peer.closed.is_set():
            await peer.send(PingFrame(opaque_data=b"12345678"))
            await asyncio.sleep(0.01)
        assert peer.goaway == (ENHANCE_YOUR_CALM, b"too_many_pings")


async def test_connections_beyond_the_limit_are_closed_and_a_place_can_be_taken_again(start_front):
    front = await start_front(max_connections=2)
    async with (
        asyncio.timeout(LONGEST_S),
        Peer.connected(front.address) as first,
        Peer.connected(front.address) as second,
    ):
        async with Peer.connected(front.address) as third:
            await third.closed.wait()
        for peer in (first, second):
            assert await ended(peer, CLASSIFY, prefixed(REQUEST)) is Code.OK
    while True:
        async with asyncio.timeout(LONGEST_S), Peer.connected(front.address) as again:
            await asyncio.sleep(0.05)
            if not again.closed.is_set():
                assert await ended(again, CLASSIFY, prefixed(REQUEST)) is Code.OK
                return


async def test_one_connection_cannot_take_all_calls(start_front):
    front = await start_front(max_calls=100)
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address) as peer:
        streams = [await peer.call(UPLOAD) for _ in range(200)]
        await until(lambda: len([None for each in streams if peer.answers[each].ended.is_set()]) == 150, LONGEST_S)
        refused = {code(peer.answers[stream].status) for stream in streams if peer.answers[stream].ended.is_set()}
        assert refused == {Code.RESOURCE_EXHAUSTED}
        await ask(front)


async def test_a_burst_of_honest_calls_is_answered(front):
    async with asyncio.timeout(LONGEST_S):
        calls = [pb.ClassifyRequest(text=f"{TEXT} {number}") for number in range(200)]
        await asyncio.gather(*(front.classification.Classify(call, timeout=LONGEST_S) for call in calls))


async def ended(peer: Peer, path: str, body: bytes, metadata: dict[str, str] | None = None) -> grpc.StatusCode | None:
    """The code of a call that sends these bytes."""
    stream = await peer.call(path, metadata)
    try:
        await peer.data(stream, body, end=True)
    except ConnectionError:
        assert peer.answers[stream].ended.is_set()
    return code((await peer.answer(stream)).status)


def packed(message: bytes) -> bytes:
    return prefixed(gzip.compress(message), compressed=True)


@pytest.mark.parametrize(
    ("path", "metadata", "body", "expected"),
    [
        (CLASSIFY, {"grpc-encoding": "gzip"}, packed(REQUEST), Code.OK),
        (CLASSIFY, {}, b"", Code.INVALID_ARGUMENT),
        (UPLOAD, {}, b"", Code.INVALID_ARGUMENT),
        (BULK, {}, b"", Code.INVALID_ARGUMENT),
        (CLASSIFY, {}, prefixed(REQUEST)[:-3], Code.INVALID_ARGUMENT),
        (CLASSIFY, {}, prefixed(b"\xff" * 100), Code.INVALID_ARGUMENT),
        (UPLOAD, {}, prefixed(b"\xff" * 100), Code.INVALID_ARGUMENT),
        (BULK, {}, prefixed(BULK_START) + prefixed(b"\xff" * 100), Code.INVALID_ARGUMENT),
        (CLASSIFY, {}, b"\0\xff\xff\xff\xff", Code.RESOURCE_EXHAUSTED),
        (BULK, {}, b"\0\x7f\xff\xff\xff", Code.RESOURCE_EXHAUSTED),
        (CLASSIFY, {}, prefixed(REQUEST, compressed=True), Code.INTERNAL),
        (CLASSIFY, {"grpc-encoding": "gzip"}, prefixed(REQUEST, compressed=True), Code.INTERNAL),
        (CLASSIFY, {"grpc-encoding": "gzip"}, packed(bytes(100 << 20)), Code.RESOURCE_EXHAUSTED),
        (UPLOAD, {"grpc-encoding": "deflate"}, packed(bytes(100 << 20)), Code.INTERNAL),
        (CLASSIFY, {"grpc-encoding": "unheard-of"}, prefixed(REQUEST), Code.INTERNAL),
        (CLASSIFY, {"grpc-timeout": "soon"}, prefixed(REQUEST), Code.INTERNAL),
        (CLASSIFY, {"te": "nothing"}, prefixed(REQUEST), Code.INTERNAL),
        (CLASSIFY, {"x-trace-bin": "?!"}, prefixed(REQUEST), Code.INTERNAL),
        (CLASSIFY, {"Upper": "case"}, prefixed(REQUEST), Code.INTERNAL),
        (CLASSIFY, {"x-much": "x" * 50_000}, prefixed(REQUEST), Code.RESOURCE_EXHAUSTED),
        (f"{CLASSIFY}/more", {}, prefixed(REQUEST), Code.UNIMPLEMENTED),
        ("/heron.v9.ClassificationService/Classify", {}, prefixed(REQUEST), Code.UNIMPLEMENTED),
        ("", {}, prefixed(REQUEST), Code.UNIMPLEMENTED),
    ],
    ids=[
        *[
            "packed",
            "empty",
            "empty-upload",
            "empty-bulk",
            "torn",
            "noise",
            "noise-upload",
            "noise-bulk",
            "too-long",
            "too-long-bulk",
            "flagged-packed",
        ],
        *[
            "not-gzip",
            "bomb",
            "bomb-upload",
            "encoding",
            "timeout",
            "te",
            "base64",
            "upper-case",
            "much-metadata",
            "no-method",
            "no-service",
            "no-path",
        ],
    ],
)
async def test_a_call_that_is_none_ends_with_a_code(front, path, metadata, body, expected):
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address) as peer:
        block = header_block(path, metadata)
        stream = peer.open()
        await peer.send(HeadersFrame(stream, block[:16_000], flags=[] if block[16_000:] else ["END_HEADERS"]))
        for at in range(16_000, len(block), 16_000):
            flags = ["END_HEADERS"] if at + 16_000 >= len(block) else []
            await peer.send(ContinuationFrame(stream, block[at : at + 16_000], flags=flags))
        try:
            await peer.data(stream, body, end=True)
        except ConnectionError:
            assert peer.answers[stream].ended.is_set()
        assert code((await peer.answer(stream)).status) is expected
        assert await ended(peer, CLASSIFY, prefixed(REQUEST)) is Code.OK


async def test_a_method_other_than_post_ends_the_call_alone(front):
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address) as peer:
        assert await ended(peer, CLASSIFY, prefixed(REQUEST), {":method": "GET"}) is None
        assert await ended(peer, CLASSIFY, prefixed(REQUEST)) is Code.OK


def on_no_stream(frame: Frame) -> Frame:
    frame.stream_id = 0
    return frame


@pytest.mark.parametrize(
    "frame",
    [
        on_no_stream(DataFrame(1, b"x")),
        on_no_stream(HeadersFrame(1, header_block(CLASSIFY), flags=["END_HEADERS"])),
        DataFrame(99, b"x"),
        HeadersFrame(2, header_block(CLASSIFY), flags=["END_HEADERS"]),
        HeadersFrame(3, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS"]),
        ContinuationFrame(1, header(b"a", b"b"), flags=["END_HEADERS"]),
        SettingsFrame(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 2**32 - 1}),
        SettingsFrame(settings={SettingsFrame.MAX_FRAME_SIZE: 1}),
    ],
    ids=[
        "data-nowhere",
        "call-nowhere",
        "data-unopened",
        "even-stream",
        "no-hpack",
        "continues-nothing",
        "window",
        "size",
    ],
)
async def test_a_frame_out_of_place_breaks_nothing_for_others(front, frame):
    await ask(front)
    before = holdings(front)
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address) as peer:
        await peer.call(UPLOAD)
        await peer.send(frame)
        await ask(front)
    await at_rest(front, before)


async def test_a_hundred_uploads_slow_and_fast_are_all_answered(start_front):
    front = await start_front(chunk_idle_s=LONGEST_S)
    await ask(front)
    before = holdings(front)
    slow_may_go_on = asyncio.Event()

    async def messages(number: int) -> AsyncIterator[pb.ClassifyUploadRequest]:
        yield pb.ClassifyUploadRequest(start=pb.ClassifyUploadStart())
        for chunk in range(4):
            if number % 2 and chunk == 2:
                await slow_may_go_on.wait()
            yield pb.ClassifyUploadRequest(chunk=b"%d words " % number * 2000)

    uploads = [
        asyncio.ensure_future(front.classification.ClassifyUpload(messages(number), timeout=LONGEST_S))
        for number in range(100)
    ]
    await asyncio.gather(*uploads[::2])
    await ask(front)
    slow_may_go_on.set()
    answers = await asyncio.gather(*uploads)
    assert len({answer.classification.sha256 for answer in answers}) == 100
    await at_rest(front, before)


async def test_calls_whose_requests_never_come_keep_nobody_out(start_front):
    front = await start_front(max_calls=10)
    async with asyncio.timeout(LONGEST_S), AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(Peer.connected(front.address)) for _ in range(20)]
        for peer in peers:
            await peer.data(await peer.call(CLASSIFY), prefixed(REQUEST)[:10])
        # More wait than there is room for: those that have waited longest are ended.
        await until(lambda: sum(peer.answers[1].ended.is_set() for peer in peers) == 10, LONGEST_S)
        codes = [code(peer.answers[1].status) for peer in peers if peer.answers[1].ended.is_set()]
        assert codes == [Code.DEADLINE_EXCEEDED] * 10
        await ask(front)


async def test_who_does_not_take_its_answers_gets_no_more(start_front, monkeypatch):
    monkeypatch.setattr(untaken, "_LONGEST_TAKING_S", 0.5)
    front = await start_front()
    async with asyncio.timeout(LONGEST_S), Peer.connected(front.address, takes_bytes=0) as peer:
        await peer.message(await peer.call(CLASSIFY), REQUEST, end=True)
        await until(lambda: not front.server._guard.in_flight and front.server._guard._untaken._stuck, LONGEST_S)
        assert await ended(peer, CLASSIFY, prefixed(REQUEST)) is Code.RESOURCE_EXHAUSTED
        await ask(front)
    await until(lambda: not front.server._guard._untaken._stuck, LONGEST_S)
