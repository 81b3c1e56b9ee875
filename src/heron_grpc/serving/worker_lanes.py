"""Connections to the model backend, spread over its workers, which share one port."""

import math
from collections import Counter

import aiohttp

# Below uvicorn's 5 s, so that no call goes out on a connection the backend is closing.
_KEEP_ALIVE_S = 4.0


class Lane:
    """One connection, opened when first used, for one call at a time."""

    def __init__(self) -> None:
        # Which worker answered here last; empty when unknown.
        self.worker = ""
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Opened in the event loop it is used in."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=1, keepalive_timeout=_KEEP_ALIVE_S)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session

    async def close(self) -> None:
        """Closes the connection."""
        if self._session:
            await self._session.close()


class WorkerLanes:
    """As many lanes as there are calls at once.

    Which worker a connection leads to is up to the kernel and stays so while it lasts: two that are kept may lead to
    the same worker for good, and the others idle. A lane beyond its worker's share is closed, for another draw.
    """

    def __init__(self) -> None:
        # How many processes share the port.
        self.workers = 1
        self._idle: list[Lane] = []
        self._busy: set[Lane] = set()

    def take(self) -> Lane:
        """The idle lane to the worker with the fewest calls, or a new one."""
        calls = Counter(lane.worker for lane in self._busy)
        lane = min(self._idle, key=lambda lane: calls[lane.worker], default=None)
        if lane:
            self._idle.remove(lane)
        else:
            lane = Lane()
        self._busy.add(lane)
        return lane

    async def give_back(self, lane: Lane) -> None:
        """After a call, answered or not."""
        self._busy.discard(lane)
        others = [*self._idle, *self._busy]
        share = math.ceil((len(others) + 1) / self.workers)
        if lane.worker and sum(other.worker == lane.worker for other in others) >= share:
            await lane.close()
        else:
            self._idle.append(lane)

    async def close(self) -> None:
        """Closes the connections of all lanes."""
        for lane in (*self._idle, *self._busy):
            await lane.close()
        self._idle.clear()
