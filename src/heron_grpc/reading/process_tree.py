"""What a process and everything below it use, read from /proc alone: cheap enough to be asked every 100 ms."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Reading needs one program at a time; a process that starts hundreds must not slow down who looks at it.
_MOST_PROCESSES = 64
# Of /proc/PID/stat (proc_pid_stat(5)), counted from the state, which follows the name in brackets.
_CPU_TICKS = slice(11, 15)
_RESIDENT_PAGES = 21


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far, with those of programs that were waited for, and resident bytes now."""

    cpu_s: float = 0.0
    resident_bytes: int = 0


def usage(pid: int) -> Usage:
    """Of the process and its descendants; what cannot be looked at counts as zero. Never raises."""
    waiting, seen = [pid], 0
    ticks = pages = 0
    while waiting and seen < _MOST_PROCESSES:
        seen += 1
        process = waiting.pop()
        used = _used(process)
        ticks += used[0]
        pages += used[1]
        waiting += children_of(process)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def children_of(pid: int) -> list[int]:
    """Process ids of the direct children, the dead among them until they are waited for. Never raises."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_bytes().split())
    return found


def _used(pid: int) -> tuple[int, int]:
    """Clock ticks and memory pages."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0, 0
    fields = stat[stat.rindex(b")") + 2 :].split()
    return sum(map(int, fields[_CPU_TICKS])), int(fields[_RESIDENT_PAGES])
