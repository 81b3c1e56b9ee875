"""Sends one process's part of a plan and tells what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import grpc

from benchmarks.load.arrivals import Step, moments
from benchmarks.load.plan import Closed, Open, Plan
from benchmarks.load.shapes import BulkStreams, Call
from benchmarks.load.tally import OK, Tally

# Without its own pool of connections every channel of a process would share one.
_CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the callers or arrivals is this process's: every `of`-th from `index`."""

    index: int = 0
    of: int = 1


async def connect(plan: Plan) -> list[grpc.aio.Channel]:
    """The plan's connections, up."""
    channels = [grpc.aio.insecure_channel(plan.address, options=_CHANNEL_OPTIONS) for _ in range(plan.channels)]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    return channels


async def drive(plan: Plan, share: Share, opens: float, channels: Sequence[grpc.aio.Channel]) -> list[Tally]:
    """Does the plan with its window opening at `opens` (time.monotonic); one tally a step, one for a closed loop."""
    bound = plan.shape.bind(channels)
    await _until(opens - plan.warm_s)
    if isinstance(plan.load, Open):
        if isinstance(bound, BulkStreams):
            raise TypeError("a bulk stream has a window of its own: closed loop only")
        return await _open_loop(plan, plan.load, share, opens, bound)
    window = _Window(opens, opens + plan.load.seconds)
    numbers = range(share.index, plan.load.callers, share.of)
    if isinstance(bound, BulkStreams):
        await asyncio.gather(*(bound.run(number, window.closes, plan.deadline_s, window.note) for number in numbers))
    else:
        await asyncio.gather(*(_caller(plan, plan.load, number, window, bound) for number in numbers))
    return [window.tally]


class _Window:
    """Counts what ends while it is open: in a steady loop as much runs into it as out of it."""

    def __init__(self, opens: float, closes: float) -> None:
        self.opens, self.closes = opens, closes
        self.tally = Tally(closes - opens)

    def note(self, code: str, began: float, ended: float) -> None:
        if self.opens <= ended < self.closes:
            self.tally.add(code, ended - began)


async def _caller(plan: Plan, load: Closed, number: int, window: _Window, call: Call) -> None:
    while (began := time.monotonic()) < window.closes:
        code = await code_of(call(number, plan.deadline_s))
        window.note(code, began, time.monotonic())
        number += load.callers


async def _open_loop(plan: Plan, load: Open, share: Share, opens: float, call: Call) -> list[Tally]:
    warm = Step(load.steps[0].per_s, plan.warm_s)
    tallies = [Tally(step.seconds) for step in (warm, *load.steps)]
    begins = opens - plan.warm_s
    # Numbered over all processes, so that each document is asked about in turn.
    schedule = [
        (tally, begins + at)
        for tally, step in zip(tallies, moments((warm, *load.steps), load.arrivals, load.seed), strict=True)
        for at in step
    ]

    async def one(number: int, tally: Tally, meant: float) -> None:
        sent = time.monotonic()
        tally.lags_s.append(max(0.0, sent - meant))
        code = await code_of(call(number, max(0.001, meant + plan.deadline_s - sent)))
        # The loop's timers are exact to a millisecond: a call may also be sent that much too early.
        tally.add(code, time.monotonic() - min(meant, sent))

    async with asyncio.TaskGroup() as calls:
        for number in range(share.index, len(schedule), share.of):
            tally, meant = schedule[number]
            await _until(meant)
            calls.create_task(one(number, tally, meant))
    return tallies[1:]


async def code_of(answer: Awaitable[object]) -> str:
    """Name of the gRPC code a call ends with."""
    try:
        await answer
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return OK


async def _until(moment: float) -> None:
    # Also when late: the calls made so far are sent while this one waits.
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
