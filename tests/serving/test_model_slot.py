"""The slot a worker's model runs in: one call at a time, long ones beside the event loop, quick ones on it."""

import asyncio
import threading

import pytest

from heron_grpc.serving.model_slot import ModelSlot

# Enough for any first guess to be forgotten.
MANY = 200


async def test_the_first_call_and_long_ones_leave_the_event_loop_free() -> None:
    slot = ModelSlot()
    assert await slot.run(threading.get_ident, 1, 1) != threading.get_ident()
    learned = await _quick(slot)
    assert await learned.run(threading.get_ident, 10**6, 1) != threading.get_ident()
    assert await learned.run(threading.get_ident, 1, 10**9) != threading.get_ident()


async def test_what_will_be_quick_runs_at_once() -> None:
    slot = await _quick(ModelSlot())
    assert await slot.run(threading.get_ident, 1, 1) == threading.get_ident()


async def test_nothing_runs_beside_a_long_call() -> None:
    slot = await _quick(ModelSlot())
    go_on, inside = threading.Event(), threading.Event()

    def long() -> None:
        inside.set()
        go_on.wait(60)

    running = asyncio.create_task(slot.run(long, 10**6, 1))
    await asyncio.to_thread(inside.wait, 60)
    quick = asyncio.create_task(slot.run(go_on.is_set, 1, 1))
    await asyncio.sleep(0)
    assert not quick.done()
    go_on.set()
    assert await quick
    await running


async def test_a_call_cancelled_before_its_turn_never_runs() -> None:
    slot = ModelSlot()
    go_on = threading.Event()
    ran: list[str] = []
    first = asyncio.create_task(slot.run(lambda: go_on.wait(60), 1, 1))
    second = asyncio.create_task(slot.run(lambda: ran.append("second"), 1, 1))
    third = asyncio.create_task(slot.run(lambda: ran.append("third"), 1, 1))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    go_on.set()
    await asyncio.gather(first, third)
    assert ran == ["third"]


async def test_what_a_call_raises_arrives_and_leaves_the_slot_free() -> None:
    slot = ModelSlot()

    def fail() -> None:
        raise ValueError("no")

    for _ in range(MANY):
        with pytest.raises(ValueError, match="no"):
            await slot.run(fail, 1, 1)
    assert await slot.run(lambda: "next", 1, 1) == "next"


async def _quick(slot: ModelSlot) -> ModelSlot:
    """Having learned from many calls that took no time."""
    for _ in range(MANY):
        await slot.run(lambda: None, 1, 1)
    return slot
