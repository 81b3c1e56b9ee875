"""Between the messages of a document and the operations: takes its bytes in, asks what it is, converts the answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

from heron.v1 import classification_pb2
from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Classification, ClassifyOptions
from heron_grpc.domain.errors import Overloaded
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.domain.pace import Pace
from heron_grpc.operations.process_document import Origin, Pipeline, process_file, process_text
from heron_grpc.operations.receive_upload import Spool
from heron_grpc.rpc.convert import classification_message
from heron_grpc.rpc.request_rules import Source
from heron_grpc.rpc.upload import verify
from heron_grpc.settings import FrontSettings

# Texts at work that say nothing about how long the next one takes.
_ALWAYS_ADMITTED = 16
# Share of the time left that waiting may take: the estimate is a mean, and half of all texts take longer.
_WAITING_SHARE = 0.5
_LEAST_RETRY_S = 0.1

Message = classification_pb2.Classification
Named = classification_pb2.InlineContent | classification_pb2.UploadHeader


class Answering:
    """Answers documents however they came; every method raises what the operations raise, and Overloaded."""

    def __init__(self, pipeline: Pipeline, spool: Spool, limits: FrontSettings) -> None:
        self._pipeline = pipeline
        self._spool = spool
        self._memory = FairShare(limits.max_request_bytes, "bytes of requests")
        self._texts = Pace()

    def require_time(self, call: Call) -> None:
        """Raises Overloaded when the texts at work already would outlast the call's deadline."""
        usable_s = _WAITING_SHARE * call.left_s
        if self._texts.at_work >= _ALWAYS_ADMITTED and self._texts.expected_s > usable_s:
            raise Overloaded(
                "the texts that wait would outlast the deadline",
                retry_after_s=max(_LEAST_RETRY_S, self._texts.expected_s - usable_s),
                metadata={"resource": "deadline"},
            )

    def held(self, source: Source, call: Call) -> AbstractContextManager[None]:
        """What a request takes of the memory that callers share. Raises Overloaded when entered."""
        return self._memory.held(call.caller, len(source.text) + len(source.content.data))

    async def text(self, text: str, options: ClassifyOptions, call: Call) -> Message:
        """What kind of document has this text."""
        self.require_time(call)
        self._texts.begin()
        try:
            answer = await process_text(self._pipeline, text, options, call)
        except Overloaded:
            self._texts.end(done=False)
            raise
        except BaseException:  # cancelled or failed, it is done
            self._texts.end()
            raise
        self._texts.end()
        return self._message(answer)

    async def content(self, content: classification_pb2.InlineContent, options: ClassifyOptions, call: Call) -> Message:
        """What kind of document these bytes are."""
        self._require_reader(call)
        async with self._spool.receive(_once(content.data), call.caller) as document:
            return self._message(await process_file(self._pipeline, document, _origin(content), options, call))

    async def upload(
        self,
        chunks: AsyncIterator[bytes],
        header: classification_pb2.UploadHeader,
        trailer: Callable[[], classification_pb2.UploadTrailer],
        options: ClassifyOptions,
        call: Call,
    ) -> Message:
        """What kind of document arrives in `chunks`; `trailer` is asked when they have ended."""
        self._require_reader(call)
        async with self._spool.receive(chunks, call.caller, header.size_bytes) as document:
            verify(document, header, trailer())
            return self._message(await process_file(self._pipeline, document, _origin(header), options, call))

    def _require_reader(self, call: Call) -> None:
        """Raises Overloaded when a file could not be read in time, before its bytes are taken in."""
        expected_s, left_s = self._pipeline.pool.expected_wait_s(call.caller), call.left_s
        if expected_s > left_s:
            raise Overloaded(
                "the documents that wait would outlast the deadline",
                retry_after_s=max(_LEAST_RETRY_S, expected_s - left_s),
                metadata={"resource": "reading queue"},
            )

    def _message(self, answer: Classification) -> Message:
        taxonomy = self._pipeline.taxonomies[answer.taxonomy].taxonomy
        return classification_message(answer, lambda category: taxonomy[category].display_name)


def _origin(content: Named) -> Origin:
    return Origin(content.filename, content.mime_type)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
