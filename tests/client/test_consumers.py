"""Callers of classify_many: slow ones, ones that leave, and where their documents come from."""

import asyncio
import contextlib
import gc
import threading

import grpc
import pytest

from heron import AsyncHeronClient, Document, HeronClient

WINDOW = 4


def endless(pulled: list[int]):
    for number in range(10**9):
        pulled.append(number)
        yield Document.from_text(f"document {number}", key=number)


def script_counting(stopped: threading.Event):
    """Answers all, and says when the client has gone."""

    def script(stream):
        stream.context.add_callback(stopped.set)
        yield stream.grant(WINDOW)
        for document in stream.documents():
            yield stream.answer(document)

    return script


def bulk_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("heron-bulk")]


@pytest.mark.parametrize("ordered", [False, True])
def test_no_more_than_the_window_is_ever_between_the_iterable_and_a_blocking_caller(server, ordered):
    pulled: list[int] = []
    with HeronClient(server.address) as client:
        for taken, _ in enumerate(client.classify_many(endless(pulled), ordered=ordered), 1):
            assert len(pulled) <= taken + WINDOW
            if taken == 50:
                break


@pytest.mark.parametrize("ordered", [False, True])
async def test_no_more_than_the_window_is_ever_between_the_iterable_and_an_asyncio_caller(server, ordered):
    pulled: list[int] = []
    taken = 0
    async with AsyncHeronClient(server.address) as client:
        async for _ in client.classify_many(endless(pulled), ordered=ordered):
            taken += 1
            assert len(pulled) <= taken + WINDOW
            if taken == 50:
                break


def test_a_blocking_caller_that_leaves_ends_the_call_and_its_threads(server):
    stopped = threading.Event()
    server.bulk = script_counting(stopped)
    pulled: list[int] = []
    with HeronClient(server.address) as client:
        for _ in client.classify_many(endless(pulled)):
            break
        assert stopped.wait(10)
        far = len(pulled)
        assert client.get_server_info().version == "1.2.3"
    assert not bulk_threads()
    assert len(pulled) == far <= 1 + WINDOW


def silent_after_the_first(stopped: threading.Event):
    """Answers one document, then neither reads nor writes nor ends by itself."""

    def script(stream):
        stream.context.add_callback(stopped.set)
        yield stream.grant(WINDOW)
        yield stream.answer(next(stream.documents()))
        assert stopped.wait(20)

    return script


def test_a_blocking_caller_that_leaves_does_not_wait_for_a_service_that_hangs(server):
    stopped = threading.Event()
    server.bulk = silent_after_the_first(stopped)
    with HeronClient(server.address) as client:
        for _ in client.classify_many(endless([])):
            break
        assert stopped.wait(10)
        assert not bulk_threads()


async def test_an_asyncio_caller_that_leaves_does_not_wait_for_a_service_that_hangs(server):
    stopped = threading.Event()
    server.bulk = silent_after_the_first(stopped)
    async with AsyncHeronClient(server.address) as client:
        async with contextlib.aclosing(client.classify_many(endless([]))) as results:
            async for _ in results:
                break
        assert await asyncio.to_thread(stopped.wait, 10)


async def test_an_asyncio_caller_that_leaves_ends_the_call_and_its_tasks(server):
    stopped = threading.Event()
    server.bulk = script_counting(stopped)
    pulled: list[int] = []
    async with AsyncHeronClient(server.address) as client:
        async with contextlib.aclosing(client.classify_many(endless(pulled))) as results:
            async for _ in results:
                break
        assert await asyncio.to_thread(stopped.wait, 10)
        far = len(pulled)
        assert (await client.get_server_info()).version == "1.2.3"
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("heron-bulk")]
    assert len(pulled) == far <= 1 + WINDOW


async def test_an_asyncio_caller_that_breaks_without_closing_ends_the_call_too(server):
    stopped = threading.Event()
    server.bulk = script_counting(stopped)
    async with AsyncHeronClient(server.address) as client:
        async for _ in client.classify_many(endless([])):
            break
        gc.collect()
        assert await asyncio.to_thread(stopped.wait, 10)


async def test_a_task_that_is_cancelled_while_it_waits_ends_the_call(server):
    stopped, asked = threading.Event(), threading.Event()

    def script(stream):
        stream.context.add_callback(stopped.set)
        yield stream.grant(WINDOW)
        for _ in stream.documents():
            asked.set()

    async def ask():
        return [result async for result in client.classify_many(endless([]))]

    server.bulk = script
    async with AsyncHeronClient(server.address) as client:
        task = asyncio.create_task(ask())
        assert await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(stopped.wait, 10)


def test_a_closed_client_ends_a_call_that_is_under_way(server):
    def script(stream):
        yield stream.grant(WINDOW)
        for count, document in enumerate(stream.documents()):
            if not count:
                yield stream.answer(document)

    server.bulk = script
    client = HeronClient(server.address)
    results = client.classify_many(endless([]))
    assert next(results).classification
    client.close()
    rest = []
    with pytest.raises(Exception, match="closed"):
        rest.extend(results)
    assert not bulk_threads()


def test_answers_come_while_a_slow_iterable_has_no_next_document(server):
    release = threading.Event()

    def slow():
        yield Document.from_text("the first", key=1)
        assert release.wait(10)
        yield Document.from_text("the second", key=2)

    with HeronClient(server.address) as client:
        results = client.classify_many(slow())
        assert next(results).key == 1
        release.set()
        assert [result.key for result in results] == [2]


async def test_documents_may_come_from_an_asynchronous_iterable(server):
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def documents():
        while (number := await queue.get()) < 3:
            yield Document.from_text(f"document {number}", key=number)

    seen = []
    queue.put_nowait(0)
    async with AsyncHeronClient(server.address) as client:
        async for result in client.classify_many(documents()):
            seen.append(result.key)
            queue.put_nowait(len(seen))
    assert seen == [0, 1, 2]


async def test_the_event_loop_is_free_while_a_document_is_read(server):
    reading, release = threading.Event(), threading.Event()

    class Slow:
        def seekable(self):
            return False

        def read(self, size=-1):
            reading.set()
            assert release.wait(10)
            release.clear()
            return b""

    async with AsyncHeronClient(server.address) as client:
        answer = asyncio.create_task(client.classify_file(Slow()))
        assert await asyncio.to_thread(reading.wait, 10)
        release.set()
        assert await answer


def test_a_stream_that_the_service_ends_while_idle_is_opened_again_when_needed(server):
    idle, ended = threading.Event(), threading.Event()

    def script(stream):
        yield stream.grant(WINDOW)
        for document in stream.documents():
            yield stream.answer(document)
            if not stream.number:
                assert idle.wait(10)
                ended.set()
                stream.context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no message arrived")

    def slow():
        yield Document.from_text("the first", key=1)
        assert ended.wait(10)
        yield Document.from_text("the second", key=2)

    server.bulk = script
    with HeronClient(server.address) as client:
        results = client.classify_many(slow())
        assert next(results).key == 1
        idle.set()
        assert [result.key for result in results] == [2]
    assert len(server.streams) == 2


def test_several_threads_may_share_a_client(server):
    with HeronClient(server.address) as client:
        found: dict[int, list] = {}

        def ask(number: int) -> None:
            documents = [Document.from_text(f"{number} {count}", key=count) for count in range(30)]
            found[number] = [result.key for result in client.classify_many(documents, ordered=True)]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: list(range(30)) for number in range(4)}
