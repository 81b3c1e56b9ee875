"""Every method served, by its path, each with the guard around it: what services are added to."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc


class Methods(grpc.GenericRpcHandler):
    """Stands for the server when a service is added.

    The server itself knows this one handler alone: with methods registered one by one, grpc.aio waits anew for the next
    call of each of them at every call.
    """

    def __init__(self, around: Callable[[str, Any], Any]) -> None:
        """`around` makes the handler that is served of a method's path and handler."""
        self._around = around
        self._handlers: dict[str, Any] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a call; None for a method that does not exist."""
        return self._handlers.get(handler_call_details.method)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Called by generated code."""
        for name, handler in handlers.items():
            path = f"/{service}/{name}"
            self._handlers[path] = self._around(path, handler)

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """Called by generated code beside the other; it brings the same methods."""
