"""The blocking client: picks the unary call for small documents, the upload for large ones, the stream for many."""

import time
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar, Unpack

import grpc

from heron.blocking_bulk import BlockingBulk
from heron.blocking_reading import PageStream, read_whole
from heron.blocking_upload import upload
from heron.calls import DEFAULT_TIMEOUT_S, CallOptions, LogicalCall, Metadata, logical_call
from heron.channel import DEFAULT_ADDRESS, channel_options
from heron.documents import Document, Source, as_document
from heron.errors import HeronServiceError, local_error, service_error
from heron.gathering import Gathering
from heron.ledger import Ledger
from heron.messages import (
    BulkRequest,
    Classification,
    Options,
    PageImage,
    ReadOptions,
    bulk_start,
    content_request,
    fill_in,
    is_short,
    page_image_request,
    text_request,
    upload_requests,
)
from heron.reading_assembly import Reading
from heron.results import BulkProgress, BulkResult, ReadProgress, UploadProgress, reporter
from heron.retry import RetryPolicy
from heron.v1 import (
    classification_pb2_grpc,
    reading_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
    taxonomy_pb2,
    taxonomy_pb2_grpc,
)

__all__ = ["DEFAULT_ADDRESS", "DEFAULT_TAXONOMY", "Classification", "HeronClient", "Options", "channel_options"]

DEFAULT_TAXONOMY = "taxonomies/default"

Answer = TypeVar("Answer")


class HeronClient:
    """Blocking client, safe to share between threads. Methods raise HeronServiceError; file methods also OSError.

    >>> with HeronClient("127.0.0.1:50051") as client:
    ...     answer = client.classify_file("statement.pdf", timeout_s=30)
    ...     for result in client.classify_many(Path("inbox").glob("*.pdf")):
    ...         print(result.document.filename, result.error or result.classification.labels[0].category)
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        retry: RetryPolicy | None = None,
        metadata: Metadata = (),
    ) -> None:
        """`timeout_s` holds for calls that name none; without `credentials` the connection is not encrypted."""
        self._timeout_s = timeout_s
        self._retry = retry or RetryPolicy()
        self._metadata = tuple(metadata)
        self._closed = False
        options = channel_options(address, self._retry)
        self._channel = (
            grpc.secure_channel(address, credentials, options)
            if credentials
            else grpc.insecure_channel(address, options)
        )
        self._classification = classification_pb2_grpc.ClassificationServiceStub(self._channel)
        self._reading = reading_pb2_grpc.ReadingServiceStub(self._channel)
        self._taxonomy = taxonomy_pb2_grpc.TaxonomyServiceStub(self._channel)
        self._server = server_pb2_grpc.ServerServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends calls in flight and the connection."""
        self._closed = True
        self._channel.close()

    def classify_text(self, text: str, options: Options | None = None, **call: Unpack[CallOptions]) -> Classification:
        """What kind of document has this text."""
        return self._classify(Document.from_text(text), options, None, self._logical_call(call))

    def classify_bytes(
        self,
        data: bytes,
        filename: str = "",
        options: Options | None = None,
        progress: Callable[[UploadProgress], None] | None = None,
        password: str = "",
        **call: Unpack[CallOptions],
    ) -> Classification:
        """What kind of document these bytes are; `password` opens an encrypted one."""
        document = Document.from_bytes(data, filename, password=password)
        return self._classify(document, options, progress, self._logical_call(call))

    def classify_file(
        self,
        file: str | PathLike[str] | BinaryIO,
        filename: str | None = None,
        options: Options | None = None,
        progress: Callable[[UploadProgress], None] | None = None,
        password: str = "",
        **call: Unpack[CallOptions],
    ) -> Classification:
        """What kind of document a file, or an open binary stream, is; large ones never stand in memory whole.

        `progress` is called each time that more was sent, for large ones in another thread. A document that can be read
        again, which is any but a stream that cannot seek, is sent again when the service is away or overloaded.
        """
        document = Document.from_file(file, filename, password=password)
        return self._classify(document, options, progress, self._logical_call(call))

    def classify_many(
        self,
        documents: Iterable[Document | Path],
        options: Options | None = None,
        *,
        ordered: bool = False,
        max_in_flight: int = 0,
        progress: Callable[[BulkProgress], None] | None = None,
        document_timeout_s: float | None = None,
        **call: Unpack[CallOptions],
    ) -> Iterator[BulkResult]:
        """What kinds of documents these are, on one stream: a result for each as it arrives, or in their order.

        A document that is refused, cannot be read, or has no answer `document_timeout_s` (the client's timeout by
        default) after its sending began has that error as its result, and spoils no other. At most as many documents as
        the service grants, or `max_in_flight` if that is fewer, are between `documents` and the caller: a slow caller
        slows the service down, and `documents` is advanced, in another thread, only as far as there is room. When the
        stream breaks, documents without an answer that can be read again are sent again.

        `timeout_s` limits the whole. `progress` is called in the caller's thread. Leaving the loop ends the call.
        Raises HeronServiceError when the service cannot be reached any more or refuses the options, after every
        document that was taken in has its result; what `documents` raises is raised likewise.

        >>> for result in client.classify_many([Document.from_file(path, key=path) for path in paths]):
        ...     print(result.key, result.error or result.classification.decision)
        """
        asked = logical_call(call, None, self._metadata)
        ledger = Ledger(asked, self._retry, document_timeout_s or self._timeout_s, ordered)

        def open_stream(requests: Iterator[BulkRequest]) -> object:
            try:
                return self._classification.ClassifyBulk(requests, timeout=asked.left_s(), metadata=asked.metadata)
            except ValueError as error:
                # What gRPC says about a closed channel.
                raise local_error(grpc.StatusCode.CANCELLED, "the client is closed", asked.request_id) from error

        bulk = BlockingBulk(ledger, documents, bulk_start(options, max_in_flight), open_stream, progress)
        return bulk.results()

    def read(
        self,
        document: Document | Path,
        options: ReadOptions | None = None,
        progress: Callable[[ReadProgress], None] | None = None,
        pdf: BinaryIO | None = None,
        **call: Unpack[CallOptions],
    ) -> Reading:
        """What a document says: text, words with places, tables, metadata, languages, warnings.

        `pdf` takes a searchable PDF, for a PDF or an image: what was recognised lies on its pages as invisible text.
        `progress` is called for what was sent, in another thread, and for every page. Repeated as `classify_file` is,
        unless bytes of the PDF were written before.

        >>> reading = client.read(Path("statement.pdf"), ReadOptions(pages="1-3"))
        >>> print(reading.pages[0].text, [word.box for word in reading.pages[0].words])
        """
        gathering = Gathering(as_document(document), self._logical_call(call), self._retry, progress, pdf)
        return read_whole(lambda: self._reading.ReadUpload, gathering, options)

    def read_pages(
        self,
        document: Document | Path,
        options: ReadOptions | None = None,
        progress: Callable[[ReadProgress], None] | None = None,
        **call: Unpack[CallOptions],
    ) -> PageStream:
        """The pages of a document as they are read; all else is in the `reading` of what this gives.

        As `read`; not repeated once a page was given. Leaving the loop ends the call.

        >>> pages = client.read_pages(Path("contract.pdf"))
        >>> for page in pages:
        ...     print(page.number, page.text)
        >>> print(pages.reading.warnings)
        """
        gathering = Gathering(as_document(document), self._logical_call(call), self._retry, progress)
        return PageStream(lambda: self._reading.ReadUpload, gathering, options)

    def page_image(
        self,
        document: Document | Path,
        page: int = 1,
        max_side: int = 0,
        image_format: str = "png",
        **call: Unpack[CallOptions],
    ) -> PageImage:
        """What a page of a small PDF or image (4 MiB) looks like, upright.

        `max_side` in pixels, 1600 by default; `image_format` is "png", "webp" or "jpeg".
        """
        asked = self._logical_call(call)
        request = page_image_request(page, max_side, image_format)
        fill_in(request, as_document(document))
        return self._call(self._reading.GetPageImage, request, asked)

    def get_taxonomy(self, name: str = DEFAULT_TAXONOMY, **call: Unpack[CallOptions]) -> taxonomy_pb2.Taxonomy:
        """A taxonomy with all its categories."""
        request = taxonomy_pb2.GetTaxonomyRequest(name=name)
        return self._call(self._taxonomy.GetTaxonomy, request, self._logical_call(call)).taxonomy

    def list_taxonomies(self, **call: Unpack[CallOptions]) -> list[taxonomy_pb2.Taxonomy]:
        """All taxonomies, without their categories."""
        asked = self._logical_call(call)
        found: list[taxonomy_pb2.Taxonomy] = []
        request = taxonomy_pb2.ListTaxonomiesRequest()
        while True:
            response = self._call(self._taxonomy.ListTaxonomies, request, asked)
            found += response.taxonomies
            if not response.next_page_token:
                return found
            request = taxonomy_pb2.ListTaxonomiesRequest(page_token=response.next_page_token)

    def get_server_info(self, **call: Unpack[CallOptions]) -> server_pb2.GetServerInfoResponse:
        """Version, limits and formats."""
        return self._call(self._server.GetServerInfo, server_pb2.GetServerInfoRequest(), self._logical_call(call))

    def _logical_call(self, options: CallOptions) -> LogicalCall:
        asked = logical_call(options, self._timeout_s, self._metadata)
        if self._closed:
            raise local_error(grpc.StatusCode.CANCELLED, "the client is closed", asked.request_id)
        return asked

    def _call(self, method: Callable[..., Answer], request: object, asked: LogicalCall) -> Answer:
        try:
            return method(request, timeout=asked.left_s(), metadata=asked.metadata)
        except grpc.RpcError as error:
            raise service_error(error, asked.request_id) from error

    def _classify(
        self,
        document: Document,
        options: Options | None,
        progress: Callable[[UploadProgress], None] | None,
        asked: LogicalCall,
    ) -> Classification:
        text = document.source
        if isinstance(text, str) and is_short(text):
            return self._call(self._classification.Classify, text_request(text, options), asked).classification
        source = Source(document.source)
        attempts = 0
        while True:
            attempts += 1
            with source.opened() as content:
                report = reporter(content.size_bytes, progress)
                if content.is_small:
                    request = content_request(content, document, options)
                    answer = self._call(self._classification.Classify, request, asked).classification
                    report(len(content.head))
                    return answer
                try:
                    requests = upload_requests(content, document, options)
                    return upload(self._classification.ClassifyUpload, requests, asked, report)
                except HeronServiceError as error:
                    # gRPC repeats unary calls by itself; uploads it cannot.
                    wait_s = self._retry.repeat_after_s(attempts, error) if source.can_be_read else None
                    if wait_s is None or not asked.has_time_for(wait_s):
                        raise
            time.sleep(wait_s)
