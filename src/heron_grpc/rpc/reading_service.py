"""ReadingService: asking what documents say, and what their pages look like."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from heron.reading_assembly import ReadingAssembly
from heron.v1 import reading_pb2, reading_pb2_grpc
from heron_grpc.domain.call import Call
from heron_grpc.domain.document import PictureFormat, ReadRequest
from heron_grpc.domain.errors import DeadlineExceeded, ReadingLimitExceeded
from heron_grpc.operations.origin import Origin
from heron_grpc.operations.process_document import Pipeline
from heron_grpc.operations.receive_upload import SpooledDocument
from heron_grpc.operations.stream_reading import draw_page, stream_reading
from heron_grpc.rpc.calls import Context, served_call
from heron_grpc.rpc.intake import Intake, origin_of
from heron_grpc.rpc.reading_messages import Message, ReadingMessages
from heron_grpc.rpc.reading_rules import ReadingRules
from heron_grpc.rpc.upload import Upload
from heron_grpc.settings import KIB, MIB, FrontSettings

# What gRPC's clients take unless they say otherwise is 4 MiB.
_MOST_ANSWER_BYTES = 4 * MIB - 16 * KIB
_MIME_TYPES = {each: f"image/{each.value}" for each in PictureFormat}


class ReadingService(reading_pb2_grpc.ReadingServiceServicer):
    """Validates, hands over to the operations, converts the steps as they come."""

    def __init__(self, pipeline: Pipeline, intake: Intake, limits: FrontSettings) -> None:
        self._pipeline = pipeline
        self._intake = intake
        self._limits = limits
        self._rules = ReadingRules(limits)

    async def ReadDocument(  # noqa: N802  named by the contract
        self, request: reading_pb2.ReadDocumentRequest, _context: Context
    ) -> reading_pb2.ReadDocumentResponse:
        """One small document, its whole reading in one message."""
        wanted = self._rules.document(request)
        content, call = request.content, served_call().call
        assembly, size_bytes = ReadingAssembly(), 0
        with self._intake.memory(len(content.data), call):
            async with (
                self._intake.content(content, call) as document,
                aclosing(self._messages(document, origin_of(content), wanted, call)) as messages,
            ):
                async for message in messages:
                    size_bytes += message.ByteSize()
                    if size_bytes > _MOST_ANSWER_BYTES:
                        raise _too_large("ask for fewer pages or without words, or have it streamed")
                    page = assembly.add(message)
                    if page:
                        assembly.reading.pages.append(page)
        return reading_pb2.ReadDocumentResponse(reading=assembly.reading)

    async def ReadUpload(  # type: ignore[override]  # noqa: N802  named by the contract; it writes by itself
        self, request_iterator: AsyncIterator[reading_pb2.ReadUploadRequest], context: Context
    ) -> None:
        """One document of any size, its reading page by page."""
        call = self._bounded(served_call().call)
        async with asyncio.timeout(call.left_s):
            with self._intake.upload(call):
                upload = Upload[reading_pb2.ReadUploadStart](request_iterator, self._limits)
                start = await upload.start()
                wanted, header = self._rules.upload(start), start.header
                async with (
                    self._intake.chunks(upload.chunks(), header, lambda: upload.trailer, call) as document,
                    aclosing(self._messages(document, origin_of(header), wanted, call)) as messages,
                ):
                    async for message in messages:
                        await self._write(context.write, message)

    async def GetPageImage(  # noqa: N802  named by the contract
        self, request: reading_pb2.GetPageImageRequest, _context: Context
    ) -> reading_pb2.GetPageImageResponse:
        """What a page looks like."""
        picture = self._rules.picture(request)
        content, call = request.content, served_call().call
        with self._intake.memory(len(content.data), call):
            async with self._intake.content(content, call) as document:
                drawing = await draw_page(self._pipeline, document, origin_of(content), picture, call)
        if len(drawing.data) > _MOST_ANSWER_BYTES:
            raise _too_large("ask for a smaller image or another format")
        return reading_pb2.GetPageImageResponse(
            mime_type=_MIME_TYPES[picture.format],
            data=drawing.data,
            width=drawing.size.width,
            height=drawing.size.height,
            page_count=drawing.size.page_count,
        )

    async def _messages(
        self, document: SpooledDocument, origin: Origin, wanted: ReadRequest, call: Call
    ) -> AsyncGenerator[Message]:
        messages = ReadingMessages(document)
        async with aclosing(stream_reading(self._pipeline, document, origin, wanted, call)) as steps:
            async for step in steps:
                for message in messages.of(step):
                    yield message

    def _bounded(self, call: Call) -> Call:
        """Streams may last as long as a bulk stream does; this one is about a single document."""
        return replace(call, deadline=min(call.deadline, time.monotonic() + self._limits.max_call_s))

    async def _write(self, write: Callable[[Message], Awaitable[None]], message: Message) -> None:
        idle_s = self._limits.chunk_idle_s
        try:
            async with asyncio.timeout(idle_s):
                await write(message)
        except TimeoutError as error:
            raise DeadlineExceeded(f"no page was taken for {idle_s:g} s") from error


def _too_large(advice: str) -> ReadingLimitExceeded:
    return ReadingLimitExceeded(f"the answer does not fit one message: {advice}", {"limit": "message"})
