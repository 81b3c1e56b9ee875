"""The reading pool: documents in, readings out, whatever a document does to the process that reads it."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from heron_grpc.domain.document import Reading, ReadRequest
from heron_grpc.domain.errors import (
    DeadlineExceeded,
    Overloaded,
    ProtocolError,
    ReaderUnavailable,
    ReadingLimitExceeded,
)
from heron_grpc.reading import wire
from heron_grpc.reading.children import Child, ChildDied, ForkServer
from heron_grpc.reading.process_tree import Usage
from heron_grpc.settings import MIB, ReadingSettings
from heron_grpc.telemetry.logging import get_logger

# How often a child at work is looked at.
_WATCH_S = 0.1
# How often whoever waits for a child to start looks whether its fork server hangs.
_LOOK_S = 1.0
# A child is replaced within some ms: the pool need not say in between that it cannot read.
_REPLACED_S = 1.0
_FOREVER_S = 86_400.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """A reading, the seconds it waited for a child, and the seconds reading took."""

    reading: Reading
    queued_s: float
    read_s: float


class ReadingPool:
    """Children that read one document at a time, watched, killed and replaced by the parent.

    Lives in one event loop at a time, without tasks or threads of its own between calls.
    """

    def __init__(self, settings: ReadingSettings) -> None:
        self._settings = settings
        self._server = ForkServer(settings)
        self._idle: deque[Child] = deque()
        self._busy: set[Child] = set()
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._open = False
        # When `ready` last found a child that had greeted.
        self._met = -_FOREVER_S

    def start(self) -> None:
        """Starts the fork server and its children, to be called before gRPC exists in the process; a few ms.

        Raises ReaderUnavailable.
        """
        self._server.start()
        self._open = True
        self._fill()

    @property
    def ready(self) -> bool:
        """Whether a child reads or can read now. Never raises.

        Looking also replaces children that died while idle, and a fork server that hangs.
        """
        if not self._open:
            return False
        self._end_hung_server()
        self._bury_idle()
        if any(child.pid for child in self._busy) or any(child.is_ready() for child in self._idle):
            self._met = time.monotonic()
            return True
        return bool(self._busy) and time.monotonic() - self._met < _REPLACED_S

    async def read(self, request: ReadRequest, deadline_s: float | None = None) -> ReadOutcome:
        """Reads a file in a child, first come, first served; `deadline_s` seconds at most, waiting included.

        Raises DocumentError (ReadingLimitExceeded when a limit was passed), Overloaded, DeadlineExceeded and
        ReaderUnavailable. When cancelled, the document leaves the queue or its child is killed.
        """
        started = time.monotonic()
        deadline = started + (_FOREVER_S if deadline_s is None else deadline_s)
        payload = wire.encode_request(request)
        child = await self._take(deadline)
        begun = time.monotonic()
        try:
            reading = await self._read_on(child, payload, deadline)
        except ChildDied:
            # Perhaps killed from outside; a document that does this to every reader must not be given a third.
            reading = await self._read_again(payload, deadline)
        return ReadOutcome(reading, begun - started, time.monotonic() - begun)

    async def close(self) -> None:
        """Kills the children and ends the fork server, within 2 s; whoever waits gets ReaderUnavailable."""
        self._open = False
        self._dismiss()
        while self._idle:
            self._idle.pop().close()
        await asyncio.to_thread(self._server.stop)

    async def _read_again(self, payload: bytes, deadline: float) -> Reading:
        child = await self._take(deadline, again=True)
        try:
            return await self._read_on(child, payload, deadline)
        except ChildDied as error:
            raise (_crashed() if self._open else _unavailable()) from error

    async def _take(self, deadline: float, *, again: bool = False) -> Child:
        """A child that can be asked; it is given back by `_put` or `_drop`."""
        try:
            return await self._greeted(deadline, again=again)
        except ChildDied:
            # It never had the document; perhaps its fork server was replaced, and the new one's children live.
            try:
                return await self._greeted(deadline, again=True)
            except ChildDied as error:
                raise _unavailable() from error

    async def _greeted(self, deadline: float, *, again: bool) -> Child:
        """The next child, once it has greeted. Raises ChildDied when it ended before."""
        child = await self._next(deadline, again=again)
        try:
            await self._greeting(child, deadline)
        except ChildDied:
            self._drop(child)
            raise
        except BaseException:  # cancelled or not, a child that was never asked is as good for the next
            self._release(child)
            raise
        return child

    async def _greeting(self, child: Child, deadline: float) -> None:
        """Returns when the child has greeted. Raises ChildDied or DeadlineExceeded before."""
        while True:
            try:
                async with asyncio.timeout(min(deadline - time.monotonic(), _LOOK_S)):
                    return await child.greeting()
            except TimeoutError as error:
                if time.monotonic() >= deadline:
                    raise _late() from error
                if self._end_hung_server():
                    raise ChildDied from error

    async def _next(self, deadline: float, *, again: bool) -> Child:
        """The next child that is free, perhaps still starting; none is touched when it is already too late."""
        if time.monotonic() >= deadline:
            raise _late()
        if not self._open:
            raise _unavailable()
        self._bury_idle()
        if self._idle:
            # One that has greeted is worth more than one that is starting, or perhaps never will.
            child = next((each for each in reversed(self._idle) if each.is_ready()), self._idle[-1])
            self._idle.remove(child)
            self._busy.add(child)
            return child
        if not self._busy:
            raise _unavailable()
        if not again and len(self._waiting) >= self._settings.max_waiting:
            raise Overloaded("too many documents are waiting to be read")
        return await self._wait(deadline, again=again)

    async def _wait(self, deadline: float, *, again: bool) -> Child:
        waiter: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        enqueue = self._waiting.appendleft if again else self._waiting.append
        enqueue(waiter)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await waiter
        except TimeoutError as error:
            self._leave(waiter)
            raise _late() from error
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: asyncio.Future[Child]) -> None:
        """Out of the queue; a child handed over at the same moment goes to the next."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif not waiter.cancelled() and not waiter.exception():
            self._put(waiter.result())

    async def _read_on(self, child: Child, payload: bytes, deadline: float) -> Reading:
        """Asks the child, watching it; afterwards it is free or replaced. Raises ChildDied when it ended by itself."""
        job = asyncio.ensure_future(child.ask(payload, self._settings.result_mb * MIB))
        try:
            await self._watch(job, child, deadline)
            answer = job.result()
        except BaseException as error:  # cancelled or not, a child left at work must be killed
            _log.info("reading_child_replaced", pid=child.pid, reason=type(error).__name__)
            self._drop(child, job)
            if isinstance(error, ProtocolError):
                raise _crashed() from error
            raise
        self._put(child, worn=answer.failure is not None and answer.failure.kind == ReadingLimitExceeded.__name__)
        if answer.failure:
            _log.info("document_refused", kind=answer.failure.kind, cause=answer.failure.cause, pid=child.pid)
            raise wire.as_error(answer.failure)
        return answer.reading or _nothing()

    async def _watch(self, job: asyncio.Future[wire.Answer], child: Child, deadline: float) -> None:
        """Returns when the child has answered. Raises ReadingLimitExceeded or DeadlineExceeded before."""
        begun, used = time.monotonic(), child.usage().cpu_s
        while not job.done():
            await asyncio.wait({job}, timeout=max(0.0, min(_WATCH_S, deadline - time.monotonic())))
            if not job.done():
                self._require_within_limits(child.usage(), used, time.monotonic() - begun)
                if time.monotonic() >= deadline:
                    raise _late()

    def _require_within_limits(self, usage: Usage, used_before_s: float, wall_s: float) -> None:
        limits = self._settings
        if usage.cpu_s - used_before_s > limits.cpu_s:
            raise ReadingLimitExceeded("reading took too much processor time", {"limit": "cpu"})
        if usage.resident_bytes > limits.memory_mb * MIB:
            raise ReadingLimitExceeded("reading took too much memory", {"limit": "memory"})
        if wall_s > limits.wall_s:
            raise ReadingLimitExceeded("reading took too long", {"limit": "wall"})

    def _put(self, child: Child, *, worn: bool = False) -> None:
        """Gives a child back after a document; one that has read many or grown large is replaced."""
        child.documents += 1
        grown = child.usage().resident_bytes > self._settings.recycle_mb * MIB
        if worn or grown or child.documents >= self._settings.recycle_after:
            self._drop(child)
        else:
            self._release(child)

    def _drop(self, child: Child, job: asyncio.Future[wire.Answer] | None = None) -> None:
        """Kills and replaces a child; its pipe is closed once nobody waits on it."""
        self._server.kill(child)
        self._busy.discard(child)
        if job is None or job.done():
            child.close()
        else:
            job.add_done_callback(lambda _: child.close())
            job.cancel()
        self._fill()

    def _fill(self) -> None:
        """As many children as there should be, if they can be had; else those that wait are told."""
        while self._open and len(self._idle) + len(self._busy) < self._settings.children:
            try:
                child = self._server.spawn()
            except ReaderUnavailable as error:
                # Without a traceback: formatting one opens files, and there may be no descriptors left.
                _log.warning("reading_child_missing", reason=error.message, cause=type(error.__cause__).__name__)
                if not self._busy:
                    self._dismiss()
                return
            self._offer(child)

    def _release(self, child: Child) -> None:
        self._busy.discard(child)
        if self._open:
            self._offer(child)
        else:
            child.close()

    def _offer(self, child: Child) -> None:
        """To the first that waits, else to the idle ones: the one used last is taken first, its caches are warm."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._busy.add(child)
                waiter.set_result(child)
                return
        self._idle.append(child)

    def _bury_idle(self) -> None:
        for child in [each for each in self._idle if each.is_gone()]:
            self._idle.remove(child)
            child.close()
        self._fill()

    def _end_hung_server(self) -> bool:
        """Whether there was one; its children end with it, and the next child that is needed starts another."""
        if not self._open or not self._server.is_hung():
            return False
        _log.error("reading_fork_server_hangs", pid=self._server.pid)
        self._server.end()
        return True

    def _dismiss(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(_unavailable())


def _nothing() -> Reading:
    raise ProtocolError("the reader answered what it must not")


def _crashed() -> ReadingLimitExceeded:
    return ReadingLimitExceeded("reading the document ends its reader", {"limit": "crash"})


def _late() -> DeadlineExceeded:
    return DeadlineExceeded("the deadline passed before the document was read")


def _unavailable() -> ReaderUnavailable:
    return ReaderUnavailable("no reading process can be had")
