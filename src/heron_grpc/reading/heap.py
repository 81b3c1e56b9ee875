"""How much memory C libraries hold in this process."""

import ctypes
from functools import cache


class _Usage(ctypes.Structure):
    """malloc.h's struct mallinfo2; its fields are of one type."""

    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks")),
        *((name, ctypes.c_size_t) for name in ("mapped", "usmblks", "fsmblks", "in_use", "fordblks", "keepcost")),
    )


def heap_bytes() -> int:
    """Bytes handed out by malloc and not given back; 0 where the C library (glibc before 2.33, musl) does not tell.

    20 us.
    """
    ask = _ask()
    if ask is None:
        return 0
    usage = ask()
    return int(usage.mapped + usage.in_use)


@cache
def _ask() -> "ctypes._NamedFuncPointer | None":
    found = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if found is not None:
        found.restype = _Usage
    return found
