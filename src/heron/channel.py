"""The connection to the service: what it asks of gRPC."""

import json
from typing import Any

from heron.retry import RetryPolicy

DEFAULT_ADDRESS = "127.0.0.1:50051"

_MIB = 1024 * 1024
# gRPC repeats by itself only what it could keep: the largest message of a unary call, with its envelope.
_RETRY_BUFFER_BYTES = 5 * _MIB
_MAX_RECEIVE_BYTES = 64 * _MIB


def channel_options(address: str, retry: RetryPolicy | None = None) -> list[tuple[str, str | int]]:
    """What a channel to the service at `address` asks of gRPC."""
    options: list[tuple[str, str | int]] = [
        ("grpc.service_config", json.dumps(_service_config(retry or RetryPolicy()))),
        ("grpc.per_rpc_retry_buffer_size", _RETRY_BUFFER_BYTES),
        ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    ]
    # gRPC would send even this machine's own addresses through a proxy that the environment names.
    local = address.startswith(("127.", "localhost", "[::1]", "unix:"))
    return [*options, ("grpc.enable_http_proxy", 0)] if local else options


def _service_config(retry: RetryPolicy) -> dict[str, Any]:
    """Every unary method only asks, so gRPC may repeat it; streams it cannot replay, the client does that itself."""
    if retry.max_attempts == 1:
        return {}
    policy = {
        "maxAttempts": retry.max_attempts,
        "initialBackoff": f"{retry.initial_backoff_s:.3f}s",
        "maxBackoff": f"{retry.max_backoff_s:.3f}s",
        "backoffMultiplier": 2,
        # An overloaded service answers with `grpc-retry-pushback-ms`, which gRPC obeys instead of its own backoff.
        # CANCELLED by the service: a server that cannot even take a call up resets it.
        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
    }
    names = [
        {"service": "heron.v1.ClassificationService", "method": "Classify"},
        {"service": "heron.v1.ReadingService", "method": "ReadDocument"},
        {"service": "heron.v1.ReadingService", "method": "GetPageImage"},
        {"service": "heron.v1.TaxonomyService"},
        {"service": "heron.v1.ServerService"},
    ]
    return {"methodConfig": [{"name": names, "retryPolicy": policy}]}
