"""Calls whose requests are on their way: as many as there is room for, those that take longest making room."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager


class Arriving:
    """Does not share by caller: who waits longest for its request is most likely never to send it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limits: OrderedDict[asyncio.Timeout, None] = OrderedDict()

    @contextmanager
    def within(self, limit: asyncio.Timeout, idle_s: float) -> Iterator[None]:
        """`limit` passes after `idle_s` seconds in the block, or once too many wait; afterwards it is as before."""
        now = asyncio.get_running_loop().time()
        if len(self._limits) >= self._most:
            longest, _ = self._limits.popitem(last=False)
            longest.reschedule(now)
        before = limit.when()
        limit.reschedule(now + idle_s if before is None else min(before, now + idle_s))
        self._limits[limit] = None
        try:
            yield
        finally:
            self._limits.pop(limit, None)
        limit.reschedule(before)
