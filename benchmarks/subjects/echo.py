"""A gRPC server with the service's messages and nothing behind them: the floor under every figure."""

import argparse
import hashlib
import sys
from collections.abc import AsyncIterator

import grpc
import uvloop

from heron.v1 import classification_pb2, classification_pb2_grpc
from heron_grpc.rpc.server import channel_options
from heron_grpc.settings import FrontSettings

Upload = classification_pb2.ClassifyUploadRequest


class Echo(classification_pb2_grpc.ClassificationServiceServicer):
    """Answers with a classification of the usual size, whatever arrives."""

    def __init__(self, answer: classification_pb2.Classification, *, hashes: bool) -> None:
        self._answer = answer
        self._hashes = hashes

    async def Classify(  # noqa: N802  named by the contract
        self, request: classification_pb2.ClassifyRequest, context: object
    ) -> classification_pb2.ClassifyResponse:
        del request, context
        return classification_pb2.ClassifyResponse(classification=self._answer)

    async def ClassifyUpload(  # noqa: N802  named by the contract
        self, request_iterator: AsyncIterator[Upload], context: object
    ) -> classification_pb2.ClassifyUploadResponse:
        """A sink: counts the bytes, and hashes them when told to, on the one thread it has."""
        del context
        size_bytes, digest = 0, hashlib.sha256()
        async for request in request_iterator:
            size_bytes += len(request.chunk)
            if self._hashes:
                digest.update(request.chunk)
        return classification_pb2.ClassifyUploadResponse(classification=self._answer)

    async def ClassifyBulk(  # noqa: N802  named by the contract
        self, request_iterator: AsyncIterator[classification_pb2.ClassifyBulkRequest], context: object
    ) -> AsyncIterator[classification_pb2.ClassifyBulkResponse]:
        """Grants what is asked for and answers each document at once."""
        del context
        async for request in request_iterator:
            if request.HasField("start"):
                grant = classification_pb2.ClassifyBulkGrant(max_in_flight=request.start.max_in_flight)
                yield classification_pb2.ClassifyBulkResponse(grant=grant)
            else:
                result = classification_pb2.ClassifyBulkResult(
                    item_id=request.item.item_id, classification=self._answer
                )
                yield classification_pb2.ClassifyBulkResponse(result=result)


async def serve(*, hashes: bool) -> None:
    """Reads the answer to give from stdin, says its address on stdout, serves until killed."""
    answer = classification_pb2.Classification.FromString(sys.stdin.buffer.read())
    server = grpc.aio.server(options=channel_options(FrontSettings()))
    classification_pb2_grpc.add_ClassificationServiceServicer_to_server(Echo(answer, hashes=hashes), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"ready on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def main() -> None:
    """Serves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hash", action="store_true", help="hash uploads")
    arguments = parser.parse_args()
    uvloop.run(serve(hashes=arguments.hash))


if __name__ == "__main__":
    main()
