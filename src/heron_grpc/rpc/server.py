"""The gRPC server: its options, its services, its start and its drain."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_channelz.v1 import channelz_pb2_grpc
from grpc_channelz.v1._async import ChannelzServicer
from grpc_health.v1 import health, health_pb2_grpc

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.rpc.access import method_paths, require_access_rules, require_loopback
from heron_grpc.rpc.guard import Door, Guard
from heron_grpc.rpc.methods import Methods
from heron_grpc.rpc.reflection import add_reflection
from heron_grpc.settings import KIB, MIB, FrontSettings
from heron_grpc.telemetry.health import HealthReporter
from heron_grpc.telemetry.logging import get_logger
from heron_grpc.telemetry.metrics import Metrics

_HEALTH = "grpc.health.v1.Health"

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServedService:
    """A service by its full name, how it is added to a server, and whether it works without reader and model."""

    name: str
    # Called with what stands for the server, Methods.
    add: Callable[[Any], None]
    always_serving: bool = False
    # By the path of a method: who is asked, before its request is read, whether it can be answered in time.
    doors: Mapping[str, Door] = field(default_factory=dict)
    # Called when the drain begins: what would hold it ends itself.
    drain: Callable[[], None] = lambda: None


class FrontServer:
    """Listens, answers, follows readiness, drains."""

    def __init__(
        self, settings: FrontSettings, services: Sequence[ServedService], ready: Callable[[], bool], metrics: Metrics
    ) -> None:
        """Raises ConfigurationError for a method without an access rule and for an address others could reach."""
        require_access_rules(service.name for service in services)
        require_loopback(settings.address)
        metrics.know_methods(method_paths(service.name for service in services))
        self._settings = settings
        self._services = services
        self._guard = Guard(
            settings, metrics, {path: door for service in services for path, door in service.doors.items()}
        )
        self._server = grpc.aio.server(options=channel_options(settings))
        methods = Methods(self._guard.around)
        self._server.add_generic_rpc_handlers((methods,))
        for service in services:
            service.add(methods)
        self._health = HealthReporter(
            [service.name for service in services if not service.always_serving],
            [_HEALTH, *(service.name for service in services if service.always_serving)],
            ready,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, methods)
        if settings.channelz:
            channelz_pb2_grpc.add_ChannelzServicer_to_server(ChannelzServicer(), methods)
        if settings.reflection:
            add_reflection(methods, (*(service.name for service in services), health.SERVICE_NAME))
        self.address = settings.address

    @property
    def serving(self) -> bool:
        """Whether health says SERVING."""
        return self._health.serving

    def bind(self) -> None:
        """Takes the address. Raises ConfigurationError when somebody else has it."""
        try:
            port = self._server.add_insecure_port(self._settings.address)
        except RuntimeError as error:
            raise ConfigurationError(f"cannot listen on {self._settings.address}: is it in use?") from error
        if not self._settings.address.startswith("unix"):
            self.address = f"{self._settings.address.rpartition(':')[0]}:{port}"

    async def start(self) -> None:
        """Begins to answer on the address bound before."""
        await self._health.start()
        await self._server.start()
        _log.info("front_listening", address=self.address)

    async def drain(self) -> None:
        """Says NOT_SERVING, lets balancers notice, refuses new calls, waits for those in flight, ends the rest."""
        _log.info("drain_started", in_flight=self._guard.in_flight)
        await self._health.shut_down()
        await asyncio.sleep(self._settings.drain_notice_s)
        for service in self._services:
            service.drain()
        stopping = asyncio.create_task(self._server.stop(self._settings.drain_s))
        # Streams that watch health would hold the stop until its grace ends: only guarded calls are waited for.
        idle = asyncio.create_task(self._guard.idle.wait())
        await asyncio.wait([stopping, idle], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        _log.info("drain_finished", abandoned=self._guard.in_flight)
        await self._server.stop(0)
        await stopping


def channel_options(settings: FrontSettings) -> list[tuple[str, int]]:
    """What the server asks of gRPC and HTTP/2."""
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_metadata_size", 16 * KIB),
        ("grpc.absolute_max_metadata_size", 32 * KIB),
        # Beyond it gRPC resets streams without a word; the door refuses before, with one.
        ("grpc.max_concurrent_streams", 1024),
        # Without these two flow control holds up to 69 MB a slow upload in memory; with them 3 to 6 MB.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 1 * MIB),
        # A second server on the same port must fail, not share.
        ("grpc.so_reuseport", 0),
        # Calls not taken up yet: gRPC's own 1000 to 3000 would take longer than most deadlines, and what is taken up
        # then is late already. Beyond these gRPC itself resets them, at a small part of what a call costs.
        ("grpc.server.max_pending_requests", 256),
        ("grpc.server.max_pending_requests_hard_limit", 512),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_connection_idle_ms", int(settings.connection_idle_s * 1000)),
        ("grpc.max_connection_age_ms", 30 * 60 * 1000),
        ("grpc.max_connection_age_grace_ms", int(max(settings.max_call_s, settings.max_bulk_s) * 1000)),
        # A connection that says nothing after the TCP handshake.
        ("grpc.server_handshake_timeout_ms", int(settings.handshake_s * 1000)),
        # Until a client has acknowledged them, gRPC holds it to none of the limits on metadata that stand above.
        ("grpc.http2.settings_timeout", int(settings.handshake_s * 1000)),
        # A peer that has gone without a word.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Clients may keep their connections alive themselves, every 10 s at most.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.enable_channelz", int(settings.channelz)),
    ]
