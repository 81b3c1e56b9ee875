"""More documents than children: callers in turn, nobody waits in vain, and what nobody wants is not read."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import DeadlineExceeded, Overloaded, ReadingLimitExceeded
from heron_grpc.domain.fair_queue import FairQueue
from heron_grpc.reading.expectation import Expectation
from heron_grpc.reading.kill_reasons import KILL_REASONS
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings
from stopped_children import is_gone, ready_pid, stuck, until

MINE, YOURS = Call(caller="mine"), Call(caller="yours")


@asynccontextmanager
async def new_pool(**settings: float) -> AsyncIterator[ReadingPool]:
    """One whose counters and expectations begin with the test."""
    pool = ReadingPool(ReadingSettings(**{"children": 1, **settings}))
    pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def test_expectation_follows_the_documents() -> None:
    expectation = Expectation()
    assert expectation.wait_s([3.0], 10) == 3.0
    expectation.learn(40.0)
    assert expectation.document_s == 40.0
    for _ in range(100):
        expectation.learn(0.01)
    assert expectation.document_s < 0.02


def test_expected_wait_counts_who_is_served_before_on_the_children_that_become_free() -> None:
    expectation = Expectation()
    expectation.learn(1.0)
    assert expectation.wait_s([0.5, 1.0], 0) == 0.5
    assert expectation.wait_s([0.5, 0.5], 10) == pytest.approx(5.5)
    assert expectation.wait_s([0.5, 100.0], 10) == pytest.approx(10.5)


def test_what_has_outlasted_the_mean_takes_about_as_long_again() -> None:
    expectation = Expectation()
    expectation.learn(1.0)
    assert expectation.rest_s(0.25) == 0.75
    assert expectation.rest_s(8.0) == 8.0


def test_callers_in_later_wait_for_the_others_and_keep_their_places() -> None:
    queue: FairQueue[str] = FairQueue()
    for entry in ("a1", "a2", "b1", "c1"):
        queue.add(entry, entry[0])
    assert [queue.take({"a"}), queue.take({"a"}), queue.take({"a"}), queue.take()] == ["b1", "c1", "a1", "a2"]
    with pytest.raises(KeyError):
        queue.take()


async def test_one_callers_documents_do_not_make_anothers_wait_for_them_all(note: ReadRequest) -> None:
    async with new_pool() as pool:
        working, pid = await stuck(pool, note, "mine")
        done: list[str] = []

        async def read(call: Call) -> None:
            await pool.read(note, call)
            done.append(call.caller)

        tasks = [asyncio.ensure_future(read(MINE)) for _ in range(20)]
        await until(lambda: pool.waiting == 20)
        tasks.append(asyncio.ensure_future(read(YOURS)))
        await until(lambda: pool.waiting == 21)
        os.kill(pid, signal.SIGCONT)
        await asyncio.gather(working, *tasks)
        assert done.index("yours") <= 1
        assert pool.documents == 22


async def test_one_caller_cannot_take_all_places(note: ReadRequest) -> None:
    async with new_pool(max_waiting=4) as pool:
        working, pid = await stuck(pool, note, "mine")
        tasks = [asyncio.ensure_future(pool.read(note, MINE)) for _ in range(2)]
        await until(lambda: pool.waiting == 2)
        with pytest.raises(Overloaded) as refused:
            await pool.read(note, MINE)
        assert refused.value.metadata == {"resource": "reading queue"}
        tasks.append(asyncio.ensure_future(pool.read(note, YOURS)))
        await until(lambda: pool.waiting == 3)
        os.kill(pid, signal.SIGCONT)
        await asyncio.gather(working, *tasks)


async def test_what_would_wait_in_vain_is_refused_at_once_until_children_are_quick_again(note: ReadRequest) -> None:
    async with new_pool() as pool:
        working, pid = await stuck(pool, note)
        pool._expectation.learn(50.0)
        assert pool.expected_wait_s("mine") > 40
        with pytest.raises(Overloaded) as refused:
            await pool.read(note, Call.within(5))
        assert refused.value.metadata == {"resource": "reading queue"}
        assert refused.value.retry_after_s > 20
        patient = asyncio.ensure_future(pool.read(note, Call.within(1000)))
        await until(lambda: pool.waiting == 1)
        os.kill(pid, signal.SIGCONT)
        await asyncio.gather(working, patient)
        # A child that is idle takes any document, and each quick one lowers what is expected.
        for _ in range(60):
            assert pool.expected_wait_s("mine") == 0
            await pool.read(note, Call.within(5))
        again, pid = await stuck(pool, note)
        admitted = asyncio.ensure_future(pool.read(note, Call.within(5)))
        await until(lambda: pool.waiting == 1)
        os.kill(pid, signal.SIGCONT)
        await asyncio.gather(again, admitted)


async def test_what_would_be_read_in_the_last_moment_is_refused_as_it_would_be_late_half_of_the_time(
    note: ReadRequest,
) -> None:
    async with new_pool() as pool:
        working, pid = await stuck(pool, note)
        # The one at work and this one: 100 s in all.
        pool._expectation.document_s = 50.0
        with pytest.raises(Overloaded) as refused:
            await pool.read(note, Call.within(110))
        assert refused.value.retry_after_s == pytest.approx(100 - 0.8 * 110, abs=2)
        patient = asyncio.ensure_future(pool.read(note, Call.within(140)))
        await until(lambda: pool.waiting == 1)
        os.kill(pid, signal.SIGCONT)
        await asyncio.gather(working, patient)


async def test_a_child_whose_caller_has_gone_may_end_what_is_nearly_done(
    monkeypatch: pytest.MonkeyPatch, note: ReadRequest
) -> None:
    monkeypatch.setattr("heron_grpc.reading.pool._SPARED_S", 60.0)
    async with new_pool() as pool:
        for _ in range(3):
            working, pid = await stuck(pool, note)
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
            assert pool.busy == 1
            os.kill(pid, signal.SIGCONT)
            await until(lambda: pool.busy == 0)
            assert await ready_pid(pool) == pid
        assert not pool.kills


async def test_a_child_whose_caller_has_gone_is_killed_when_much_is_left(note: ReadRequest) -> None:
    async with new_pool() as pool:
        pool._expectation.learn(10.0)
        working, pid = await stuck(pool, note)
        working.cancel()
        await until(lambda: is_gone(pid))
        assert pool.kills == {"cancelled": 1}
        late, pid = await stuck(pool, note, within_s=0.2)
        with pytest.raises(DeadlineExceeded):
            await late
        await until(lambda: is_gone(pid))
        assert pool.kills == {"cancelled": 1, "deadline": 1}


async def test_a_waiting_document_whose_caller_has_gone_never_gets_to_a_child(note: ReadRequest) -> None:
    async with new_pool() as pool:
        working, pid = await stuck(pool, note)
        waiting = [asyncio.ensure_future(pool.read(note)) for _ in range(5)]
        await until(lambda: pool.waiting == 5)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        os.kill(pid, signal.SIGCONT)
        await working
        assert (pool.waiting, pool.documents, pool.kills) == (0, 1, {})


async def test_a_child_that_stands_still_is_replaced_and_its_document_read(note: ReadRequest) -> None:
    async with new_pool(stall_s=0.3) as pool:
        working, pid = await stuck(pool, note)
        outcome = await working
        assert outcome.reading.text == "A short note about herons"
        assert is_gone(pid)
        assert pool.kills == {"stalled": 1}


async def test_a_child_at_work_does_not_stand_still(slow_pdf: Path) -> None:
    async with new_pool(stall_s=0.5, cpu_s=1.5) as pool:
        with pytest.raises(ReadingLimitExceeded) as refused:
            await pool.read(ReadRequest(str(slow_pdf)))
        assert refused.value.metadata == {"limit": "cpu"}
        assert pool.kills == {"cpu": 1}


async def test_a_slow_document_does_not_make_quick_ones_wait(note: ReadRequest) -> None:
    async with new_pool(relief_after_s=0.2) as pool:
        working, pid = await stuck(pool, note, "mine")
        others = [asyncio.ensure_future(pool.read(note, YOURS)) for _ in range(3)]
        await asyncio.gather(*others)
        assert not working.done()
        # The child that helped out is needed no longer: the next document waits for relief again.
        assert pool.busy == 1
        assert not pool._idle
        assert pool.kills == {"surplus": 1}
        os.kill(pid, signal.SIGCONT)
        await working
        assert await ready_pid(pool) == pid


async def test_a_caller_with_slow_documents_is_served_after_the_others(note: ReadRequest) -> None:
    async with new_pool(relief_after_s=0.2) as pool:
        working, pid = await stuck(pool, note, "mine")
        done: list[str] = []

        async def read(call: Call) -> None:
            await pool.read(note, call)
            done.append(call.caller)

        tasks = [asyncio.ensure_future(read(call)) for call in (MINE, MINE, YOURS, YOURS, YOURS)]
        await asyncio.gather(*tasks)
        assert done == ["yours"] * 3 + ["mine"] * 2
        os.kill(pid, signal.SIGCONT)
        await working


async def test_kills_are_counted_by_known_reasons(note: ReadRequest) -> None:
    async with new_pool(recycle_after=2) as pool:
        for _ in range(4):
            await pool.read(note)
        pid = await ready_pid(pool)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: is_gone(pid))
        assert pool.ready or await ready_pid(pool)
        assert pool.kills == {"recycled": 2, "crash": 1}
        assert pool.documents == 4
        assert set(pool.kills) <= set(KILL_REASONS)
