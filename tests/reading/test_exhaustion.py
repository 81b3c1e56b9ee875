"""When descriptors or processes run out, the pool says so, loses nothing, and recovers by itself."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import DeadlineExceeded, ReaderUnavailable
from heron_grpc.reading import forkserver
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings

MakePool = Callable[..., ReadingPool]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.01)


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Whatever opens something here fails with EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def limited(pid: int, limit: int, value: int) -> Iterator[None]:
    """Another process under a lower limit."""
    process = psutil.Process(pid)
    soft, hard = process.rlimit(limit)
    process.rlimit(limit, (value, hard))
    yield
    if process.is_running():
        process.rlimit(limit, (soft, hard))


async def ready_pid(pool: ReadingPool) -> int:
    await until(lambda: pool.ready and bool(pool._idle) and pool._idle[-1].is_ready())
    return pool._idle[-1].pid


@pytest.mark.parametrize("who", ["child", "fork server"])
async def test_children_that_cannot_be_replaced_are_replaced_later(
    make_pool: MakePool, note: ReadRequest, who: str
) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    server = pool._server._process
    assert server
    victim = psutil.Process(pid if who == "child" else server.pid)
    child = psutil.Process(pid)
    victim.kill()
    await until(lambda: not child.is_running())
    with no_descriptors():
        ready = [pool.ready, pool.ready]
        with pytest.raises(ReaderUnavailable):
            await pool.read(note)
    assert ready == [False, False]
    await until(lambda: pool.ready)
    assert (await pool.read(note)).reading.text


async def test_a_pool_that_cannot_start_says_so() -> None:
    pool = ReadingPool(ReadingSettings(children=1))
    with no_descriptors(), pytest.raises(ReaderUnavailable):
        pool.start()
    assert not pool.ready


async def test_a_child_is_asked_and_given_back_without_descriptors(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    with Path(note.path).open("rb") as spooled, no_descriptors():  # noqa: ASYNC230  small
        outcome = await pool.read(ReadRequest(f"/proc/{os.getpid()}/fd/{spooled.fileno()}"))
        with pytest.raises(ReaderUnavailable):
            await pool.read(note)
    assert outcome.reading.text
    assert not pool._busy
    assert await ready_pid(pool) == pid


async def test_a_child_without_descriptors_does_not_blame_the_document(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    with limited(await ready_pid(pool), resource.RLIMIT_NOFILE, 0), pytest.raises(ReaderUnavailable):
        await pool.read(note)
    assert (await pool.read(note)).reading.text


async def test_what_cannot_be_opened_is_not_corrupt(make_pool: MakePool, tmp_path: Path) -> None:
    with pytest.raises(ReaderUnavailable):
        await make_pool().read(ReadRequest(str(tmp_path)))


async def test_a_fork_server_without_descriptors_keeps_its_children(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool(children=2)
    await until(lambda: [child.is_ready() for child in pool._idle] == [True, True])
    server = pool._server._process
    assert server
    kept, lost = (child.pid for child in pool._idle)
    with limited(server.pid, resource.RLIMIT_NOFILE, 0):
        os.kill(lost, signal.SIGKILL)
        await until(lambda: not psutil.pid_exists(lost))
        for _ in range(3):
            assert (await pool.read(note)).reading.text
        assert psutil.pid_exists(kept)
        assert server.poll() is None
    await until(lambda: pool.ready and [child.is_ready() for child in pool._idle] == [True, True])


def test_a_fork_that_fails_closes_the_pipe_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError

    # A limit on processes does not bind a privileged user.
    monkeypatch.setattr(forkserver.os, "fork", fork)
    sender, orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours, theirs = socket.socketpair()
    with sender, orders, ours:
        with theirs:
            socket.send_fds(sender, [forkserver.ORDER.pack(forkserver.FORK, 1)], [theirs.fileno()])
        nursery = forkserver._Nursery(orders, ReadingSettings(children=1))
        assert nursery._obey()
        assert ours.recv(1) == b""


async def test_a_read_that_is_late_already_touches_no_child(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    for seconds in (0, -1):
        with pytest.raises(DeadlineExceeded):
            await pool.read(note, call=Call.within(seconds))
    assert await ready_pid(pool) == pid
