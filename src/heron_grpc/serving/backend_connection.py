"""HTTP to the model backend, with every failure as one of ours."""

from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import ModelUnavailable, ProtocolError
from heron_grpc.serving import wire
from heron_grpc.serving.model_facts import ModelFacts, is_called
from heron_grpc.serving.worker_lanes import Lane, WorkerLanes
from heron_grpc.telemetry.trace_context import TRACEPARENT

# Health must follow within 2 s: half of that for asking, half for the time between two questions.
_HEALTH_TIMEOUT = aiohttp.ClientTimeout(total=1.0)


class BackendUnreachable(ModelUnavailable):
    """The backend got nothing of the call."""


class BackendLost(ModelUnavailable):
    """The connection broke while the backend worked on the call."""


class RequestRefused(ProtocolError):
    """The backend does not understand the request."""


class BackendConnection:
    """Calls the backend at `url()`, which may change between calls and is None while there is none."""

    def __init__(self, url: Callable[[], str | None], timeout_s: float) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._lanes = WorkerLanes()
        # Whose answers say nothing of where texts go.
        self._asking = Lane()
        # The newest that both know, as the backend last said.
        self._format = wire.FORMAT

    async def predict(self, items: Sequence[wire.Item]) -> list[Prediction | wire.ItemFailure]:
        """One result an item; the trace all items share, if they do, goes along as a header.

        Raises BackendUnreachable, BackendLost, ModelUnavailable when it takes too long, ProtocolError.
        """
        traces = {item.traceparent for item in items}
        trace = traces.pop() if len(traces) == 1 else ""
        headers = {"Content-Type": wire.MEDIA_TYPE, **({TRACEPARENT: trace} if trace else {})}
        lane = self._lanes.take()
        try:
            return await self._predict(lane, items, headers)
        finally:
            await self._lanes.give_back(lane)

    async def _predict(
        self, lane: Lane, items: Sequence[wire.Item], headers: dict[str, str]
    ) -> list[Prediction | wire.ItemFailure]:
        """Behind one address there may be backends of two releases: what one refuses is said again in the older way."""
        in_format = self._format
        try:
            content = await self._post(lane, wire.encode_request(items, in_format), headers)
        except RequestRefused:
            if in_format == wire.OLDER_FORMAT:
                raise
            content = await self._post(lane, wire.encode_request(items, wire.OLDER_FORMAT), headers)
        results = wire.decode_response(content, len(items))
        return [*map(_as_asked, items, results)]

    async def _post(self, lane: Lane, content: bytes, headers: dict[str, str]) -> bytes:
        return await self._call(lane, "POST", "/v1/predict", data=content, headers=headers)

    async def facts(self) -> ModelFacts:
        """Raises what `predict` raises, and ProtocolError when there is no format that both know."""
        facts = wire.decode_facts(await self._call(self._asking, "GET", "/v1/model", timeout=_HEALTH_TIMEOUT))
        known = {*wire.FORMATS} & {*facts.formats}
        if not known:
            raise ProtocolError("the model backend speaks no format this release knows")
        self._lanes.workers = facts.workers
        self._format = max(known)
        return facts

    async def check(self) -> None:
        """Returns when the backend says that it is ready; raises what `predict` raises."""
        await self._call(self._asking, "GET", "/readyz", timeout=_HEALTH_TIMEOUT)

    async def close(self) -> None:
        """Closes kept connections."""
        await self._lanes.close()
        await self._asking.close()

    async def _call(self, lane: Lane, method: str, path: str, **options: Any) -> bytes:
        """`options` are aiohttp's for a request."""
        url = self._url()
        if url is None:
            raise BackendUnreachable("the model backend is not running")
        try:
            async with lane.session.request(method, url + path, **{"timeout": self._timeout, **options}) as response:
                lane.worker = response.headers.get(wire.WORKER_HEADER, "")
                _require_success(response.status)
                return await _content(response)
        except aiohttp.ClientConnectorError as error:
            raise BackendUnreachable("the model backend cannot be reached") from error
        except TimeoutError as error:
            raise ModelUnavailable("the model backend did not answer in time") from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            raise BackendLost("the connection to the model backend broke") from error
        except aiohttp.ClientError as error:
            raise ProtocolError("the model backend does not speak HTTP") from error


def _require_success(status: int) -> None:
    if status == 503:
        raise BackendUnreachable("the model backend is not ready")
    if status == 400:
        raise RequestRefused("the model backend does not understand the request", metadata={"status": str(status)})
    if status != 200:
        raise ProtocolError("the model backend failed", metadata={"status": str(status)})


def _as_asked(item: wire.Item, result: Prediction | wire.ItemFailure) -> Prediction | wire.ItemFailure:
    """A backend that does not know what an item asked for answers with the one model it has."""
    if item.model and isinstance(result, Prediction) and not is_called(result.model_version, item.model):
        return wire.ItemFailure(wire.NO_SUCH_MODEL)
    return result


async def _content(response: aiohttp.ClientResponse) -> bytes:
    announced = response.content_length
    if announced is not None and announced <= wire.MAX_RESPONSE_BYTES:
        return await response.read()
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > wire.MAX_RESPONSE_BYTES:
            raise ProtocolError("the model backend's answer is too long")
    return bytes(content)
