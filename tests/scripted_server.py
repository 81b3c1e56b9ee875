"""A gRPC server of the contract that does what a test tells it: answers, falls silent, breaks off, ends early."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from heron.v1 import classification_pb2 as pb
from heron.v1 import (
    classification_pb2_grpc,
    reading_pb2,
    reading_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
    taxonomy_pb2,
    taxonomy_pb2_grpc,
)

Response = pb.ClassifyBulkResponse
# As the service: 4 MiB of a document and its envelope in one message.
_OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 5 * 1024 * 1024)]


@dataclass
class Received:
    """A document as it arrived: whole, or given up by its sender."""

    item_id: str
    filename: str = ""
    mime_type: str = ""
    data: bytes = b""
    chunks: int = 0
    cancelled: bool = False


@dataclass
class BulkStream:
    """One ClassifyBulk call, for scripts."""

    number: int
    requests: Iterator[pb.ClassifyBulkRequest]
    context: Any
    start: pb.ClassifyBulkStart = field(default_factory=pb.ClassifyBulkStart)
    unanswered: set[str] = field(default_factory=set)
    most_unanswered: int = 0

    def grant(self, window: int) -> Response:
        return Response(grant=pb.ClassifyBulkGrant(max_in_flight=window))

    def documents(self) -> Iterator[Received]:
        """Each when it is whole or given up; ends when the client half-closes."""
        coming = None
        for request in self.requests:
            match request.WhichOneof("payload"):
                case "item":
                    assert coming is None, "a document begins before the trailer of the one before"
                    coming = self._begun(request.item)
                    if request.item.WhichOneof("source") != "upload":
                        yield coming
                        coming = None
                case "chunk":
                    coming.data += request.chunk
                    coming.chunks += 1
                case "trailer":
                    assert request.trailer.sha256 == hashlib.sha256(coming.data).hexdigest()
                    assert request.trailer.size_bytes == len(coming.data)
                    yield coming
                    coming = None
                case "cancel":
                    if coming and coming.item_id == request.cancel.item_id:
                        coming = None
                    if request.cancel.item_id in self.unanswered:
                        yield Received(request.cancel.item_id, cancelled=True)
        assert coming is None, "the stream ended before the document's trailer"

    def answer(self, document: Received) -> Response:
        self.unanswered.discard(document.item_id)
        if document.cancelled:
            return self.refusal(document, grpc.StatusCode.CANCELLED, "CANCELLED")
        result = pb.ClassifyBulkResult(item_id=document.item_id, classification=classified(document.data))
        return Response(result=result)

    def refusal(
        self, document: Received, code: grpc.StatusCode, reason: str, retry_after_s: float | None = None
    ) -> Response:
        self.unanswered.discard(document.item_id)
        status = refused(code, reason, retry_after_s)
        return Response(result=pb.ClassifyBulkResult(item_id=document.item_id, error=status))

    def _begun(self, item: pb.ClassifyBulkItem) -> Received:
        assert item.item_id not in self.unanswered
        self.unanswered.add(item.item_id)
        self.most_unanswered = max(self.most_unanswered, len(self.unanswered))
        if item.WhichOneof("source") == "text":
            return Received(item.item_id, data=item.text.encode())
        content = item.content if item.WhichOneof("source") == "content" else item.upload
        return Received(item.item_id, content.filename, content.mime_type, getattr(content, "data", b""))


def answers_all(stream: BulkStream) -> Iterator[Response]:
    """What a service does on a good day."""
    yield stream.grant(4)
    for document in stream.documents():
        yield stream.answer(document)


def classified(data: bytes) -> pb.Classification:
    return pb.Classification(decision=pb.DECISION_ACCEPTED, sha256=hashlib.sha256(data).hexdigest())


def refused(code: grpc.StatusCode, reason: str, retry_after_s: float | None = None) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=f"{reason} it is")
    details = [error_details_pb2.ErrorInfo(reason=reason, domain="heron", metadata={"fact": "1"})]
    details.append(error_details_pb2.RequestInfo(request_id="of-the-server"))
    if reason == "INVALID_REQUEST":
        violation = error_details_pb2.BadRequest.FieldViolation(field="options.pages", description="no range")
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_s is not None:
        delay = Duration()
        delay.FromMilliseconds(round(retry_after_s * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def refuse(context: Any, code: grpc.StatusCode, reason: str, retry_after_s: float | None = None) -> None:
    """Ends a call as the service does."""
    trailing = [("grpc-status-details-bin", refused(code, reason, retry_after_s).SerializeToString())]
    if retry_after_s is not None:
        trailing.append(("grpc-retry-pushback-ms", str(round(retry_after_s * 1000))))
    context.set_trailing_metadata(tuple(trailing))
    context.abort(code, f"{reason} it is")


class ScriptedServer(
    classification_pb2_grpc.ClassificationServiceServicer,
    reading_pb2_grpc.ReadingServiceServicer,
    taxonomy_pb2_grpc.TaxonomyServiceServicer,
    server_pb2_grpc.ServerServiceServicer,
):
    """On a port of loopback; `bulk`, `upload` and `unary` say what happens to calls."""

    def __init__(self) -> None:
        self.bulk: Callable[[BulkStream], Iterator[Response]] = answers_all
        self.upload: Callable[[Iterator[pb.ClassifyUploadRequest], Any], pb.Classification] = take_upload
        self.unary: Callable[[Any, Any], pb.Classification] = lambda request, _: classified(
            request.text.encode() or request.content.data
        )
        self.reading: Callable[[Iterator[reading_pb2.ReadUploadRequest], Any], Iterator[Any]] = read_upload
        self.picture: Callable[[Any, Any], reading_pb2.GetPageImageResponse] = lambda request, _: pictured(request)
        # First messages of uploads to read.
        self.starts: list[reading_pb2.ReadUploadStart] = []
        self.streams: list[BulkStream] = []
        self.requests: list[Any] = []
        # Metadata of every call, in order.
        self.metadata: list[dict[str, Any]] = []
        self.port = 0
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None
        self.listen()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def listen(self) -> None:
        """Starts, or starts again on the same port."""
        self._server = grpc.server(ThreadPoolExecutor(16), options=_OPTIONS)
        classification_pb2_grpc.add_ClassificationServiceServicer_to_server(self, self._server)
        reading_pb2_grpc.add_ReadingServiceServicer_to_server(self, self._server)
        taxonomy_pb2_grpc.add_TaxonomyServiceServicer_to_server(self, self._server)
        server_pb2_grpc.add_ServerServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        """As killed: calls in flight are cut off."""
        self._server.stop(0).wait()

    def ClassifyBulk(self, request_iterator, context):  # noqa: N802  named by the contract
        self._note(context)
        with self._lock:
            stream = BulkStream(len(self.streams), request_iterator, context)
            self.streams.append(stream)
        first = next(request_iterator)
        assert first.WhichOneof("payload") == "start"
        stream.start.CopyFrom(first.start)
        yield from self.bulk(stream)

    def ClassifyUpload(self, request_iterator, context):  # noqa: N802  named by the contract
        self._note(context)
        return pb.ClassifyUploadResponse(classification=self.upload(request_iterator, context))

    def Classify(self, request, context):  # noqa: N802  named by the contract
        self._note(context)
        self.requests.append(request)
        return pb.ClassifyResponse(classification=self.unary(request, context))

    def ReadUpload(self, request_iterator, context):  # noqa: N802  named by the contract
        self._note(context)
        self.starts.append(next(request_iterator).start)
        yield from self.reading(request_iterator, context)

    def GetPageImage(self, request, context):  # noqa: N802  named by the contract
        self._note(context)
        return self.picture(request, context)

    def GetTaxonomy(self, request, context):  # noqa: N802  named by the contract
        self._note(context)
        return taxonomy_pb2.GetTaxonomyResponse(taxonomy=taxonomy_pb2.Taxonomy(name=request.name))

    def ListTaxonomies(self, request, context):  # noqa: N802  named by the contract
        self._note(context)
        names = {"": ("taxonomies/a", "next"), "next": ("taxonomies/b", "")}
        name, token = names[request.page_token]
        return taxonomy_pb2.ListTaxonomiesResponse(taxonomies=[taxonomy_pb2.Taxonomy(name=name)], next_page_token=token)

    def GetServerInfo(self, request, context):  # noqa: N802  named by the contract
        self._note(context)
        return server_pb2.GetServerInfoResponse(version="1.2.3")

    def _note(self, context: Any) -> None:
        self.metadata.append(dict(context.invocation_metadata()))


def take_document(requests: Iterator[Any]) -> bytes:
    """The bytes of an upload, held to its trailer."""
    data, trailer = b"", None
    for request in requests:
        assert trailer is None
        if request.WhichOneof("payload") == "trailer":
            trailer = request.trailer
        data += request.chunk
    assert trailer.sha256 == hashlib.sha256(data).hexdigest()
    return data


def read_upload(requests: Iterator[reading_pb2.ReadUploadRequest], _context: Any) -> Iterator[Any]:
    """Takes the document; gives it as a page for every 100,000 bytes."""
    yield from read_messages(take_document(requests))


def read_messages(data: bytes) -> Iterator[reading_pb2.ReadUploadResponse]:
    """As a service would answer, were these bytes text."""
    answer = reading_pb2.ReadUploadResponse
    yield answer(opening=reading_pb2.ReadingOpening(mime_type="text/plain", sha256=hashlib.sha256(data).hexdigest()))
    texts = [data[at : at + 100_000].decode() for at in range(0, len(data), 100_000)]
    yield answer(progress=reading_pb2.ReadingProgress(pages_total=len(texts)))
    for number, text in enumerate(texts, 1):
        half = len(text) // 2
        yield answer(page=reading_pb2.Page(number=number, text=text[:half], continued=True))
        yield answer(page=reading_pb2.Page(number=number, text=text[half:]))
    yield answer(end=reading_pb2.ReadingEnd(stats=reading_pb2.ReadingStats(pages=len(texts))))


def pictured(request: reading_pb2.GetPageImageRequest) -> reading_pb2.GetPageImageResponse:
    return reading_pb2.GetPageImageResponse(mime_type="image/png", data=request.content.data, width=request.page)


def take_upload(requests: Iterator[pb.ClassifyUploadRequest], context: Any) -> pb.Classification:
    """Takes an upload to its end and holds it to its header and trailer."""
    start = next(requests).start
    data, trailer = b"", None
    for request in requests:
        assert trailer is None
        if request.WhichOneof("payload") == "trailer":
            trailer = request.trailer
        data += request.chunk
    assert trailer.sha256 == hashlib.sha256(data).hexdigest()
    assert start.header.size_bytes in {0, len(data)}
    return classified(data)
