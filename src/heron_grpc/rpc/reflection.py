"""Server reflection, versions 1 and 1alpha."""

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from heron_grpc.rpc.methods import Methods

V1 = "grpc.reflection.v1.ServerReflection"


def add_reflection(methods: Methods, services: tuple[str, ...]) -> None:
    """Serves both versions; their messages are the same on the wire, so one servicer answers both.

    grpcio-reflection brings v1alpha alone.
    """
    names = (*services, reflection.SERVICE_NAME, V1)
    servicer = ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in (reflection.SERVICE_NAME, V1):
        methods.add_registered_method_handlers(name, {"ServerReflectionInfo": handler})
