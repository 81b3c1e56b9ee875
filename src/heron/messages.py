"""The messages that carry documents: one for a small document, a start, chunks and a trailer for a large one."""

import hashlib
import unicodedata
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import Any

import grpc

from heron.documents import Content, Document, Source
from heron.errors import local_error
from heron.v1 import classification_pb2, reading_pb2

Options = classification_pb2.ClassifyOptions
Classification = classification_pb2.Classification
ClassifyRequest = classification_pb2.ClassifyRequest
UploadRequest = classification_pb2.ClassifyUploadRequest
ReadOptions = reading_pb2.ReadOptions
ReadRequest = reading_pb2.ReadUploadRequest
PageImageRequest = reading_pb2.GetPageImageRequest
PageImage = reading_pb2.GetPageImageResponse
BulkRequest = classification_pb2.ClassifyBulkRequest
BulkItem = classification_pb2.ClassifyBulkItem

# Code points. Longer texts are sent as text files: the service refuses them as texts, and gRPC as messages.
MAX_TEXT_CHARS = 1_000_000
# What the service takes in one message.
MAX_INLINE_BYTES = 4 * 1024 * 1024
_TEXT_FILE = "text/plain"


def is_short(text: str) -> bool:
    """Whether a text fits into a message."""
    return len(text) <= MAX_TEXT_CHARS


def text_request(text: str, options: Options | None) -> ClassifyRequest:
    """A short text in one message."""
    return ClassifyRequest(text=_encodable(text), options=options)


def content_request(content: Content, document: Document, options: Options | None) -> ClassifyRequest:
    """A small document in one message."""
    return ClassifyRequest(content=_inline(content, document), options=options)


def upload_requests(content: Content, document: Document, options: Options | None) -> Iterator[UploadRequest]:
    """The messages of one upload: start, chunks, and what was sent as the trailer."""
    start = classification_pb2.ClassifyUploadStart(header=_header(content, document), options=options)
    yield from _upload(UploadRequest, start, content)


def read_requests(
    content: Content, document: Document, options: ReadOptions | None, *, searchable_pdf: bool
) -> Iterator[ReadRequest]:
    """The messages of one upload to read."""
    header = _header(content, document)
    start = reading_pb2.ReadUploadStart(header=header, options=options, searchable_pdf=searchable_pdf)
    yield from _upload(ReadRequest, start, content)


def page_image_request(page: int, max_side: int, image_format: str) -> PageImageRequest:
    """What is wanted; `fill_in` adds the document. Raises ValueError for a format nobody knows."""
    wanted = reading_pb2.ImageFormat.Value(f"IMAGE_FORMAT_{image_format.upper()}")
    return PageImageRequest(page=page, max_side=max_side, format=wanted)


def fill_in(request: PageImageRequest, document: Document) -> None:
    """Reads the document. Raises HeronServiceError when it does not fit a message, and what reading it raises."""
    with Source(document.source).opened() as content:
        request.content.CopyFrom(_inline(content, document))
        request.content.data = content.whole(MAX_INLINE_BYTES)
    if len(request.content.data) > MAX_INLINE_BYTES:
        message = f"the document is larger than {MAX_INLINE_BYTES} bytes, which is what one message may hold"
        raise local_error(grpc.StatusCode.INVALID_ARGUMENT, message)


def bulk_start(options: Options | None, max_in_flight: int) -> BulkRequest:
    """The first message of a bulk stream. Answers come as they are ready: the client itself puts them in order."""
    return BulkRequest(start=classification_pb2.ClassifyBulkStart(options=options, max_in_flight=max_in_flight))


def bulk_cancel(item_id: str) -> BulkRequest:
    """Gives up a document of a bulk stream."""
    return BulkRequest(cancel=classification_pb2.ClassifyBulkCancel(item_id=item_id))


class ItemMessages:
    """The messages of one document of a bulk stream, read from its source as they are asked for."""

    def __init__(self, item_id: str, document: Document, source: Source) -> None:
        self._item_id = item_id
        self._document = document
        self._source = source
        self._opened: AbstractContextManager[Content] | None = None
        self._messages = self._made()
        # Whether a message was given, and whether chunks or the trailer are still due.
        self.has_begun = False
        self.is_open = False
        self._new_bytes = 0

    @property
    def reads(self) -> bool:
        """Whether making the messages may block."""
        return not isinstance(self._document.source, str | bytes)

    def next(self) -> BulkRequest | None:
        """The next message, None after the last. Raises what reading the document raises."""
        message = next(self._messages, None)
        if message is not None:
            self.has_begun = True
        return message

    def new_bytes(self) -> int:
        """Of the document, in the messages given since the last time."""
        new, self._new_bytes = self._new_bytes, 0
        return new

    def close(self) -> None:
        """Leaves the document; a file is closed."""
        self._messages.close()

    def _made(self) -> Generator[BulkRequest, None, None]:
        document = self._document
        if isinstance(document.source, str) and is_short(document.source):
            text = _encodable(document.source)
            self._new_bytes = len(text)
            yield BulkRequest(item=BulkItem(item_id=self._item_id, text=text))
            return
        with self._source.opened() as content:
            if content.is_small:
                self._new_bytes = len(content.head)
                yield BulkRequest(item=BulkItem(item_id=self._item_id, content=_inline(content, document)))
                return
            self.is_open = True
            yield BulkRequest(item=BulkItem(item_id=self._item_id, upload=_header(content, document)))
            sent = _Sent()
            for chunk in content.chunks():
                sent.add(chunk)
                self._new_bytes = len(chunk)
                yield BulkRequest(chunk=chunk)
        self.is_open = False
        yield BulkRequest(trailer=sent.trailer())


def _upload(kind: Callable[..., Any], start: object, content: Content) -> Iterator[Any]:
    """`start`, chunks and trailer as messages of that kind."""
    yield kind(start=start)
    sent = _Sent()
    for chunk in content.chunks():
        sent.add(chunk)
        yield kind(chunk=chunk)
    yield kind(trailer=sent.trailer())


class _Sent:
    """What an upload's trailer says."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def add(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def trailer(self) -> classification_pb2.UploadTrailer:
        return classification_pb2.UploadTrailer(sha256=self._digest.hexdigest(), size_bytes=self.size_bytes)


def _inline(content: Content, document: Document) -> classification_pb2.InlineContent:
    return classification_pb2.InlineContent(
        data=content.head,
        filename=_printable(document.filename),
        mime_type=_mime_type(document),
        password=document.password,
    )


def _header(content: Content, document: Document) -> classification_pb2.UploadHeader:
    return classification_pb2.UploadHeader(
        filename=_printable(document.filename),
        mime_type=_mime_type(document),
        size_bytes=content.size_bytes,
        password=document.password,
    )


def _mime_type(document: Document) -> str:
    return _TEXT_FILE if isinstance(document.source, str) else ""


def _printable(filename: str) -> str:
    """File names may hold control characters and bytes that are no UTF-8, which the service refuses."""
    return _encodable("".join("?" if unicodedata.category(letter) == "Cc" else letter for letter in filename))


def _encodable(text: str) -> str:
    """Without the lone surrogates that no message can carry."""
    return text.encode(errors="replace").decode()
