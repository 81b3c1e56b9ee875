"""The access rule every method carries, checked before the server starts; where authorization will ask."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from heron.v1 import options_pb2
from heron_grpc.domain.errors import ConfigurationError

_LAST_PORT = 65_535


def require_access_rules(services: Iterable[str]) -> None:
    """Raises ConfigurationError naming every served method without a rule, or with one that says nothing."""
    pool = descriptor_pool.Default()
    missing = [method.full_name for name in services for method in _without_rule(pool.FindServiceByName(name))]
    if missing:
        raise ConfigurationError(f"methods without an access rule: {', '.join(missing)}")


def require_loopback(address: str) -> None:
    """Raises ConfigurationError for an address others could reach: the service knows no credentials."""
    if address.startswith(("unix:", "unix-abstract:")):
        return
    host, _, port = address.rpartition(":")
    try:
        loopback = ip_address(host.strip("[]")).is_loopback and 0 <= int(port) <= _LAST_PORT
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigurationError(
            f"HERON_FRONT_ADDRESS is {address}: without credentials only loopback addresses by number, such as "
            "127.0.0.1:50051, are served"
        )


def method_paths(services: Iterable[str]) -> Iterator[str]:
    """The paths callers use for the services' methods, e.g. "/heron.v1.ServerService/GetServerInfo"."""
    pool = descriptor_pool.Default()
    for name in services:
        yield from (f"/{name}/{method.name}" for method in pool.FindServiceByName(name).methods)


def _without_rule(service: ServiceDescriptor) -> Iterator[MethodDescriptor]:
    for method in service.methods:
        rule = method.GetOptions().Extensions[options_pb2.access]
        if not rule.scopes and not rule.anonymous:
            yield method
