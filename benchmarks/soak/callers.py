"""The callers of a soak: honest ones, clumsy ones and hostile ones, each in a loop of its own."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import grpc

from heron.v1 import classification_pb2 as messages
from heron.v1 import classification_pb2_grpc

CHUNK_BYTES = 64 * 1024
_HONEST_S = 60.0
# A third of the calls may be answered from the result cache; the documents are few enough for it to settle.
_CACHED_SHARE = 0.3
_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))

Upload = messages.ClassifyUploadRequest
# The generated code has this class for type checkers alone.
Stub: TypeAlias = "classification_pb2_grpc.ClassificationServiceAsyncStub"


@dataclass
class Callers:
    """What the callers draw from, and what they were told."""

    address: str
    texts: Sequence[str]
    files: Sequence[Path]
    random: random.Random
    # By caller and gRPC code.
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, caller: str, code: str) -> None:
        """One call, or one document of a bulk stream."""
        self.codes[caller, code] += 1

    async def text(self, stub: Stub) -> None:
        """A text of any length."""
        request = messages.ClassifyRequest(text=self.random.choice(self.texts), options=self.options())
        await stub.Classify(request, timeout=_HONEST_S)

    async def inline_file(self, stub: Stub) -> None:
        """A sample of any type in one message."""
        file = self.random.choice(self.files)
        content = messages.InlineContent(data=file.read_bytes(), filename=file.name)
        await stub.Classify(messages.ClassifyRequest(content=content, options=self.options()), timeout=_HONEST_S)

    async def upload(self, stub: Stub) -> None:
        """A sample of any type in chunks, with or without what is known of it."""
        data = self.random.choice(self.files).read_bytes()
        trailer = messages.UploadTrailer(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
        parts = self.parts(data, len(data) * self.random.randint(0, 1), trailer if self.random.random() < 0.5 else None)
        await stub.ClassifyUpload(parts, timeout=_HONEST_S)

    async def bad_document(self, stub: Stub) -> None:
        """Damaged, empty, of no known type, or not what it is said to be."""
        good = self.random.choice(self.files).read_bytes()
        kind = self.random.randrange(6)
        if kind == 0:
            data = good[: len(good) // 2]
        elif kind == 1:
            data = b"%PDF-1.7\n" + self.random.randbytes(5_000)
        elif kind == 2:
            data = self.random.randbytes(20_000)
        elif kind == 3:
            data = b""
        else:
            trailer = messages.UploadTrailer(sha256="0" * 64)
            await stub.ClassifyUpload(self.parts(good, len(good) + kind - 4, trailer), timeout=_HONEST_S)
            return
        content = messages.InlineContent(data=data, filename="document.pdf")
        await stub.Classify(messages.ClassifyRequest(content=content, options=self.options()), timeout=_HONEST_S)

    async def bad_request(self, stub: Stub) -> None:
        """Broken rules of the contract, in messages or in their order."""
        chunk = Upload(chunk=b"%PDF-1.7")
        orders: Sequence[Sequence[Upload]] = (
            [chunk],
            [],
            [Upload(start=messages.ClassifyUploadStart()), Upload(trailer=messages.UploadTrailer()), chunk],
        )
        if self.random.random() < 0.5:
            await stub.ClassifyUpload(iter(self.random.choice(orders)), timeout=_HONEST_S)
        options = messages.ClassifyOptions(taxonomy="no such", min_score=7)
        await stub.Classify(messages.ClassifyRequest(text=" ", options=options), timeout=_HONEST_S)

    async def missed_deadline(self, stub: Stub) -> None:
        """Asks for too much in too little time."""
        timeout_s = self.random.uniform(0.001, 0.05)
        if self.random.random() < 0.5:
            request = messages.ClassifyRequest(text=self.random.choice(self.texts), options=self.options())
            await stub.Classify(request, timeout=timeout_s)
        else:
            await stub.ClassifyUpload(self.parts(self._any(), 0, None), timeout=timeout_s)

    async def cancelled(self, stub: Stub) -> None:
        """Changes its mind, in the middle of sending or of waiting."""
        call = stub.ClassifyUpload(self.dripping(self._any()), timeout=_HONEST_S)
        await asyncio.sleep(self.random.uniform(0.0, 0.3))
        call.cancel()
        await call

    async def disconnected(self, _: Stub) -> None:
        """Goes away without a word."""
        channel = grpc.aio.insecure_channel(self.address, options=_OPTIONS)
        try:
            call = stub_of(channel).ClassifyUpload(self.dripping(self._any()))
            waiting = asyncio.ensure_future(call)
            await asyncio.wait([waiting], timeout=self.random.uniform(0.05, 0.3))
            waiting.cancel()
        finally:
            await channel.close()

    def options(self) -> messages.ClassifyOptions:
        """Now and then with evidence, mostly past the result cache."""
        return messages.ClassifyOptions(
            bypass_cache=self.random.random() > _CACHED_SHARE, include_evidence=self.random.random() < 0.3
        )

    async def parts(
        self, data: bytes, size_bytes: int, trailer: messages.UploadTrailer | None
    ) -> AsyncIterator[Upload]:
        """The messages of an upload."""
        header = messages.UploadHeader(filename="document", size_bytes=size_bytes)
        yield Upload(start=messages.ClassifyUploadStart(header=header, options=self.options()))
        for at in range(0, len(data), CHUNK_BYTES):
            yield Upload(chunk=data[at : at + CHUNK_BYTES])
        if trailer:
            yield Upload(trailer=trailer)

    async def dripping(self, data: bytes) -> AsyncIterator[Upload]:
        """An upload that takes its time."""
        async for part in self.parts(data * 20, 0, None):
            yield part
            await asyncio.sleep(0.01)

    def _any(self) -> bytes:
        return self.random.choice(self.files).read_bytes()


Act = Callable[[Stub], Awaitable[None]]


def acts(callers: Callers) -> Mapping[str, Act]:
    """Each caller's call by its name. The first three are honest: they ought to be answered."""
    return {
        "text": callers.text,
        "inline file": callers.inline_file,
        "upload": callers.upload,
        "bad document": callers.bad_document,
        "bad request": callers.bad_request,
        "missed deadline": callers.missed_deadline,
        "cancelled": callers.cancelled,
        "disconnected": callers.disconnected,
    }


HONEST = ("text", "inline file", "upload", "bulk")


def stub_of(channel: grpc.aio.Channel) -> Stub:
    """The generated stub, by its asynchronous side."""
    return classification_pb2_grpc.ClassificationServiceStub(channel)


async def keep_calling(callers: Callers, name: str, act: Act, pause_s: float, until: asyncio.Event) -> None:
    """Calls, with pauses of `pause_s` on average, until told to stop."""
    async with grpc.aio.insecure_channel(callers.address, options=_OPTIONS) as channel:
        stub = stub_of(channel)
        while not until.is_set():
            try:
                await act(stub)
                callers.note(name, "OK")
            except grpc.aio.AioRpcError as error:
                callers.note(name, error.code().name)
            except asyncio.CancelledError:
                # The call's own cancellation looks like the task's.
                callers.note(name, "CANCELLED")
            await asyncio.sleep(callers.random.uniform(0, 2 * pause_s))
