"""`heron doctor --ready`: whether a service answers SERVING."""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from heron.client import channel_options
from heron_grpc.cli import exit_codes

_TIMEOUT_S = 5.0


def run(server: str) -> int:
    """0 when the service at `server` is SERVING, 4 when it is not or nobody answers."""
    with grpc.insecure_channel(server, options=channel_options(server)) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            print(f"heron: {server} does not answer: {error.code().name}", file=sys.stderr)
            return exit_codes.UNAVAILABLE
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    print(f"{server} {state}")
    return exit_codes.OK if state == "SERVING" else exit_codes.UNAVAILABLE
