"""HTTP to the model backend, with every failure as one of ours."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import ModelUnavailable, ProtocolError
from heron_grpc.serving import wire

# Below uvicorn's 5 s, so that no call goes out on a connection the backend is closing.
_KEEP_ALIVE_S = 4.0
# Health must follow within 2 s: half of that for asking, half for the time between two questions.
_HEALTH_TIMEOUT_S = 1.0


class BackendUnreachable(ModelUnavailable):
    """The backend got nothing of the call."""


class BackendLost(ModelUnavailable):
    """The connection broke while the backend worked on the call."""


class BackendConnection:
    """Calls the backend at `url()`, which may change between calls and is None while there is none."""

    def __init__(self, url: Callable[[], str | None], timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def predict(self, items: Sequence[wire.Item]) -> list[Prediction | wire.ItemFailure]:
        """One result an item.

        Raises BackendUnreachable, BackendLost, ModelUnavailable when it takes too long, ProtocolError.
        """
        content = wire.encode_request(items)
        async with self._call("POST", "/v1/predict", self._timeout_s, content) as response:
            return wire.decode_response(await _content(response), len(items))

    async def facts(self) -> wire.ModelFacts:
        """Raises what `predict` raises."""
        async with self._call("GET", "/v1/model", _HEALTH_TIMEOUT_S) as response:
            return wire.decode_facts(await _content(response))

    async def check(self) -> None:
        """Returns when the backend says that it is ready; raises what `predict` raises."""
        async with self._call("GET", "/readyz", _HEALTH_TIMEOUT_S):
            pass

    async def close(self) -> None:
        """Closes kept connections."""
        if self._session:
            await self._session.close()

    @asynccontextmanager
    async def _call(
        self, method: str, path: str, timeout_s: float, content: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = self._url()
        if url is None:
            raise BackendUnreachable("the model backend is not running")
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S)
            self._session = aiohttp.ClientSession(connector=connector)
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        headers = {"Content-Type": wire.MEDIA_TYPE}
        try:
            async with self._session.request(
                method, url + path, data=content, timeout=timeout, headers=headers
            ) as response:
                _require_success(response.status)
                yield response
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
    if status != 200:
        raise ProtocolError("the model backend failed", metadata={"status": str(status)})


async def _content(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > wire.MAX_RESPONSE_BYTES:
            raise ProtocolError("the model backend's answer is too long")
    return bytes(content)
