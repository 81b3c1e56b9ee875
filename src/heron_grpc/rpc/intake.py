"""Documents on their way in: what they take of memory and spool, their bytes held to what was said of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

from heron.v1 import classification_pb2
from heron_grpc.domain.call import Call
from heron_grpc.domain.errors import Overloaded
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.operations.origin import Origin
from heron_grpc.operations.receive_upload import Spool, SpooledDocument
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.waiting_line import WAITING_SHARE
from heron_grpc.rpc.upload import verify
from heron_grpc.settings import FrontSettings

LEAST_RETRY_S = 0.1

Named = classification_pb2.InlineContent | classification_pb2.UploadHeader


class Intake:
    """One for all services: what callers share is shared across them. Every method raises Overloaded."""

    def __init__(self, pool: ReadingPool, spool: Spool, limits: FrontSettings) -> None:
        self._pool = pool
        self._spool = spool
        self._memory = FairShare(limits.max_request_bytes, "bytes of requests")
        self._uploads = FairShare(limits.max_uploads, "uploads")

    @property
    def bytes_held(self) -> int:
        """Bytes of the texts and small files of calls in work."""
        return self._memory.in_use

    def memory(self, size_bytes: int, call: Call) -> AbstractContextManager[None]:
        """What a request takes of the memory that callers share."""
        return self._memory.held(call.caller, size_bytes)

    def upload(self, call: Call) -> AbstractContextManager[None]:
        """A place among the uploads."""
        return self._uploads.held(call.caller)

    @asynccontextmanager
    async def content(self, content: classification_pb2.InlineContent, call: Call) -> AsyncIterator[SpooledDocument]:
        """A small file, spooled until the block ends."""
        self._require_reader(call)
        async with self._spool.receive(_once(content.data), call.caller) as document:
            yield document

    @asynccontextmanager
    async def chunks(
        self,
        chunks: AsyncIterator[bytes],
        header: classification_pb2.UploadHeader,
        trailer: Callable[[], classification_pb2.UploadTrailer],
        call: Call,
    ) -> AsyncIterator[SpooledDocument]:
        """A file of any size, spooled until the block ends; `trailer` is asked when its chunks have ended.

        Raises UploadMismatch, DocumentTooLarge and what `chunks` raises.
        """
        self._require_reader(call)
        async with self._spool.receive(chunks, call.caller, header.size_bytes) as document:
            verify(document, header, trailer())
            yield document

    def _require_reader(self, call: Call) -> None:
        """Raises Overloaded when a file could not be read in time, before its bytes are taken in."""
        expected_s, usable_s = self._pool.expected_wait_s(call.caller), WAITING_SHARE * call.left_s
        if expected_s > usable_s:
            raise Overloaded(
                "the documents that wait would outlast the deadline",
                retry_after_s=max(LEAST_RETRY_S, expected_s - usable_s),
                metadata={"resource": "reading queue"},
            )


def origin_of(content: Named) -> Origin:
    """What the sender says of a file."""
    return Origin(content.filename, content.mime_type, content.password)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
