"""What a service's processes use, by the part they play."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil

FRONT, BACKEND, READERS = "front", "backend", "readers"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Use:
    """What the processes of one role hold at a moment."""

    processes: int = 0
    rss_bytes: int = 0
    descriptors: int = 0
    threads: int = 0


class ProcessTree:
    """A service's first process and all below it."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time so far, by role. Children that have ended are part of what waited for them."""
        found: dict[str, float] = {}
        for role, process in self._members():
            times = _ask(process.cpu_times)
            if times:
                ended = 0.0 if role == FRONT else times.children_user + times.children_system
                found[role] = found.get(role, 0.0) + times.user + times.system + ended
        return found

    def use(self) -> dict[str, Use]:
        """Memory, descriptors and threads, by role. Pages that forked processes share count in each."""
        found: dict[str, Use] = {}
        for role, process in self._members():
            memory, threads = _ask(process.memory_info), _ask(process.num_threads)
            if memory and threads:
                seen = found.get(role, Use())
                found[role] = Use(
                    seen.processes + 1,
                    seen.rss_bytes + memory.rss,
                    seen.descriptors + (_ask(process.num_fds) or 0),
                    seen.threads + threads,
                )
        return found

    def front_peak_rss_bytes(self) -> int:
        """The most resident memory the first process ever held."""
        status = Path(f"/proc/{self._root.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024

    def open_files_below(self, directory: str) -> int:
        """Open files of the first process that lie, or lay before they were unlinked, in `directory`."""
        links = (_ask(link.readlink) for link in _descriptors(self._root.pid))
        return sum(str(link).startswith(directory) for link in links if link)

    def kill_backend(self) -> None:
        """SIGKILL to every process of the model backend."""
        for role, process in [*self._members()]:
            if role == BACKEND:
                _ask(process.kill)

    def _members(self) -> Iterable[tuple[str, psutil.Process]]:
        yield FRONT, self._root
        for child in _ask(self._root.children) or ():
            role = BACKEND if "bentoml" in " ".join(_ask(child.cmdline) or ()) else READERS
            yield role, child
            for below in _ask(partial(child.children, recursive=True)) or ():
                yield role, below


def _descriptors(pid: int) -> Iterator[Path]:
    yield from Path(f"/proc/{pid}/fd").iterdir()


def _ask(question: Callable[[], Answer]) -> Answer | None:
    """None when the process, or the descriptor, is gone."""
    try:
        return question()
    except (psutil.Error, OSError):
        return None
