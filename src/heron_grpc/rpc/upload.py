"""The messages of an upload, held to their order and their limits: start, chunks, at most one trailer."""

import re
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

from heron.v1 import classification_pb2, reading_pb2
from heron_grpc.domain.errors import InvalidRequest, UploadMismatch
from heron_grpc.operations.receive_upload import SpooledDocument
from heron_grpc.rpc.guard import next_message
from heron_grpc.settings import FrontSettings

_SHA256 = re.compile(r"[0-9a-f]{64}")

Start = TypeVar("Start", classification_pb2.ClassifyUploadStart, reading_pb2.ReadUploadStart)


class Upload(Generic[Start]):
    """The document of one stream. Raises InvalidRequest for whatever is out of order."""

    def __init__(self, requests: AsyncIterator[Any], limits: FrontSettings) -> None:
        """`requests` are messages of an upload that begin with a Start."""
        self._requests = requests
        self._limits = limits
        self.trailer = classification_pb2.UploadTrailer()

    async def start(self) -> Start:
        """The first message."""
        request = await self._next()
        if request is None or request.WhichOneof("payload") != "start":
            raise InvalidRequest("the first message of an upload must be `start`")
        start: Start = request.start
        return start

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's parts, up to the end of the stream; keeps the trailer."""
        rules = ChunkRules(self._limits)
        while (request := await self._next()) is not None:
            payload = request.WhichOneof("payload")
            if payload == "trailer":
                self.trailer = request.trailer
                if await self._next() is not None:
                    raise InvalidRequest("nothing may follow the trailer")
                return
            if payload != "chunk":
                raise InvalidRequest("after `start` an upload holds chunks and at most one trailer")
            yield rules.checked(request.chunk)

    async def _next(self) -> Any | None:
        return await next_message(self._requests, self._limits.chunk_idle_s)


class ChunkRules:
    """The limits on the chunks of one document."""

    def __init__(self, limits: FrontSettings) -> None:
        self._limits = limits
        self._chunks = 0

    def checked(self, chunk: bytes) -> bytes:
        """The chunk. Raises InvalidRequest when it is too long, or one too many."""
        self._chunks += 1
        most, longest = self._limits.max_chunks, self._limits.max_chunk_bytes
        if self._chunks > most:
            raise InvalidRequest(f"a document has at most {most} chunks", metadata={"max_chunks": str(most)})
        if len(chunk) > longest:
            raise InvalidRequest(f"a chunk holds at most {longest} bytes", metadata={"max_chunk_bytes": str(longest)})
        return chunk


def verify(
    document: SpooledDocument, header: classification_pb2.UploadHeader, trailer: classification_pb2.UploadTrailer
) -> None:
    """Raises UploadMismatch when header or trailer say something else than what arrived."""
    for claimed_bytes in (header.size_bytes, trailer.size_bytes):
        if claimed_bytes and claimed_bytes != document.size_bytes:
            raise UploadMismatch(
                f"{claimed_bytes} bytes were announced, {document.size_bytes} arrived",
                metadata={"announced_bytes": str(claimed_bytes), "received_bytes": str(document.size_bytes)},
            )
    if not trailer.sha256:
        return
    if not _SHA256.fullmatch(trailer.sha256.lower()):
        raise InvalidRequest("trailer.sha256 must be 64 hexadecimal digits")
    if trailer.sha256.lower() != document.sha256:
        raise UploadMismatch("the SHA-256 differs from what arrived", metadata={"received_sha256": document.sha256})
