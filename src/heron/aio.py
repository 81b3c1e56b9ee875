"""The asyncio client: the same methods as the blocking one's."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, Unpack

import grpc

from heron.aio_bulk import AsyncBulk
from heron.aio_reading import AsyncPageStream, read_whole
from heron.aio_streams import in_thread, upload
from heron.calls import DEFAULT_TIMEOUT_S, CallOptions, LogicalCall, Metadata, logical_call
from heron.channel import DEFAULT_ADDRESS, channel_options
from heron.client import DEFAULT_TAXONOMY
from heron.documents import Document, Source, as_document
from heron.errors import HeronServiceError, local_error, service_error
from heron.gathering import Gathering
from heron.ledger import Ledger
from heron.messages import (
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


class AsyncHeronClient:
    """Asyncio client, for one event loop. Methods raise HeronServiceError; file methods also OSError.

    >>> async with AsyncHeronClient("127.0.0.1:50051") as client:
    ...     answer = await client.classify_file("statement.pdf", timeout_s=30)
    ...     async for result in client.classify_many(Path("inbox").glob("*.pdf")):
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
        self._address = address
        self._timeout_s = timeout_s
        self._credentials = credentials
        self._retry = retry or RetryPolicy()
        self._metadata = tuple(metadata)
        self._connected: _Stubs | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends calls in flight and the connection."""
        self._closed = True
        if self._connected:
            await self._connected.channel.close()

    async def classify_text(
        self, text: str, options: Options | None = None, **call: Unpack[CallOptions]
    ) -> Classification:
        """What kind of document has this text."""
        return await self._classify(Document.from_text(text), options, None, self._logical_call(call))

    async def classify_bytes(
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
        return await self._classify(document, options, progress, self._logical_call(call))

    async def classify_file(
        self,
        file: str | PathLike[str] | BinaryIO,
        filename: str | None = None,
        options: Options | None = None,
        progress: Callable[[UploadProgress], None] | None = None,
        password: str = "",
        **call: Unpack[CallOptions],
    ) -> Classification:
        """What kind of document a file, or an open binary stream, is; large ones never stand in memory whole.

        Files are read in threads. `progress` is called each time that more was sent. A document that can be
        read again, which is any but a stream that cannot seek, is sent again when the service is away or overloaded.
        """
        document = Document.from_file(file, filename, password=password)
        return await self._classify(document, options, progress, self._logical_call(call))

    def classify_many(
        self,
        documents: Iterable[Document | Path] | AsyncIterable[Document | Path],
        options: Options | None = None,
        *,
        ordered: bool = False,
        max_in_flight: int = 0,
        progress: Callable[[BulkProgress], None] | None = None,
        document_timeout_s: float | None = None,
        **call: Unpack[CallOptions],
    ) -> AsyncIterator[BulkResult]:
        """What kinds of documents these are, on one stream; as HeronClient.classify_many.

        `documents` is advanced by a task of its own, only as far as there is room; one that is not asynchronous holds
        the event loop while it makes the next document. Leaving the loop ends the call, at the latest when the iterator
        is closed (`contextlib.aclosing`) or collected.

        >>> async for result in client.classify_many([Document.from_file(path, key=path) for path in paths]):
        ...     print(result.key, result.error or result.classification.decision)
        """
        asked = logical_call(call, None, self._metadata)
        ledger = Ledger(asked, self._retry, document_timeout_s or self._timeout_s, ordered)

        def open_stream() -> object:
            return self._stubs().classification.ClassifyBulk(timeout=asked.left_s(), metadata=asked.metadata)

        return AsyncBulk(ledger, documents, bulk_start(options, max_in_flight), open_stream, progress).results()

    async def read(
        self,
        document: Document | Path,
        options: ReadOptions | None = None,
        progress: Callable[[ReadProgress], None] | None = None,
        pdf: BinaryIO | None = None,
        **call: Unpack[CallOptions],
    ) -> Reading:
        """What a document says; as HeronClient.read. `pdf` is written in the event loop."""
        gathering = Gathering(as_document(document), self._logical_call(call), self._retry, progress, pdf)
        return await read_whole(lambda: self._stubs().reading.ReadUpload, gathering, options)

    def read_pages(
        self,
        document: Document | Path,
        options: ReadOptions | None = None,
        progress: Callable[[ReadProgress], None] | None = None,
        **call: Unpack[CallOptions],
    ) -> AsyncPageStream:
        """The pages of a document as they are read; as HeronClient.read_pages.

        Leaving the loop ends the call, at the latest when the iterator is closed (`async with`) or collected.
        """
        gathering = Gathering(as_document(document), self._logical_call(call), self._retry, progress)
        return AsyncPageStream(lambda: self._stubs().reading.ReadUpload, gathering, options)

    async def page_image(
        self,
        document: Document | Path,
        page: int = 1,
        max_side: int = 0,
        image_format: str = "png",
        **call: Unpack[CallOptions],
    ) -> PageImage:
        """What a page of a small PDF or image looks like; as HeronClient.page_image."""
        asked = self._logical_call(call)
        request = page_image_request(page, max_side, image_format)
        await in_thread(lambda: fill_in(request, as_document(document)))
        found: PageImage = await self._call(self._stubs().reading.GetPageImage, request, asked)
        return found

    async def get_taxonomy(self, name: str = DEFAULT_TAXONOMY, **call: Unpack[CallOptions]) -> taxonomy_pb2.Taxonomy:
        """A taxonomy with all its categories."""
        request = taxonomy_pb2.GetTaxonomyRequest(name=name)
        answer = await self._call(self._stubs().taxonomy.GetTaxonomy, request, self._logical_call(call))
        found: taxonomy_pb2.Taxonomy = answer.taxonomy
        return found

    async def list_taxonomies(self, **call: Unpack[CallOptions]) -> list[taxonomy_pb2.Taxonomy]:
        """All taxonomies, without their categories."""
        asked = self._logical_call(call)
        found: list[taxonomy_pb2.Taxonomy] = []
        request = taxonomy_pb2.ListTaxonomiesRequest()
        while True:
            response = await self._call(self._stubs().taxonomy.ListTaxonomies, request, asked)
            found += response.taxonomies
            if not response.next_page_token:
                return found
            request = taxonomy_pb2.ListTaxonomiesRequest(page_token=response.next_page_token)

    async def get_server_info(self, **call: Unpack[CallOptions]) -> server_pb2.GetServerInfoResponse:
        """Version, limits and formats."""
        request = server_pb2.GetServerInfoRequest()
        answer: server_pb2.GetServerInfoResponse = await self._call(
            self._stubs().server.GetServerInfo, request, self._logical_call(call)
        )
        return answer

    def _stubs(self) -> "_Stubs":
        """Connected when first used: a channel belongs to the event loop that runs then."""
        if self._closed:
            raise local_error(grpc.StatusCode.CANCELLED, "the client is closed")
        if self._connected is None:
            self._connected = _Stubs(self._address, self._credentials, self._retry)
        return self._connected

    def _logical_call(self, options: CallOptions) -> LogicalCall:
        return logical_call(options, self._timeout_s, self._metadata)

    async def _call(self, method: Callable[..., Any], request: object, asked: LogicalCall) -> Any:
        try:
            return await method(request, timeout=asked.left_s(), metadata=asked.metadata)
        except grpc.aio.AioRpcError as error:
            raise service_error(error, asked.request_id) from error

    async def _classify(
        self,
        document: Document,
        options: Options | None,
        progress: Callable[[UploadProgress], None] | None,
        asked: LogicalCall,
    ) -> Classification:
        text = document.source
        if isinstance(text, str) and is_short(text):
            return await self._classify_small(text_request(text, options), asked)
        source = Source(document.source)
        attempts = 0
        while True:
            attempts += 1
            with ExitStack() as stack:
                content = await in_thread(lambda: stack.enter_context(source.opened()))
                report = reporter(content.size_bytes, progress)
                if content.is_small:
                    answer = await self._classify_small(content_request(content, document, options), asked)
                    report(len(content.head))
                    return answer
                try:
                    method = self._stubs().classification.ClassifyUpload
                    requests = upload_requests(content, document, options)
                    return await upload(method, requests, asked, report)
                except HeronServiceError as error:
                    # gRPC repeats unary calls by itself; uploads it cannot.
                    wait_s = self._retry.repeat_after_s(attempts, error) if source.can_be_read else None
                    if wait_s is None or not asked.has_time_for(wait_s):
                        raise
            await asyncio.sleep(wait_s)

    async def _classify_small(self, request: object, asked: LogicalCall) -> Classification:
        answer = await self._call(self._stubs().classification.Classify, request, asked)
        found: Classification = answer.classification
        return found


class _Stubs:
    """One connection and what can be asked on it."""

    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None, retry: RetryPolicy) -> None:
        options = channel_options(address, retry)
        self.channel = (
            grpc.aio.secure_channel(address, credentials, options)
            if credentials
            else grpc.aio.insecure_channel(address, options)
        )
        self.classification: Any = classification_pb2_grpc.ClassificationServiceStub(self.channel)
        self.reading: Any = reading_pb2_grpc.ReadingServiceStub(self.channel)
        self.taxonomy: Any = taxonomy_pb2_grpc.TaxonomyServiceStub(self.channel)
        self.server: Any = server_pb2_grpc.ServerServiceStub(self.channel)
