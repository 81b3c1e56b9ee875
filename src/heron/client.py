"""A client that picks the unary call for small documents and the stream for large ones."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import grpc

from heron.errors import HeronServiceError
from heron.v1 import (
    classification_pb2,
    classification_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
    taxonomy_pb2,
    taxonomy_pb2_grpc,
)

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_TAXONOMY = "taxonomies/default"
# Larger documents are streamed. The service takes 4 MiB inline; a stream holds less in memory on both sides.
INLINE_BYTES = 1024 * 1024
CHUNK_BYTES = 256 * 1024
DEFAULT_TIMEOUT_S = 300.0

# Every method here only asks, so a call that found no service is safe to repeat. Uploads cannot be replayed by gRPC.
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": "heron.v1.ClassificationService", "method": "Classify"},
                {"service": "heron.v1.TaxonomyService"},
                {"service": "heron.v1.ServerService"},
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

Answer = TypeVar("Answer")
Classification = classification_pb2.Classification
Options = classification_pb2.ClassifyOptions
Upload = classification_pb2.ClassifyUploadRequest


class HeronClient:
    """Blocking client. Methods raise HeronServiceError; file methods also OSError.

    >>> with HeronClient("127.0.0.1:50051") as client:
    ...     answer = client.classify_file("statement.pdf")
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(address, options=channel_options(address))
        self._classification = classification_pb2_grpc.ClassificationServiceStub(self._channel)
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
        self._channel.close()

    def classify_text(self, text: str, options: Options | None = None) -> Classification:
        """What kind of document has this text."""
        request = classification_pb2.ClassifyRequest(text=text, options=options)
        return self._call(self._classification.Classify, request).classification

    def classify_bytes(self, data: bytes, filename: str = "", options: Options | None = None) -> Classification:
        """What kind of document these bytes are."""
        return self.classify_file(BytesIO(data), filename, options)

    def classify_file(
        self, file: str | Path | BinaryIO, filename: str | None = None, options: Options | None = None
    ) -> Classification:
        """What kind of document a file, or an open binary stream, is; large ones never stand in memory whole."""
        if isinstance(file, str | Path):
            with Path(file).open("rb") as opened:
                return self.classify_file(opened, Path(file).name if filename is None else filename, options)
        head = file.read(INLINE_BYTES + 1)
        if len(head) <= INLINE_BYTES:
            return self._call(self._classification.Classify, _inline(head, filename or "", options)).classification
        messages = _upload(_chunks(head, file), filename or "", options)
        return self._call(self._classification.ClassifyUpload, messages).classification

    def get_taxonomy(self, name: str = DEFAULT_TAXONOMY) -> taxonomy_pb2.Taxonomy:
        """A taxonomy with all its categories."""
        return self._call(self._taxonomy.GetTaxonomy, taxonomy_pb2.GetTaxonomyRequest(name=name)).taxonomy

    def list_taxonomies(self) -> list[taxonomy_pb2.Taxonomy]:
        """All taxonomies, without their categories."""
        found: list[taxonomy_pb2.Taxonomy] = []
        request = taxonomy_pb2.ListTaxonomiesRequest()
        while True:
            response = self._call(self._taxonomy.ListTaxonomies, request)
            found += response.taxonomies
            if not response.next_page_token:
                return found
            request = taxonomy_pb2.ListTaxonomiesRequest(page_token=response.next_page_token)

    def get_server_info(self) -> server_pb2.GetServerInfoResponse:
        """Version, limits and formats."""
        return self._call(self._server.GetServerInfo, server_pb2.GetServerInfoRequest())

    def _call(self, method: Callable[..., Answer], request: object) -> Answer:
        try:
            return method(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise HeronServiceError(error) from error


def channel_options(address: str) -> list[tuple[str, str | int]]:
    """What a channel to the service at `address` asks of gRPC."""
    options: list[tuple[str, str | int]] = [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ]
    # gRPC would send even this machine's own addresses through a proxy that the environment names.
    local = address.startswith(("127.", "localhost", "[::1]", "unix:"))
    return [*options, ("grpc.enable_http_proxy", 0)] if local else options


def _encodable(filename: str) -> str:
    """File names may hold control characters and bytes that are no UTF-8, which the service refuses."""
    printable = "".join("?" if unicodedata.category(letter) == "Cc" else letter for letter in filename)
    return printable.encode(errors="replace").decode()


def _inline(data: bytes, filename: str, options: Options | None) -> classification_pb2.ClassifyRequest:
    content = classification_pb2.InlineContent(data=data, filename=_encodable(filename))
    return classification_pb2.ClassifyRequest(content=content, options=options)


def _upload(parts: Iterator[bytes], filename: str, options: Options | None) -> Iterator[Upload]:
    """The messages of one upload: start, chunks, and what was sent as the trailer."""
    header = classification_pb2.UploadHeader(filename=_encodable(filename))
    yield Upload(start=classification_pb2.ClassifyUploadStart(header=header, options=options))
    digest, size_bytes = hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        size_bytes += len(part)
        yield Upload(chunk=part)
    yield Upload(trailer=classification_pb2.UploadTrailer(sha256=digest.hexdigest(), size_bytes=size_bytes))


def _chunks(head: bytes, rest: BinaryIO) -> Iterator[bytes]:
    """`head`, then what `rest` still holds, in chunks."""
    for start in range(0, len(head), CHUNK_BYTES):
        yield head[start : start + CHUNK_BYTES]
    while chunk := rest.read(CHUNK_BYTES):
        yield chunk
