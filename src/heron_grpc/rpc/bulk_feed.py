"""The chunks of one document of a bulk stream, on their way from the stream's reader to the document's work."""

import asyncio
from collections.abc import AsyncIterator

from heron.v1 import classification_pb2
from heron_grpc.domain.errors import HeronError, InvalidRequest
from heron_grpc.rpc.upload import ChunkRules
from heron_grpc.settings import FrontSettings

# Chunks in memory beside the one being written.
_READ_AHEAD = 1


class Feed:
    """Whoever puts waits for whoever takes; once the work has ended, what still arrives is discarded."""

    def __init__(self, limits: FrontSettings) -> None:
        self._rules = ChunkRules(limits)
        self._parts: asyncio.Queue[bytes | HeronError | None] = asyncio.Queue(_READ_AHEAD)
        self._discarded = 0
        self._most_discarded = limits.max_chunks
        self._closed = False
        self.trailer = classification_pb2.UploadTrailer()

    async def put(self, chunk: bytes) -> None:
        """Gives the next chunk to the work. Raises InvalidRequest when the rest of a failed document never ends."""
        if self._closed:
            self._discarded += 1
            if self._discarded > self._most_discarded:
                raise InvalidRequest("a document has too many chunks")
            return
        try:
            await self._parts.put(self._rules.checked(chunk))
        except InvalidRequest as error:
            self.give_up(error)

    async def end(self, trailer: classification_pb2.UploadTrailer) -> None:
        """Says that all chunks were put."""
        self.trailer = trailer
        if not self._closed:
            await self._parts.put(None)

    def give_up(self, error: HeronError) -> None:
        """Fails the work with `error` if it still takes chunks."""
        if not self._closed:
            self._discard()
            self._parts.put_nowait(error)
            self._closed = True

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks; raises what `give_up` was told."""
        while (part := await self._parts.get()) is not None:
            if isinstance(part, HeronError):
                raise part
            yield part

    def close(self) -> None:
        """The work has ended."""
        self._closed = True
        self._discard()

    def _discard(self) -> None:
        while not self._parts.empty():
            self._parts.get_nowait()
