"""Where one of a worker's models runs: one call at a time, and never so long on the event loop that health waits."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

Made = TypeVar("Made")

# A hop to a thread and back costs 0.1 ms, and some ms when the cores are busy.
_AT_ONCE_S = 0.004
_NEWEST_SHARE = 0.2


class ModelSlot:
    """What will be quick runs at once; all else in a thread of its own, first come, first served."""

    def __init__(self, running: "threading.Lock | None" = None, *, may_block: bool = False) -> None:
        """`running` is held while the model works; one that may block on others' locks never runs on the loop."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._running = running or threading.Lock()
        self._may_block = may_block
        # Until measured, nothing is quick.
        self._seconds_a_text = self._seconds_a_char = 1.0

    async def run(self, function: Callable[[], Made], texts: int, chars: int) -> Made:
        """What `function` gives, which works on so many texts of so many code points in all.

        When cancelled, one that waits for its turn never runs.
        """
        if self._is_quick(texts, chars) and self._running.acquire(blocking=False):
            try:
                return self._measured(function, texts, chars)
            finally:
                self._running.release()
        # With the caller's context: what is logged in there carries its trace.
        turn = partial(contextvars.copy_context().run, self._in_turn, function, texts, chars)
        return await asyncio.get_running_loop().run_in_executor(self._thread, turn)

    def _in_turn(self, function: Callable[[], Made], texts: int, chars: int) -> Made:
        with self._running:
            return self._measured(function, texts, chars)

    def _measured(self, function: Callable[[], Made], texts: int, chars: int) -> Made:
        began = time.perf_counter()
        made = function()
        elapsed = time.perf_counter() - began
        self._seconds_a_text += _NEWEST_SHARE * (elapsed / max(1, texts) - self._seconds_a_text)
        self._seconds_a_char += _NEWEST_SHARE * (elapsed / max(1, chars) - self._seconds_a_char)
        return made

    def _is_quick(self, texts: int, chars: int) -> bool:
        """By the dearer of the two: some models cost by the text, others by its length."""
        expected_s = max(texts * self._seconds_a_text, chars * self._seconds_a_char)
        return not self._may_block and expected_s <= _AT_ONCE_S
