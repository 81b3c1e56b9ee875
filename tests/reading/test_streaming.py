"""Pages reach their taker one by one, whatever happens to the child on the way."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from heron_grpc.domain.document import Page, Part, ReadRequest
from heron_grpc.domain.errors import Cancelled, CorruptDocument
from heron_grpc.domain.steps import Step, gather
from heron_grpc.reading.pool import ReadingPool
from stopped_children import until

MakePool = Callable[..., ReadingPool]
PAGES = 400


@pytest.fixture
def pages(tmp_path: Path) -> ReadRequest:
    """Too many characters for the child to be done before they are taken."""
    path = tmp_path / "pages.txt"
    path.write_text(
        "\f".join(f"page {number}\n" + "a heron stands\n" * 500 for number in range(PAGES)), encoding="utf-8"
    )
    return ReadRequest(str(path), "pages.txt")


async def taken_into(steps: list[Step], stream: AsyncIterator[Step]) -> None:
    async for step in stream:
        steps.append(step)  # noqa: PERF401  those before an error are wanted too


async def test_steps_make_the_reading(make_pool: MakePool, pages: ReadRequest) -> None:
    pool = make_pool(children=1)
    steps = [step async for step in pool.stream(pages)]
    assert isinstance(steps[0], Part)
    assert gather(steps) == (await pool.read(pages)).reading
    assert len(gather(steps).pages) == PAGES


async def test_the_first_page_comes_before_the_last_is_read(make_pool: MakePool, pages: ReadRequest) -> None:
    pool = make_pool(children=1)
    async with aclosing(pool.stream(pages)) as steps:
        async for step in steps:
            if isinstance(step, Page):
                break
        assert pool.busy == 1
    assert (await pool.read(pages)).reading.pages
    assert pool.busy == 0


async def test_a_taker_that_stays_away_ends_the_reading(make_pool: MakePool, pages: ReadRequest) -> None:
    pool = make_pool(children=1, stall_s=0.2)
    stream = pool.stream(pages)
    assert await anext(stream)
    await until(lambda: not pool.busy)
    taken: list[Step] = []
    with pytest.raises(Cancelled, match="not taken"):
        await taken_into(taken, stream)
    assert len(taken) < PAGES
    assert pool.kills["cancelled"] == 1
    assert (await pool.read(pages)).reading.pages


async def test_a_killed_child_is_replaced_and_no_page_comes_twice(make_pool: MakePool, pages: ReadRequest) -> None:
    pool = make_pool(children=1)
    steps: list[Step] = []
    async for step in pool.stream(pages):
        steps.append(step)
        if len(steps) == 3:
            (child,) = pool._busy
            os.kill(child.pid, signal.SIGKILL)
    assert gather(steps) == (await pool.read(pages)).reading
    assert pool.kills["crash"] == 1


async def test_errors_come_after_the_pages_before_them(make_pool: MakePool, tmp_path: Path) -> None:
    path = tmp_path / "bad.pdf"
    path.write_bytes(b"%PDF-1.7 and nothing else")
    steps: list[Step] = []
    with pytest.raises(CorruptDocument):
        await taken_into(steps, make_pool().stream(ReadRequest(str(path))))
    assert [type(step) for step in steps] == [Part]
