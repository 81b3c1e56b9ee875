"""The circuit breaker on its own: who gets through when it has been open long enough."""

import asyncio

import pytest

from backends import until
from heron_grpc.domain.errors import ProtocolError
from heron_grpc.serving.breaker import Breaker, BreakerOpen


class Calls:
    """Calls through a breaker that end when told to."""

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = breaker
        self.ends: list[asyncio.Future[None]] = []

    async def call(self) -> None:
        async with self.breaker:
            end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.ends.append(end)
            await end

    async def begin(self) -> asyncio.Task[None]:
        task = asyncio.create_task(self.call())
        await asyncio.sleep(0)
        return task


@pytest.fixture
async def calls() -> Calls:
    """Through a breaker that has just been open for long enough."""
    breaker = Breaker(failures=1, open_s=0.01, ignored=(ValueError,))
    with pytest.raises(ProtocolError):
        async with breaker:
            raise ProtocolError("no")
    assert breaker.is_open
    await until(lambda: not breaker.is_open)
    return Calls(breaker)


async def test_one_probe_goes_out_and_the_others_are_refused_until_it_has_ended(calls: Calls) -> None:
    probe, *others = [await calls.begin() for _ in range(3)]
    assert len(calls.ends) == 1
    assert calls.breaker.is_open
    assert [type(other.exception()) for other in others] == [BreakerOpen] * 2
    calls.ends[0].set_result(None)
    await probe
    assert not calls.breaker.is_open
    several = [await calls.begin() for _ in range(2)]
    assert len(calls.ends) == 3
    for end in calls.ends[1:]:
        end.set_result(None)
    await asyncio.gather(*several)


async def test_a_probe_that_fails_opens_it_anew(calls: Calls) -> None:
    probe = await calls.begin()
    calls.ends[0].set_exception(ProtocolError("no"))
    with pytest.raises(ProtocolError):
        await probe
    assert calls.breaker.is_open
    with pytest.raises(BreakerOpen):
        await calls.call()


@pytest.mark.parametrize("error", [ValueError(), asyncio.CancelledError()])
async def test_a_probe_that_says_nothing_is_followed_by_another(calls: Calls, error: BaseException) -> None:
    probe = await calls.begin()
    if isinstance(error, asyncio.CancelledError):
        probe.cancel()
    else:
        calls.ends[0].set_exception(error)
    await asyncio.wait([probe])
    assert not calls.breaker.is_open
    second = await calls.begin()
    assert len(calls.ends) == 2
    with pytest.raises(BreakerOpen):
        await calls.call()
    calls.ends[1].set_result(None)
    await second


async def test_what_says_nothing_does_not_end_a_row_of_failures() -> None:
    breaker = Breaker(failures=2, open_s=1000, ignored=(ValueError,))
    for error in (ProtocolError("no"), ValueError(), ProtocolError("no")):
        with pytest.raises(type(error)):
            async with breaker:
                raise error
    assert breaker.is_open
