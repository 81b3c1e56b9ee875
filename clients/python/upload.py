"""Streams a file to Heron with the generated code alone: python upload.py FILE [ADDRESS]."""

import hashlib
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.rpc import error_details_pb2, status_pb2

from heron.v1 import classification_pb2, classification_pb2_grpc

CHUNK_BYTES = 256 * 1024


def messages(path: Path) -> Iterator[classification_pb2.ClassifyUploadRequest]:
    """Start, chunks, trailer."""
    header = classification_pb2.UploadHeader(filename=path.name, size_bytes=path.stat().st_size)
    yield classification_pb2.ClassifyUploadRequest(start=classification_pb2.ClassifyUploadStart(header=header))
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            yield classification_pb2.ClassifyUploadRequest(chunk=chunk)
    yield classification_pb2.ClassifyUploadRequest(trailer=classification_pb2.UploadTrailer(sha256=digest.hexdigest()))


def reason(error: grpc.RpcError) -> str:
    """The stable reason in the error's details, e.g. "DOCUMENT_CORRUPT"."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason
    return ""


def main() -> int:
    """Prints what the file is; 1 when it was refused."""
    path, address = Path(sys.argv[1]), (*sys.argv[2:], "127.0.0.1:50051")[0]
    request_id = uuid.uuid4().hex
    with grpc.insecure_channel(address) as channel:
        stub = classification_pb2_grpc.ClassificationServiceStub(channel)
        try:
            answer = stub.ClassifyUpload(messages(path), timeout=120, metadata=(("x-request-id", request_id),))
        except grpc.RpcError as error:
            print(f"{error.code().name} {reason(error)}: {error.details()} (request {request_id})")
            return 1
    found = answer.classification
    print(
        classification_pb2.Decision.Name(found.decision), *(f"{s.category} {s.probability:.3f}" for s in found.labels)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
