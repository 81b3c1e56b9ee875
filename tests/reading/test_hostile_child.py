"""A child that a document has taken over can say what it likes: it is dropped, and nothing of it is believed."""

import asyncio
import json
import os
import socket
import threading

import pytest

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import ReadingLimitExceeded
from heron_grpc.reading import wire
from heron_grpc.reading.children import Child
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings

PART = b'{"small": [{"number": 0, "media_type": "text/plain"}]}'
PAGE = b'{"page": {"number": 1, "text": "heron"}}'
END = [b'{"whole": true}', b'{"end": true}']
HONEST = [PART, PAGE, *END]
NOTE = ReadRequest(os.devnull)


class TakenOver:
    """A fork server whose children answer what a test gives them, one list of frames a child, then honestly."""

    def __init__(self, *answers: list[bytes]) -> None:
        self._answers = list(answers)
        self.spawned = 0
        self.killed: list[int] = []
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        pass

    def spawn(self) -> Child:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.spawned += 1
        frames = self._answers.pop(0) if self._answers else HONEST
        self.threads.append(threading.Thread(target=_speak, args=(theirs, frames)))
        self.threads[-1].start()
        return Child(self.spawned, ours)

    def kill(self, child: Child) -> None:
        self.killed.append(child.number)

    def stop(self) -> None:
        pass


def _speak(pipe: socket.socket, frames: list[bytes]) -> None:
    with pipe:
        try:
            pipe.sendall(wire.HEADER.pack(os.getpid()))
            while header := pipe.recv(wire.HEADER.size):
                pipe.recv(*wire.HEADER.unpack(header))
                for frame in frames:
                    pipe.sendall(wire.HEADER.pack(len(frame)) + frame)
        except OSError:
            return


async def reading_pool(server: TakenOver, **settings: float) -> ReadingPool:
    # The children are threads of the process that runs the tests, whose size is not what is tested.
    size = {"recycle_mb": 1_000_000, "memory_mb": 1_000_000}
    pool = ReadingPool(ReadingSettings(children=1, **size, **settings))
    pool._server = server  # type: ignore[assignment]
    pool.start()
    return pool


async def close(pool: ReadingPool, server: TakenOver) -> None:
    await pool.close()
    for thread in server.threads:
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "frames",
    [
        [b'{"failure": {"kind": "SystemExit", "message": "m"}}'],
        [json.dumps({"failure": {"kind": "CorruptDocument", "message": "m" * 100_000}}).encode()],
        [json.dumps({"failure": {"kind": "CorruptDocument", "message": "m", "cause": "a secret text"}}).encode()],
        [PART, b'{"page": {"number": 1, "text": "heron", "width": NaN}}', *END],
        [PART, b'{"page": {"number": -1, "text": "heron"}}', *END],
        [
            PART,
            PAGE,
            b'{"words": [{"start": 0, "end": 9, "box": {"x_min": 0, "y_min": 0, "x_max": 1, "y_max": 1}}]}',
            *END,
        ],
        [b"x" * 300 * 1024],
        [b"\xff"],
        [b""],
        [b'{"end": true}'],
    ],
    ids=["kind", "message", "cause", "width", "number", "word", "frame", "bytes", "nothing", "no part"],
)
async def test_illegal_answers_cost_the_child_its_life(frames: list[bytes]) -> None:
    server = TakenOver(frames)
    pool = await reading_pool(server)
    with pytest.raises(ReadingLimitExceeded) as refused:
        await pool.read(NOTE)
    assert refused.value.metadata == {"limit": "crash"}
    assert server.killed == [1]
    assert (await pool.read(NOTE)).reading.text == "heron"
    assert server.killed == [1]
    await close(pool, server)


async def test_an_answer_that_never_ends_is_too_large() -> None:
    server = TakenOver([PART, PAGE, *[b'{"text": "%b"}' % (b"x" * 1000)] * 2000])
    pool = await reading_pool(server, result_mb=1)
    with pytest.raises(ReadingLimitExceeded) as refused:
        await pool.read(NOTE)
    assert refused.value.metadata == {"limit": "output"}
    assert server.killed == [1]
    await close(pool, server)


async def test_the_loop_turns_between_the_frames_of_an_answer() -> None:
    server = TakenOver([PART, PAGE, *[b'{"text": " and heron"}'] * 200, *END])
    pool = await reading_pool(server)
    reading = asyncio.ensure_future(pool.read(NOTE))
    turns = 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert len((await reading).reading.text) == 5 + 200 * 10
    assert turns > 200
    await close(pool, server)
