"""A gRPC server with the service's messages and nothing behind them: the floor under every figure."""

import sys

import grpc
import uvloop

from heron.v1 import classification_pb2, classification_pb2_grpc
from heron_grpc.rpc.server import channel_options
from heron_grpc.settings import FrontSettings


class Echo(classification_pb2_grpc.ClassificationServiceServicer):
    """Answers with a classification of the usual size, whatever arrives."""

    def __init__(self, answer: classification_pb2.Classification) -> None:
        self._answer = answer

    async def Classify(self, request, context):  # noqa: ANN001, ANN201, ARG002, N802
        return classification_pb2.ClassifyResponse(classification=self._answer)

    async def ClassifyUpload(self, request_iterator, context):  # noqa: ANN001, ANN201, ARG002, N802
        async for _ in request_iterator:
            pass
        return classification_pb2.ClassifyUploadResponse(classification=self._answer)


async def serve() -> None:
    """Reads the answer to give from stdin, says its port on stdout, serves until killed."""
    answer = classification_pb2.Classification.FromString(sys.stdin.buffer.read())
    server = grpc.aio.server(options=channel_options(FrontSettings()))
    classification_pb2_grpc.add_ClassificationServiceServicer_to_server(Echo(answer), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve())
