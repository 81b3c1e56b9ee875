"""Reading with the asyncio client: the pages of a document as they arrive."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import ExitStack, aclosing
from types import TracebackType
from typing import Any, Self

from heron.aio_streams import in_thread, stream
from heron.errors import HeronServiceError
from heron.gathering import Gathering
from heron.messages import ReadOptions, read_requests
from heron.reading_assembly import Page, Reading


class AsyncPageStream(AsyncIterator[Page]):
    """As PageStream."""

    def __init__(self, method: Callable[[], Any], gathering: Gathering, options: ReadOptions | None) -> None:
        self._gathering = gathering
        self._pages = _pages(method, gathering, options)

    @property
    def reading(self) -> Reading:
        """All but the pages, as far as it has arrived: media type, tables, warnings; `stats` come last."""
        return self._gathering.reading

    async def __anext__(self) -> Page:
        return self._gathering.give(await anext(self._pages))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the call."""
        await self._pages.aclose()


async def read_whole(method: Callable[[], Any], gathering: Gathering, options: ReadOptions | None) -> Reading:
    """The reading with its pages."""
    pages: list[Page] = []
    async with aclosing(_pages(method, gathering, options, restarted=pages.clear)) as coming:
        async for page in coming:
            pages.append(page)  # noqa: PERF401  what was given before a restart must be in the list by then
    gathering.reading.pages.extend(pages)
    return gathering.reading


async def _pages(
    method: Callable[[], Any],
    gathering: Gathering,
    options: ReadOptions | None,
    restarted: Callable[[], None] = lambda: None,
) -> AsyncGenerator[Page]:
    """`restarted` is called when the pages begin again from the first."""
    while True:
        try:
            with ExitStack() as stack:
                content = await in_thread(lambda: stack.enter_context(gathering.source.opened()))
                gathering.begin(content.size_bytes)
                requests = read_requests(content, gathering.document, options, searchable_pdf=gathering.wants_pdf)
                async with aclosing(stream(method(), requests, gathering.asked, gathering.sent)) as messages:
                    async for message in messages:
                        page = gathering.add(message)
                        if page:
                            yield page
                gathering.end()
                return
        except HeronServiceError as error:
            wait_s = gathering.wait_s(error)
        restarted()
        await asyncio.sleep(wait_s)
