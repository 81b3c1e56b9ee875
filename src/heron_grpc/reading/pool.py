"""The reading pool: documents in, readings out, whatever a document does to the process that reads it."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, replace

from heron_grpc.domain.call import Call
from heron_grpc.domain.document import Reading, ReadRequest
from heron_grpc.domain.errors import (
    DeadlineExceeded,
    HeronError,
    ProtocolError,
    ReaderUnavailable,
    ReadingLimitExceeded,
)
from heron_grpc.domain.steps import Step, gather
from heron_grpc.reading import wire
from heron_grpc.reading.children import Child, ChildDied, ForkServer
from heron_grpc.reading.expectation import Expectation
from heron_grpc.reading.handing_over import opened
from heron_grpc.reading.kill_reasons import RECYCLED, SURPLUS, kill_reason
from heron_grpc.reading.refused_documents import RefusedDocuments
from heron_grpc.reading.supervision import Supervision, late
from heron_grpc.reading.takers import Collected, Streamed
from heron_grpc.reading.waiting_line import WAITING_SHARE, Turn, WaitingLine, overloaded
from heron_grpc.settings import MIB, ReadingSettings
from heron_grpc.telemetry.logging import get_logger

# How often whoever waits for a child to start looks whether its fork server hangs.
_LOOK_S = 1.0
# A child is replaced within some ms: the pool need not say in between that it cannot read.
_REPLACED_S = 1.0
# Killing a child and warming up another takes 15 ms of CPU, as much as ten pages: what is nearly done may end.
_SPARED_S = 0.02
# Of quick documents, how many pass before it is looked whether their child has grown: looking costs a tenth of one.
_DOCUMENTS_A_LOOK = 16
_QUICK_S = 0.1
_FOREVER_S = 86_400.0
_UNBOUND = Call()

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """A reading, the seconds it waited for a child, and the seconds reading took."""

    reading: Reading
    queued_s: float
    read_s: float


class ReadingPool:
    """Children that read one document at a time, watched, killed and replaced by the parent.

    Lives in one event loop at a time, without threads of its own, and without tasks between calls but those of
    documents just given up. Callers are served in turn; those that keep a child busy for long, after all others.
    """

    def __init__(self, settings: ReadingSettings, documents: str = "") -> None:
        """`documents` is the directory of the spool; what lies elsewhere is copied into memory where need be."""
        self._settings = settings
        self._server = ForkServer(settings, documents)
        self._idle: deque[Child] = deque()
        self._busy: dict[Child, Turn] = {}
        self._waiting = WaitingLine(settings.max_waiting, self._release)
        self._expectation = Expectation()
        self._open = False
        # When `ready` last found a child that had greeted.
        self._met = -_FOREVER_S
        # Children killed or replaced so far, by KILL_REASONS.
        self.kills: Counter[str] = Counter()
        # Documents given to a child so far.
        self.documents = 0
        self._refused = RefusedDocuments(settings.refuse_after, settings.refuse_s)

    def start(self) -> None:
        """Starts the fork server and its children, to be called before gRPC exists in the process; a few ms.

        Raises ReaderUnavailable.
        """
        self._server.start()
        self._open = True
        self._fill()

    @property
    def ready(self) -> bool:
        """Whether a child reads or can read, now or as soon as it has started. Never raises.

        Looking also replaces children that died while idle, and a fork server that hangs.
        """
        if not self._open:
            return False
        self._end_hung_server()
        self._bury_idle()
        if any(child.pid for child in self._busy) or any(child.is_ready() for child in self._idle):
            self._met = time.monotonic()
            return True
        return bool(self._busy or self._idle) and time.monotonic() - self._met < _REPLACED_S

    @property
    def waiting(self) -> int:
        """Documents that wait for a child."""
        return len(self._waiting)

    @property
    def refusals(self) -> int:
        """Documents that were given to no child, having ended several before."""
        return self._refused.count

    @property
    def busy(self) -> int:
        """Children at work."""
        return len(self._busy)

    def expected_wait_s(self, caller: str) -> float:
        """Seconds a document of that caller would wait for a child now; 0 when one is idle."""
        if self._idle:
            return 0.0
        now = time.monotonic()
        rests = [self._rest_s(turn, now) for turn in self._busy.values()]
        return self._expectation.wait_s(rests, self._waiting.ahead_of(caller))

    async def read(self, request: ReadRequest, call: Call = _UNBOUND) -> ReadOutcome:
        """Reads a file in a child, callers in turn, within the call's deadline.

        Raises DocumentError (ReadingLimitExceeded when a limit was passed), Overloaded (at once, when it would wait in
        vain), DeadlineExceeded and ReaderUnavailable. When cancelled, the document leaves the queue, or its child is
        killed unless it is all but done.
        """
        started = time.monotonic()
        steps = Collected()
        begun = await self._read(request, call, steps)
        return ReadOutcome(gather(steps.steps), begun - started, time.monotonic() - begun)

    async def stream(self, request: ReadRequest, call: Call = _UNBOUND) -> AsyncGenerator[Step]:
        """The steps of a file's reading, each as soon as it is there; otherwise like `read`.

        The child waits for a caller who is slow, `stall_s` for one step; then Cancelled is raised. To be closed.
        """
        steps = Streamed(self._settings.stall_s)
        reading = asyncio.ensure_future(self._read(replace(request, promptly=True), call, steps))
        reading.add_done_callback(lambda _: steps.end())
        try:
            async for step in steps:
                yield step
            await reading
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, HeronError):
                await reading

    async def close(self) -> None:
        """Kills the children and ends the fork server, within 2 s; whoever waits gets ReaderUnavailable."""
        self._open = False
        self._waiting.dismiss(_unavailable)
        while self._idle:
            self._idle.pop().close()
        await asyncio.to_thread(self._server.stop)

    async def _read(self, request: ReadRequest, call: Call, steps: Collected | Streamed) -> float:
        """Has the file's steps taken; returns when a child began with it."""
        deadline = min(call.deadline, time.monotonic() + _FOREVER_S)
        payload = wire.encode_request(request)
        with self._refused.watched(request.sha256), opened(request.path) as document:
            turn = Turn(payload, document, call.caller, deadline)
            child = await self._take(turn)
            begun = time.monotonic()
            try:
                await self._read_on(child, turn, steps)
            except ChildDied:
                # Perhaps killed from outside; a document that does this to every reader must not be given a third.
                await self._read_again(turn, steps)
            return begun

    async def _read_again(self, turn: Turn, steps: Collected | Streamed) -> None:
        child = await self._take(turn, again=True)
        try:
            await self._read_on(child, turn, steps)
        except ChildDied as error:
            raise (_crashed() if self._open else _unavailable()) from error

    async def _take(self, turn: Turn, *, again: bool = False) -> Child:
        """A child that can be asked; it is given back by `_put` or `_drop`."""
        try:
            return await self._greeted(turn, again=again)
        except ChildDied:
            # It never had the document; perhaps its fork server was replaced, and the new one's children live.
            try:
                return await self._greeted(turn, again=True)
            except ChildDied as error:
                raise _unavailable() from error

    async def _greeted(self, turn: Turn, *, again: bool) -> Child:
        """The next child, once it has greeted. Raises ChildDied when it ended before."""
        child = await self._next(turn, again=again)
        try:
            await self._greeting(child, turn.deadline)
        except ChildDied:
            self._drop(child, "crash")
            raise
        except BaseException:  # cancelled or not, a child that was never asked is as good for the next
            self._release(child)
            raise
        return child

    async def _greeting(self, child: Child, deadline: float) -> None:
        """Returns when the child has greeted. Raises ChildDied or DeadlineExceeded before."""
        while not child.is_ready():
            try:
                async with asyncio.timeout(min(deadline - time.monotonic(), _LOOK_S)):
                    await child.greeting()
            except TimeoutError as error:
                if time.monotonic() >= deadline:
                    raise late() from error
                if self._end_hung_server():
                    raise ChildDied from error

    async def _next(self, turn: Turn, *, again: bool) -> Child:
        """The next child that is free, perhaps still starting; none is touched when it is already too late."""
        if time.monotonic() >= turn.deadline:
            raise late()
        if not self._open:
            raise _unavailable()
        self._bury_idle()
        if self._idle:
            # One that has greeted is worth more than one that is starting, or perhaps never will.
            child = next((each for each in reversed(self._idle) if each.is_ready()), self._idle[-1])
            self._idle.remove(child)
            turn.begun = time.monotonic()
            self._busy[child] = turn
            return child
        if not self._busy:
            raise _unavailable()
        if again:
            return await self._waiting.wait_again(turn)
        self._require_time(turn)
        return await self._waiting.wait(turn)

    def _require_time(self, turn: Turn) -> None:
        """Raises Overloaded when the document would not be read in time: waiting would only delay others."""
        expected_s = self.expected_wait_s(turn.caller) + self._expectation.document_s
        usable_s = WAITING_SHARE * (turn.deadline - time.monotonic())
        if expected_s > usable_s:
            raise overloaded("the documents that wait would outlast the deadline", expected_s - usable_s)

    async def _read_on(self, child: Child, turn: Turn, steps: Collected | Streamed) -> None:
        """Asks the child, watching it; afterwards it is free or replaced. Raises ChildDied when it ended by itself."""
        self.documents += 1
        turn.begun = time.monotonic()
        steps.begin()
        job = asyncio.ensure_future(child.ask(turn.payload, turn.document, self._settings.result_mb * MIB, steps.take))
        try:
            await Supervision(child, self._settings, turn.deadline, self._relieve).until_done(job)
            failure = job.result()
        except BaseException as error:  # cancelled or not, a child left at work must be killed
            self._part(child, job, error)
            if isinstance(error, ProtocolError):
                raise _crashed() from error
            raise
        self._put(child, worn=failure is not None and failure.kind == ReadingLimitExceeded.__name__)
        if failure:
            _log.info("document_refused", kind=failure.kind, cause=failure.cause, pid=child.pid)
            raise wire.as_error(failure)

    def _part(self, child: Child, job: asyncio.Future[wire.Failure | None], error: BaseException) -> None:
        """Kills a child whose answer is not wanted, or let it end its work when that costs less."""
        at_work_s = time.monotonic() - self._busy[child].begun
        rest_s = self._expectation.rest_s(at_work_s)
        if not isinstance(error, ChildDied) and at_work_s > self._expectation.document_s:
            self._expectation.learn(at_work_s)
        if not isinstance(error, asyncio.CancelledError | DeadlineExceeded) or rest_s > _SPARED_S:
            self._drop(child, kill_reason(error), job)
            return
        timer = asyncio.get_running_loop().call_later(_SPARED_S, self._end_spared, child, job, kill_reason(error))
        job.add_done_callback(lambda _: self._meet_spared(child, job, timer))

    def _end_spared(self, child: Child, job: asyncio.Future[wire.Failure | None], reason: str) -> None:
        if child in self._busy and not job.done():
            self._drop(child, reason, job)

    def _meet_spared(self, child: Child, job: asyncio.Future[wire.Failure | None], timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        if child not in self._busy:
            return
        if job.cancelled() or job.exception():
            self._drop(child, "crash", job)
        else:
            self._put(child)

    def _put(self, child: Child, *, worn: bool = False) -> None:
        """Gives a child back after a document; one that has read many or grown large is replaced."""
        took_s = time.monotonic() - self._busy[child].begun
        self._expectation.learn(took_s)
        child.documents += 1
        if took_s > _QUICK_S or child.documents % _DOCUMENTS_A_LOOK == 0:
            worn = worn or child.usage().resident_bytes > self._settings.recycle_mb * MIB
        if worn or child.documents >= self._settings.recycle_after:
            self._drop(child, RECYCLED)
        else:
            self._release(child)

    def _drop(self, child: Child, reason: str, job: asyncio.Future[wire.Failure | None] | None = None) -> None:
        """Kills a child, and replaces it if there are too few; its pipe is closed once nobody waits on it."""
        self.kills[reason] += 1
        _log.info("reading_child_replaced", pid=child.pid, reason=reason)
        self._server.kill(child)
        self._busy.pop(child, None)
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
                    self._waiting.dismiss(_unavailable)
                return
            self._offer(child)

    def _relieve(self) -> None:
        """One child more, when documents wait and all others have slow ones: quick ones need not wait for those."""
        if self._waiting and len(self._busy) == self._settings.children and self._all_are_slow():
            # Without it they wait on, and it is tried again.
            with suppress(ReaderUnavailable):
                self._offer(self._server.spawn())

    def _rest_s(self, turn: Turn, now: float) -> float:
        """How much longer its child will be busy: no longer than it may."""
        end = min(turn.deadline, turn.begun + self._settings.wall_s)
        return max(0.0, min(self._expectation.rest_s(now - turn.begun), end - now))

    def _slow_callers(self) -> list[str]:
        """Whose documents have kept a child for long: one for each such child."""
        since = time.monotonic() - self._settings.relief_after_s
        return [turn.caller for turn in self._busy.values() if turn.begun <= since]

    def _all_are_slow(self) -> bool:
        return len(self._slow_callers()) == len(self._busy)

    def _release(self, child: Child) -> None:
        self._busy.pop(child, None)
        enough = len(self._idle) + len(self._busy) >= self._settings.children
        if not self._open:
            child.close()
        elif enough and not (self._waiting and self._all_are_slow()):
            self._drop(child, SURPLUS)
        else:
            self._offer(child)

    def _offer(self, child: Child) -> None:
        """To the first that waits, else to the idle ones: the one used last is taken first, its caches are warm."""
        turn = self._waiting.hand_over(child, self._slow_callers()) if self._waiting else None
        if turn:
            self._busy[child] = turn
        else:
            self._idle.append(child)

    def _bury_idle(self) -> None:
        for child in [each for each in self._idle if each.is_gone()]:
            self._idle.remove(child)
            child.close()
            self.kills["crash"] += 1
        self._fill()

    def _end_hung_server(self) -> bool:
        """Whether there was one; its children end with it, and the next child that is needed starts another."""
        if not self._open or not self._server.is_hung():
            return False
        _log.error("reading_fork_server_hangs", pid=self._server.pid)
        self._server.end()
        return True


def _crashed() -> ReadingLimitExceeded:
    return ReadingLimitExceeded("reading the document ends its reader", {"limit": "crash"})


def _unavailable() -> ReaderUnavailable:
    return ReaderUnavailable("no reading process can be had")
