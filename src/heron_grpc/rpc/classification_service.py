"""ClassificationService: asking what documents are."""

import asyncio
import re
from collections.abc import AsyncIterator

from heron.v1 import classification_pb2, classification_pb2_grpc
from heron_grpc.domain.classification import Classification, ClassifyOptions
from heron_grpc.domain.errors import DeadlineExceeded, InvalidRequest, Overloaded, UploadMismatch
from heron_grpc.operations.process_document import Origin, Pipeline, process_file, process_text
from heron_grpc.operations.receive_upload import Spool, SpooledDocument, too_large
from heron_grpc.rpc.convert import Violations, check_filename, check_mime_type, classification_message, options_from
from heron_grpc.rpc.guard import Context, deadline_s
from heron_grpc.settings import FrontSettings

_SHA256 = re.compile(r"[0-9a-f]{64}")

Request = classification_pb2.ClassifyUploadRequest
Content = classification_pb2.InlineContent | classification_pb2.UploadHeader


class ClassificationService(classification_pb2_grpc.ClassificationServiceServicer):
    """Validates, hands over to the operations, converts the answer."""

    def __init__(self, pipeline: Pipeline, spool: Spool, limits: FrontSettings) -> None:
        self._pipeline = pipeline
        self._spool = spool
        self._limits = limits
        self._uploads = 0

    async def Classify(  # noqa: N802  named by the contract
        self, request: classification_pb2.ClassifyRequest, context: Context
    ) -> classification_pb2.ClassifyResponse:
        """One small document: its text, or its bytes inline."""
        options = self._checked_unary(request)
        left_s = deadline_s(context, self._limits.max_call_s)
        if request.WhichOneof("source") == "text":
            answer = await process_text(self._pipeline, request.text, options, left_s)
        else:
            async with self._spool.receive(_once(request.content.data)) as document:
                answer = await process_file(self._pipeline, document, _origin(request.content), options, left_s)
        return classification_pb2.ClassifyResponse(classification=self._message(answer))

    async def ClassifyUpload(  # noqa: N802  named by the contract
        self, request_iterator: AsyncIterator[Request], context: Context
    ) -> classification_pb2.ClassifyUploadResponse:
        """One document of any size: a header, chunks, optionally a trailer."""
        if self._uploads >= self._limits.max_uploads:
            raise Overloaded(
                "too many uploads at once", metadata={"resource": "uploads", "max": str(self._limits.max_uploads)}
            )
        self._uploads += 1
        try:
            upload = _Upload(request_iterator, self._limits)
            start = await upload.start()
            options = self._checked_start(start)
            async with self._spool.receive(upload.chunks()) as document:
                upload.verify(document, start.header.size_bytes)
                left_s = deadline_s(context, self._limits.max_call_s)
                answer = await process_file(self._pipeline, document, _origin(start.header), options, left_s)
        finally:
            self._uploads -= 1
        return classification_pb2.ClassifyUploadResponse(classification=self._message(answer))

    def _checked_unary(self, request: classification_pb2.ClassifyRequest) -> ClassifyOptions:
        violations = Violations()
        options = options_from(request.options, violations)
        source = request.WhichOneof("source")
        violations.check(source is not None, "source", "text or content is required")
        if source == "text":
            violations.check(bool(request.text.strip()), "text", "must not be empty")
            longest = self._limits.max_text_chars
            violations.check(len(request.text) <= longest, "text", f"at most {longest} code points")
        else:
            self._check_names(request.content, "content", violations)
        violations.raise_if_any()
        if len(request.content.data) > self._limits.max_inline_bytes:
            raise too_large(self._limits.max_inline_bytes)
        return options

    def _checked_start(self, start: classification_pb2.ClassifyUploadStart) -> ClassifyOptions:
        violations = Violations()
        options = options_from(start.options, violations)
        self._check_names(start.header, "start.header", violations)
        violations.check(start.header.size_bytes >= 0, "start.header.size_bytes", "0 (unknown) or the size")
        violations.raise_if_any()
        if start.header.size_bytes > self._limits.max_document_bytes:
            raise too_large(self._limits.max_document_bytes)
        return options

    def _check_names(
        self,
        content: Content,
        field: str,
        violations: Violations,
    ) -> None:
        check_filename(content.filename, self._limits.max_filename_bytes, f"{field}.filename", violations)
        check_mime_type(content.mime_type, f"{field}.mime_type", violations)

    def _message(self, answer: Classification) -> classification_pb2.Classification:
        taxonomy = self._pipeline.taxonomies[answer.taxonomy].taxonomy
        return classification_message(answer, lambda category: taxonomy[category].display_name)


class _Upload:
    """The messages of one upload, held to their order: start, chunks, at most one trailer."""

    def __init__(self, requests: AsyncIterator[Request], limits: FrontSettings) -> None:
        self._requests = aiter(requests)
        self._limits = limits
        self._trailer: classification_pb2.UploadTrailer | None = None

    async def start(self) -> classification_pb2.ClassifyUploadStart:
        """The first message."""
        request = await self._next()
        if request is None or request.WhichOneof("payload") != "start":
            raise InvalidRequest("the first message of an upload must be `start`")
        return request.start

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's parts, up to the end of the stream; keeps the trailer."""
        while (request := await self._next()) is not None:
            payload = request.WhichOneof("payload")
            if self._trailer is not None:
                raise InvalidRequest("nothing may follow the trailer")
            if payload == "trailer":
                self._trailer = request.trailer
            elif payload == "chunk":
                self._check_chunk(request.chunk)
                yield request.chunk
            else:
                raise InvalidRequest("after `start` an upload holds chunks and at most one trailer")

    def verify(self, document: SpooledDocument, announced_bytes: int) -> None:
        """Raises UploadMismatch when header or trailer say something else than what arrived."""
        trailer = self._trailer or classification_pb2.UploadTrailer()
        for claimed_bytes in (announced_bytes, trailer.size_bytes):
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

    def _check_chunk(self, chunk: bytes) -> None:
        longest = self._limits.max_chunk_bytes
        if len(chunk) > longest:
            raise InvalidRequest(f"a chunk holds at most {longest} bytes", metadata={"max_chunk_bytes": str(longest)})

    async def _next(self) -> Request | None:
        try:
            async with asyncio.timeout(self._limits.chunk_idle_s):
                return await anext(self._requests, None)
        except TimeoutError as error:
            raise DeadlineExceeded(f"no message arrived for {self._limits.chunk_idle_s:g} s") from error


def _origin(content: Content) -> Origin:
    return Origin(content.filename, content.mime_type)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
