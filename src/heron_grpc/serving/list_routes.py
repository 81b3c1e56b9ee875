"""The front's routes into the backend, lists of texts as msgpack: a bare ASGI application around BentoML's."""

import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import ModelUnavailable, ProtocolError
from heron_grpc.serving import wire
from heron_grpc.serving.model_facts import ModelFacts
from heron_grpc.telemetry.logging import bind_request
from heron_grpc.telemetry.trace_context import TRACEPARENT, checked_traceparent, trace_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Backend(Protocol):
    """What answers."""

    @property
    def facts(self) -> ModelFacts:
        """Raises ModelUnavailable while no model is loaded."""

    async def predict(self, items: Sequence[wire.Item]) -> list[Prediction | wire.ItemFailure]:
        """One result an item. Raises ModelUnavailable."""


class ListRoutes:
    """Two routes of its own, all else is BentoML's.

    Routed and wrapped by BentoML and Starlette, a call took 0.6 ms of processor time more: as much as Naive Bayes.
    """

    def __init__(self, bentoml_app: Any, backend: Callable[[], Backend]) -> None:
        """`backend` is asked once the application has started up."""
        self.bentoml_app = bentoml_app
        self._backend = backend
        self._headers = [
            (b"content-type", wire.MEDIA_TYPE.encode()),
            (wire.WORKER_HEADER.encode(), str(os.getpid()).encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application (https://asgi.readthedocs.io)."""
        match scope["type"], scope.get("path"), scope.get("method"):
            case "http", "/v1/predict", "POST":
                _bind_trace(scope)
                status, content = await self._predict(receive)
            case "http", "/v1/model", "GET":
                status, content = self._model()
            case "http", "/v1/predict" | "/v1/model", _:
                status, content = 405, wire.encode_failure("METHOD_NOT_ALLOWED")
            case _:
                await self.bentoml_app(scope, receive, send)
                return
        headers = [*self._headers, (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _predict(self, receive: Receive) -> tuple[int, bytes]:
        content = await _body(receive)
        if content is None:
            return 413, wire.encode_failure("REQUEST_TOO_LARGE")
        backend = self._backend()
        try:
            request = wire.decode_request(content)
            results = await backend.predict(request.items)
            default = backend.facts.default
        except ProtocolError as error:
            return 400, wire.encode_failure(error.reason)
        except ModelUnavailable as error:
            return 503, wire.encode_failure(error.reason)
        return 200, wire.encode_response(results, default, request.format)

    def _model(self) -> tuple[int, bytes]:
        try:
            return 200, wire.encode_facts(self._backend().facts)
        except ModelUnavailable as error:
            return 503, wire.encode_failure(error.reason)


def _bind_trace(scope: Scope) -> None:
    """What is logged while the call lasts carries the trace it belongs to, if it does."""
    for name, value in scope["headers"]:
        if name == TRACEPARENT.encode() and (traceparent := checked_traceparent(value.decode("latin-1"))):
            bind_request(trace_id=trace_id(traceparent))


async def _body(receive: Receive) -> bytes | None:
    """None when it is too large; what arrived when the caller has gone."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > wire.MAX_REQUEST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)
