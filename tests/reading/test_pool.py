"""The pool survives whatever a document or an operator does to a reading child."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import (
    CorruptDocument,
    DeadlineExceeded,
    Overloaded,
    ReaderUnavailable,
    ReadingLimitExceeded,
)
from heron_grpc.reading.pool import ReadingPool
from stopped_children import is_gone, ready_pid, stuck, until

MakePool = Callable[..., ReadingPool]


async def test_reads_and_says_how_long_it_took(make_pool: MakePool, text_pdf: Path) -> None:
    pool = make_pool()
    outcome = await pool.read(ReadRequest(str(text_pdf)))
    assert outcome.reading.text.startswith("INVOICE number 4711")
    assert outcome.reading.pages[0].words[0].box.x_min > 0
    assert outcome.queued_s >= 0
    assert outcome.read_s > 0
    assert pool.ready


async def test_many_documents_are_read_by_few_children(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool(children=2, recycle_after=7)
    outcomes = await asyncio.gather(*(pool.read(note) for _ in range(40)))
    assert {outcome.reading.text for outcome in outcomes} == {"A short note about herons"}
    assert len(pool._idle) == 2


async def test_document_errors_come_as_they_are(make_pool: MakePool, tmp_path: Path, note: ReadRequest) -> None:
    pool = make_pool()
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    with pytest.raises(CorruptDocument, match="damaged"):
        await pool.read(ReadRequest(str(tmp_path / "bad.pdf")))
    with pytest.raises(ReaderUnavailable):
        await pool.read(ReadRequest(str(tmp_path / "missing.pdf")))
    assert (await pool.read(note)).reading.text


async def test_large_readings_arrive_whole(make_pool: MakePool, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("line of text\n" * 200_000, encoding="utf-8")
    outcome = await make_pool().read(ReadRequest(str(path)))
    assert len(outcome.reading.text) == path.stat().st_size


async def test_reading_too_large_to_send_is_refused(make_pool: MakePool, tmp_path: Path, note: ReadRequest) -> None:
    pool = make_pool(result_mb=1)
    path = tmp_path / "long.txt"
    path.write_text("line of text\n" * 200_000, encoding="utf-8")
    with pytest.raises(ReadingLimitExceeded) as refused:
        await pool.read(ReadRequest(str(path)))
    assert refused.value.metadata == {"limit": "output"}
    assert (await pool.read(note)).reading.text


async def test_document_of_a_killed_child_is_read_by_another(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    task, pid = await stuck(pool, note)
    os.kill(pid, signal.SIGKILL)
    assert (await task).reading.text == "A short note about herons"
    assert await ready_pid(pool) != pid


async def test_document_that_ends_two_readers_is_refused(
    make_pool: MakePool, slow_pdf: Path, note: ReadRequest
) -> None:
    pool = make_pool()
    await ready_pid(pool)
    task = asyncio.ensure_future(pool.read(ReadRequest(str(slow_pdf))))
    killed: set[int] = set()
    while not task.done():
        pids = {child.pid for child in pool._busy} - killed - {0}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        killed |= pids
        await asyncio.sleep(0.01)
    with pytest.raises(ReadingLimitExceeded) as refused:
        await task
    assert refused.value.metadata == {"limit": "crash"}
    assert len(killed) == 2
    assert (await pool.read(note)).reading.text


async def test_idle_child_that_died_is_replaced(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: is_gone(pid))
    assert (await pool.read(note)).reading.text
    assert await ready_pid(pool) != pid


async def test_pool_is_ready_while_children_that_have_done_their_share_are_replaced(
    make_pool: MakePool, note: ReadRequest
) -> None:
    pool = make_pool(recycle_after=1)
    pid = await ready_pid(pool)
    await pool.read(note)
    assert pool._idle[0].pid == 0
    assert pool.ready
    assert await ready_pid(pool) != pid


async def test_fork_server_that_died_is_started_again(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    server = pool._server._process
    assert server
    server.kill()
    await until(lambda: is_gone(pid))
    await until(lambda: pool.ready)
    assert (await pool.read(note)).reading.text


async def test_fork_server_that_hangs_is_replaced_and_the_document_read(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    task, pid = await stuck(pool, note)
    server = pool._server._process
    assert server
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not pool.ready)
    assert pool._server._process is server
    assert not task.done()
    await until(lambda: pool.ready)
    assert is_gone(server.pid)
    assert (await task).reading.text == "A short note about herons"


async def test_fork_server_that_hangs_is_replaced_without_anyone_looking(
    make_pool: MakePool, note: ReadRequest
) -> None:
    pool = make_pool(children=2)
    await until(lambda: pool.ready and len([child for child in pool._idle if child.is_ready()]) == 2)
    server = pool._server._process
    assert server
    pids = [child.pid for child in pool._idle]
    os.kill(server.pid, signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: all(is_gone(pid) for pid in pids))
    outcomes = await asyncio.gather(*(pool.read(note) for _ in range(5)))
    assert {outcome.reading.text for outcome in outcomes} == {"A short note about herons"}
    assert is_gone(server.pid)


async def test_child_that_was_not_asked_in_time_is_kept_for_the_next(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    server = pool._server._process
    assert server
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: is_gone(pid))
    with pytest.raises(DeadlineExceeded):
        await pool.read(note, call=Call.within(0.05))
    (child,) = pool._idle
    os.kill(server.pid, signal.SIGCONT)
    assert (await pool.read(note)).reading.text
    assert child in pool._idle


async def test_hanging_child_meets_the_wall_limit(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool(wall_s=0.2)
    task, pid = await stuck(pool, note)
    with pytest.raises(ReadingLimitExceeded) as refused:
        await task
    assert refused.value.metadata == {"limit": "wall"}
    await until(lambda: is_gone(pid))
    assert (await pool.read(note)).reading.text


async def test_busy_child_meets_the_cpu_limit(make_pool: MakePool, slow_pdf: Path) -> None:
    with pytest.raises(ReadingLimitExceeded) as refused:
        await make_pool(cpu_s=0.3).read(ReadRequest(str(slow_pdf)))
    assert refused.value.metadata == {"limit": "cpu"}


async def test_greedy_child_meets_the_memory_limit(
    make_pool: MakePool, hostile_pdfs: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "greedy.pdf").write_bytes(hostile_pdfs["exponential_forms"])
    with pytest.raises(ReadingLimitExceeded) as refused:
        await make_pool(memory_mb=250).read(ReadRequest(str(tmp_path / "greedy.pdf")))
    assert refused.value.metadata == {"limit": "memory"}


async def test_queue_is_bounded_and_first_come_first_served(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool(max_waiting=4)
    working, pid = await stuck(pool, note)
    done: list[int] = []

    async def read(number: int) -> None:
        await pool.read(note)
        done.append(number)

    waiting = [asyncio.ensure_future(read(number)) for number in range(2)]
    await until(lambda: len(pool._waiting) == 2)
    with pytest.raises(Overloaded):
        await pool.read(note)
    os.kill(pid, signal.SIGCONT)
    await asyncio.gather(working, *waiting)
    assert done == [0, 1]


async def test_deadline_ends_the_child_at_work(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    task, pid = await stuck(pool, note, within_s=0.2)
    with pytest.raises(DeadlineExceeded):
        await task
    await until(lambda: is_gone(pid))
    assert (await pool.read(note)).reading.text


async def test_deadline_passes_in_the_queue_too(
    monkeypatch: pytest.MonkeyPatch, make_pool: MakePool, note: ReadRequest
) -> None:
    pool = make_pool()
    # Whatever is expected of the wait.
    monkeypatch.setattr(pool, "_require_time", lambda _: None)
    working, pid = await stuck(pool, note)
    with pytest.raises(DeadlineExceeded):
        await pool.read(note, call=Call.within(0.05))
    assert not pool._waiting
    os.kill(pid, signal.SIGCONT)
    await working


async def test_cancelled_read_leaves_the_queue(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    working, pid = await stuck(pool, note)
    waiting = asyncio.ensure_future(pool.read(note))
    await until(lambda: len(pool._waiting) == 1)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert not pool._waiting
    os.kill(pid, signal.SIGCONT)
    await working
    assert (await pool.read(note)).reading.text


async def test_cancelled_read_ends_its_child(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    working, pid = await stuck(pool, note)
    working.cancel()
    await asyncio.wait({working})
    await until(lambda: is_gone(pid))
    assert (await pool.read(note)).reading.text


async def test_children_ignore_the_signals_of_a_terminal(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    pid = await ready_pid(pool)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert (await pool.read(note)).reading.text
    assert await ready_pid(pool) == pid


async def test_close_ends_everything_and_tells_who_waits(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool(recycle_after=199)
    working, pid = await stuck(pool, note)
    waiting = asyncio.ensure_future(pool.read(note))
    await until(lambda: len(pool._waiting) == 1)
    server = pool._server._process
    assert server
    await pool.close()
    for task in (working, waiting):
        with pytest.raises(ReaderUnavailable):
            await task
    assert is_gone(pid)
    assert is_gone(server.pid)
    assert not pool.ready
    with pytest.raises(ReaderUnavailable):
        await pool.read(note)


async def test_pool_that_was_not_started_is_not_ready(note: ReadRequest) -> None:
    from heron_grpc.settings import ReadingSettings

    pool = ReadingPool(ReadingSettings())
    assert not pool.ready
    with pytest.raises(ReaderUnavailable):
        await pool.read(note)


PROGRAM = textwrap.dedent("""
    import asyncio, os, signal, sys
    import uvloop
    from heron_grpc.domain.document import ReadRequest
    from heron_grpc.reading.pool import ReadingPool
    from heron_grpc.settings import ReadingSettings

    print("main runs")

    async def main():
        pool = ReadingPool(ReadingSettings(children=2))
        pool.start()
        task = asyncio.ensure_future(pool.read(ReadRequest(sys.argv[1])))
        if sys.argv[2:] == ["die"]:
            while not all(child.pid for child in (*pool._idle, *pool._busy)):
                pool.ready
                await asyncio.sleep(0.01)
            print(pool._server._process.pid, *(child.pid for child in (*pool._idle, *pool._busy)), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        print((await task).reading.text)
        await pool.close()

    uvloop.run(main())
""")


@pytest.mark.parametrize("as_script", [True, False], ids=["script", "python -c"])
def test_works_from_any_main_without_running_it_again(tmp_path: Path, note: ReadRequest, *, as_script: bool) -> None:
    script = tmp_path / "program"
    script.write_text(PROGRAM, encoding="utf-8")
    start = [str(script)] if as_script else ["-c", PROGRAM]
    done = subprocess.run(
        [sys.executable, *start, note.path], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == ["main runs", "A short note about herons"]
    assert "Traceback" not in done.stderr


def test_children_die_with_a_killed_parent_even_at_work(slow_pdf: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(slow_pdf), "die"], capture_output=True, text=True, timeout=60, check=False
    )
    assert dead.returncode == -signal.SIGKILL
    pids = [int(word) for word in dead.stdout.splitlines()[1].split()]
    assert len(pids) == 3
    asyncio.run(until(lambda: all(is_gone(pid) for pid in pids)))
