"""Reading children that stand still for as long as a test likes."""

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable

import psutil

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import ReadRequest
from heron_grpc.reading.pool import ReadingPool, ReadOutcome


async def until(condition: Callable[[], bool]) -> None:
    """Looks again and again: processes tell nobody that they have ended."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.01)


async def ready_pid(pool: ReadingPool) -> int:
    """The process of the child that is asked next."""
    await until(lambda: pool.ready and bool(pool._idle) and pool._idle[-1].is_ready())
    return pool._idle[-1].pid


def is_gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def stuck(
    pool: ReadingPool, request: ReadRequest, caller: str = "", within_s: float = math.inf
) -> tuple[asyncio.Task[ReadOutcome], int]:
    """A read on a child that was stopped before it got the request, and the child's process."""
    pid = await ready_pid(pool)
    os.kill(pid, signal.SIGSTOP)
    documents = pool.documents
    call = Call(caller, time.monotonic() + within_s)
    task = asyncio.ensure_future(pool.read(request, call))
    await until(lambda: pool.documents > documents)
    return task, pid
