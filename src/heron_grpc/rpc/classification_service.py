"""ClassificationService: asking what documents are."""

from collections.abc import AsyncIterator

from heron.v1 import classification_pb2, classification_pb2_grpc
from heron_grpc.domain.call import Call
from heron_grpc.domain.errors import Unavailable
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.operations.process_document import Pipeline
from heron_grpc.rpc.answering import Answering
from heron_grpc.rpc.bulk import Bulk
from heron_grpc.rpc.calls import Context, served_call
from heron_grpc.rpc.intake import Intake
from heron_grpc.rpc.request_rules import RequestRules
from heron_grpc.rpc.upload import Upload
from heron_grpc.settings import FrontSettings


class ClassificationService(classification_pb2_grpc.ClassificationServiceServicer):
    """Validates, hands over to the operations, converts the answer."""

    def __init__(self, pipeline: Pipeline, intake: Intake, limits: FrontSettings) -> None:
        self._limits = limits
        self._rules = RequestRules(limits)
        self._intake = intake
        self._answering = Answering(pipeline, intake)
        self._streams = FairShare(limits.max_bulk_streams, "bulk streams")
        self._bulks: set[Bulk] = set()
        self._draining = False

    def require_time(self, call: Call) -> None:
        """Raises Overloaded when what is at work already would outlast the call's deadline."""
        self._answering.require_time(call)

    def drain(self) -> None:
        """Bulk streams take no more documents, answer those they have, and end; none begins any more."""
        self._draining = True
        for bulk in self._bulks:
            bulk.drain()

    async def Classify(  # noqa: N802  named by the contract
        self, request: classification_pb2.ClassifyRequest, _context: Context
    ) -> classification_pb2.ClassifyResponse:
        """One small document: its text, or its bytes inline."""
        options = self._rules.unary(request)
        call = served_call().call
        with self._answering.held(request, call):
            if request.WhichOneof("source") == "text":
                answer = await self._answering.text(request.text, options, call)
            else:
                answer = await self._answering.content(request.content, options, call)
        return classification_pb2.ClassifyResponse(classification=answer)

    async def ClassifyUpload(  # noqa: N802  named by the contract
        self, request_iterator: AsyncIterator[classification_pb2.ClassifyUploadRequest], _context: Context
    ) -> classification_pb2.ClassifyUploadResponse:
        """One document of any size: a header, chunks, optionally a trailer."""
        call = served_call().call
        with self._intake.upload(call):
            upload = Upload[classification_pb2.ClassifyUploadStart](request_iterator, self._limits)
            start = await upload.start()
            options = self._rules.upload(start)
            answer = await self._answering.upload(upload.chunks(), start.header, lambda: upload.trailer, options, call)
        return classification_pb2.ClassifyUploadResponse(classification=answer)

    async def ClassifyBulk(  # type: ignore[override]  # noqa: N802  named by the contract; it writes by itself
        self, request_iterator: AsyncIterator[classification_pb2.ClassifyBulkRequest], context: Context
    ) -> None:
        """Many documents on one stream, answered by item id."""
        served = served_call()
        if self._draining:
            raise Unavailable("the service is going away")
        with self._streams.held(served.call.caller):
            bulk = Bulk(self._answering, self._rules, self._limits, served)
            self._bulks.add(bulk)
            try:
                await bulk.run(request_iterator, context.write)
            finally:
                self._bulks.discard(bulk)
