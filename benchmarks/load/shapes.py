"""What a call sends: ready-made messages, so that the generator spends its processor time on sending."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from benchmarks.load import payloads
from heron.v1 import classification_pb2

_SERVICE = "/heron.v1.ClassificationService"
CHUNK_BYTES = 256 * 1024

# One of each connection; messages are bytes on both sides.
Methods = Sequence[Callable[..., Any]]
# Asks once, as the caller of this number, within so many seconds; raises AioRpcError.
Call = Callable[[int, float], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Unary:
    """Requests of a payload file, in turn. Of any service: messages are bytes here."""

    payload: Path
    method: str = f"{_SERVICE}/Classify"

    def bind(self, channels: Sequence[grpc.aio.Channel]) -> Call:
        """The call, over these connections in turn."""
        requests = payloads.read(self.payload)
        methods: Methods = [channel.unary_unary(self.method) for channel in channels]

        async def call(number: int, timeout_s: float) -> bytes:
            request = requests[number % len(requests)]
            answer: bytes = await methods[number % len(methods)](request, timeout=timeout_s)
            return answer

        return call


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in chunks; every caller sends the same bytes."""

    file: Path
    chunk_bytes: int = CHUNK_BYTES
    # Mean speed of one sender; 0 sends as fast as the service takes it.
    bytes_per_s: float = 0.0

    def bind(self, channels: Sequence[grpc.aio.Channel]) -> Call:
        """The call, over these connections in turn."""
        messages = payloads.upload_messages(self.file, self.chunk_bytes)
        methods: Methods = [channel.stream_unary(f"{_SERVICE}/ClassifyUpload") for channel in channels]
        pause_s = self.chunk_bytes / self.bytes_per_s if self.bytes_per_s else 0.0

        async def paced() -> AsyncIterator[bytes]:
            due = time.monotonic()
            for message in messages:
                yield message
                due += pause_s
                await asyncio.sleep(max(0.0, due - time.monotonic()))

        async def call(number: int, timeout_s: float) -> bytes:
            sent = paced() if pause_s else iter(messages)
            answer: bytes = await methods[number % len(methods)](sent, timeout=timeout_s)
            return answer

        return call


@dataclass(frozen=True, slots=True)
class Bulk:
    """Documents of a payload file, in turn, on streams that keep `window` of them unanswered."""

    payload: Path
    window: int = 32
    ordered: bool = False

    def bind(self, channels: Sequence[grpc.aio.Channel]) -> "BulkStreams":
        """The streams, over these connections in turn."""
        start = classification_pb2.ClassifyBulkStart(
            options=payloads.UNCACHED, max_in_flight=self.window, ordered=self.ordered
        )
        first = classification_pb2.ClassifyBulkRequest(start=start).SerializeToString()
        methods: Methods = [channel.stream_stream(f"{_SERVICE}/ClassifyBulk") for channel in channels]
        return BulkStreams(methods, first, payloads.read(self.payload))


# Code, when the document was sent and when it was answered, in time.monotonic.
Note = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True)
class BulkStreams:
    """Streams that send documents until they are told to stop."""

    methods: Methods
    first: bytes
    documents: Sequence[bytes]

    async def run(self, number: int, until: float, timeout_s: float, note: Note) -> None:
        """One stream: sends until the moment `until`, then reads the answers that are left."""
        stream = _Stream(self.methods[number % len(self.methods)](timeout=timeout_s), note)
        reader: asyncio.Task[None] | None = None
        try:
            await stream.open(self.first, len(self.documents))
            reader = asyncio.create_task(stream.read())
            # Streams begin at different documents.
            at = number * 61
            while time.monotonic() < until and await stream.send(at % len(self.documents), self.documents):
                at += 1
            await stream.close(reader)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The stream has one code, whichever side of it met the end first.
            await asyncio.gather(*([reader] if reader else []), return_exceptions=True)
            await stream.fail()


class _Stream:
    def __init__(self, call: Any, note: Note) -> None:
        self._call = call
        self._note = note
        self._sent: dict[str, float] = {}
        self._free = asyncio.Semaphore(0)
        self._over = False

    async def open(self, first: bytes, documents: int) -> None:
        await self._call.write(first)
        granted = _answer(await self._call.read()).grant.max_in_flight
        # Ids are the documents' numbers, unique only while the stream does not lap itself.
        for _ in range(min(granted, documents)):
            self._free.release()

    async def send(self, at: int, documents: Sequence[bytes]) -> bool:
        """Sends document `at` as soon as the window has room; False once the stream is over."""
        await self._free.acquire()
        if self._over:
            return False
        self._sent[str(at)] = time.monotonic()
        await self._call.write(documents[at])
        return True

    async def read(self) -> None:
        try:
            while (data := await self._call.read()) is not grpc.aio.EOF:
                result = _answer(data).result
                code = grpc_name(result.error.code) if result.HasField("error") else "OK"
                self._note(code, self._sent.pop(result.item_id), time.monotonic())
                self._free.release()
        finally:
            self._over = True
            self._free.release()

    async def close(self, reader: asyncio.Task[None]) -> None:
        await self._call.done_writing()
        await reader
        if self._sent:
            await self.fail()

    async def fail(self) -> None:
        """What is unanswered ends with the stream's code."""
        code = (await self._call.code()).name
        now = time.monotonic()
        for sent in self._sent.values() or (now,):
            self._note(code, sent, now)


def grpc_name(code: int) -> str:
    """The name of a code of google.rpc."""
    return next(each.name for each in grpc.StatusCode if each.value[0] == code)


def _answer(data: Any) -> classification_pb2.ClassifyBulkResponse:
    return classification_pb2.ClassifyBulkResponse.FromString(b"" if data is grpc.aio.EOF else data)
