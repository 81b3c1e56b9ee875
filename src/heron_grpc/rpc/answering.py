"""Between the messages of a document and its classification: takes it in, asks what it is, converts the answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

from heron.v1 import classification_pb2
from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Classification, ClassifyOptions
from heron_grpc.domain.errors import Overloaded
from heron_grpc.domain.pace import Pace
from heron_grpc.operations.process_document import Pipeline, process_file, process_text
from heron_grpc.rpc.convert import classification_message
from heron_grpc.rpc.intake import LEAST_RETRY_S, Intake, origin_of
from heron_grpc.rpc.request_rules import Source

# Texts at work that say nothing about how long the next one takes.
_ALWAYS_ADMITTED = 16
# Share of the time left that waiting may take: the estimate is a mean, and half of all texts take longer.
_WAITING_SHARE = 0.5

Message = classification_pb2.Classification


class Answering:
    """Answers documents however they came; every method raises what the operations raise, and Overloaded."""

    def __init__(self, pipeline: Pipeline, intake: Intake) -> None:
        self._pipeline = pipeline
        self._intake = intake
        self._texts = Pace()

    def require_time(self, call: Call) -> None:
        """Raises Overloaded when the texts at work already would outlast the call's deadline."""
        usable_s = _WAITING_SHARE * call.left_s
        if self._texts.at_work >= _ALWAYS_ADMITTED and self._texts.expected_s > usable_s:
            raise Overloaded(
                "the texts that wait would outlast the deadline",
                retry_after_s=max(LEAST_RETRY_S, self._texts.expected_s - usable_s),
                metadata={"resource": "deadline"},
            )

    def held(self, source: Source, call: Call) -> AbstractContextManager[None]:
        """What a request takes of the memory that callers share. Raises Overloaded when entered."""
        return self._intake.memory(len(source.text) + len(source.content.data), call)

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
        async with self._intake.content(content, call) as document:
            return self._message(await process_file(self._pipeline, document, origin_of(content), options, call))

    async def upload(
        self,
        chunks: AsyncIterator[bytes],
        header: classification_pb2.UploadHeader,
        trailer: Callable[[], classification_pb2.UploadTrailer],
        options: ClassifyOptions,
        call: Call,
    ) -> Message:
        """What kind of document arrives in `chunks`; `trailer` is asked when they have ended."""
        async with self._intake.chunks(chunks, header, trailer, call) as document:
            return self._message(await process_file(self._pipeline, document, origin_of(header), options, call))

    def _message(self, answer: Classification) -> Message:
        taxonomy = self._pipeline.taxonomies[answer.taxonomy].taxonomy
        return classification_message(answer, lambda category: taxonomy[category].display_name)
