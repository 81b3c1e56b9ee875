"""Classifies files on one stream with the generated code alone: python bulk.py ADDRESS FILE..."""

import hashlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.rpc import error_details_pb2, status_pb2

from heron.v1 import classification_pb2, classification_pb2_grpc

CHUNK_BYTES = 256 * 1024
IN_FLIGHT = 16

Request = classification_pb2.ClassifyBulkRequest


class Window:
    """Documents that may be sent now: none before the grant, one more for every answer."""

    def __init__(self) -> None:
        self._room = threading.Semaphore(0)
        self.closed = False

    def open(self, documents: int) -> None:
        """So many more documents may be sent."""
        self._room.release(documents)

    def wait(self) -> bool:
        """Waits for room; False when the stream is over."""
        self._room.acquire()
        return not self.closed


def messages(paths: list[Path], window: Window) -> Iterator[Request]:
    """Start, then for each file in its turn: item, chunks, trailer. gRPC asks for them in a thread of its own."""
    yield Request(start=classification_pb2.ClassifyBulkStart(max_in_flight=IN_FLIGHT))
    for number, path in enumerate(paths):
        if not window.wait():
            return
        yield from document(str(number), path)


def document(item_id: str, path: Path) -> Iterator[Request]:
    """One file; one that cannot be read to its end is given up, which harms no other."""
    header = classification_pb2.UploadHeader(filename=path.name)
    yield Request(item=classification_pb2.ClassifyBulkItem(item_id=item_id, upload=header))
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                yield Request(chunk=chunk)
    except OSError as error:
        print(f"{path.name}: {error.strerror}", file=sys.stderr)
        yield Request(cancel=classification_pb2.ClassifyBulkCancel(item_id=item_id))
    else:
        yield Request(trailer=classification_pb2.UploadTrailer(sha256=digest.hexdigest()))


def told(result: classification_pb2.ClassifyBulkResult) -> str:
    """A result in words."""
    if result.WhichOneof("result") == "classification":
        found = result.classification
        decision = classification_pb2.Decision.Name(found.decision)
        return f"{decision} {found.labels[0].category}" if found.labels else decision
    return f"{grpc_code(result.error)} {reason(result.error)}: {result.error.message}"


def grpc_code(status: status_pb2.Status) -> str:
    """The name of a status's code."""
    return next(code.name for code in grpc.StatusCode if code.value[0] == status.code)


def reason(status: status_pb2.Status) -> str:
    """The stable reason in a status's details, e.g. "DOCUMENT_CORRUPT"."""
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in status.details if detail.Unpack(info)), "")


def main() -> int:
    """Prints what the files are, as answers arrive; 1 when one was refused."""
    address, paths = sys.argv[1], [Path(name) for name in sys.argv[2:]]
    window, failed = Window(), 0
    with grpc.insecure_channel(address) as channel:
        stub = classification_pb2_grpc.ClassificationServiceStub(channel)
        try:
            for response in stub.ClassifyBulk(messages(paths, window), timeout=600):
                if response.WhichOneof("payload") == "grant":
                    window.open(response.grant.max_in_flight)
                else:
                    window.open(1)
                    failed += response.result.HasField("error")
                    print(f"{paths[int(response.result.item_id)].name}: {told(response.result)}")
        except grpc.RpcError as error:
            print(f"the stream ended with {error.code().name}: {error.details()}")
            return 1
        finally:
            window.closed = True
            window.open(1)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
