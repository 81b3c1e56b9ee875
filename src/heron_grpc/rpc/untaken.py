"""Answers that a caller does not take: gRPC holds them until its connection ends, so it gets no more of them."""

import asyncio
from collections import Counter
from collections.abc import Callable

from heron_grpc.domain.errors import Overloaded

# An answer of some KB fits every window a client opens; within so long it is taken or the client does not read.
_LONGEST_TAKING_S = 5.0


class Untaken:
    """Follows answers from the end of their calls until gRPC has sent them."""

    def __init__(self) -> None:
        self._stuck: Counter[str] = Counter()

    def require_none(self, caller: str) -> None:
        """Raises Overloaded for a caller who does not take what it asked for before."""
        if caller in self._stuck:
            raise Overloaded(
                "answers on this connection wait to be taken", retry_after_s=1.0, metadata={"resource": "answers"}
            )

    def follow(self, task: asyncio.Task[object], caller: str, gone: Callable[[], None]) -> None:
        """Calls `gone` when `task`, which sends an answer, has done so, or is stuck with it."""

        def stick() -> None:
            self._stuck[caller] += 1
            task.remove_done_callback(sent)
            task.add_done_callback(unstick)
            gone()

        def sent(_: object) -> None:
            sticking.cancel()
            gone()

        def unstick(_: object) -> None:
            self._stuck[caller] -= 1
            if not self._stuck[caller]:
                del self._stuck[caller]

        sticking = asyncio.get_running_loop().call_later(_LONGEST_TAKING_S, stick)
        task.add_done_callback(sent)
