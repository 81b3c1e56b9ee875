"""Reading with the blocking client: the pages of a document as they arrive."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Self

from heron.blocking_upload import stream
from heron.errors import HeronServiceError
from heron.gathering import Gathering
from heron.messages import ReadOptions, read_requests
from heron.reading_assembly import Page, Reading


class PageStream(Iterator[Page]):
    """Pages as they arrive; leaving it early ends the call, at the latest when it is closed or collected."""

    def __init__(self, method: Callable[[], Any], gathering: Gathering, options: ReadOptions | None) -> None:
        self._gathering = gathering
        self._pages = _pages(method, gathering, options)

    @property
    def reading(self) -> Reading:
        """All but the pages, as far as it has arrived: media type, tables, warnings; `stats` come last."""
        return self._gathering.reading

    def __next__(self) -> Page:
        return self._gathering.give(next(self._pages))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the call."""
        self._pages.close()


def read_whole(method: Callable[[], Any], gathering: Gathering, options: ReadOptions | None) -> Reading:
    """The reading with its pages."""
    pages: list[Page] = []
    with closing(_pages(method, gathering, options, restarted=pages.clear)) as coming:
        pages.extend(coming)
    gathering.reading.pages.extend(pages)
    return gathering.reading


def _pages(
    method: Callable[[], Any],
    gathering: Gathering,
    options: ReadOptions | None,
    restarted: Callable[[], None] = lambda: None,
) -> Generator[Page, None, None]:
    """`restarted` is called when the pages begin again from the first."""
    while True:
        try:
            with gathering.source.opened() as content:
                gathering.begin(content.size_bytes)
                requests = read_requests(content, gathering.document, options, searchable_pdf=gathering.wants_pdf)
                with closing(stream(method(), requests, gathering.asked, gathering.sent)) as messages:
                    for message in messages:
                        page = gathering.add(message)
                        if page:
                            yield page
                gathering.end()
                return
        except HeronServiceError as error:
            wait_s = gathering.wait_s(error)
        restarted()
        time.sleep(wait_s)
