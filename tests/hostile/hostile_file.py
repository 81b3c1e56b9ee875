"""A file made to hurt its reader, and what a reader may answer."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """How reading a document may end; a document without text and without a reason is none of these."""

    # With text; with a warning instead of it.
    READ = "read"
    WARNED = "warned"
    CORRUPT = "CorruptDocument"
    LIMITED = "ReadingLimitExceeded"
    ENCRYPTED = "EncryptedDocument"
    UNSUPPORTED = "UnsupportedMediaType"
    EMPTY = "EmptyDocument"


REFUSED = frozenset({Outcome.CORRUPT, Outcome.LIMITED})
# What can be read of it is, or nothing.
SALVAGED = REFUSED | {Outcome.READ, Outcome.WARNED}
ODD = SALVAGED | {Outcome.UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class HostileFile:
    """Made when asked for: some are large."""

    name: str
    make: Callable[[], bytes]
    outcomes: frozenset[Outcome] = SALVAGED


def deflated(block: bytes, megabytes: int, level: int = 1) -> bytes:
    """A zlib stream of so many megabytes of a repeated block."""
    packer = zlib.compressobj(level)
    piece = block * ((1 << 20) // len(block))
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


def chain(depth: int, wrap: Callable[[bytes], bytes], core: bytes) -> bytes:
    """`core`, wrapped so many times."""
    for _ in range(depth):
        core = wrap(core)
    return core
