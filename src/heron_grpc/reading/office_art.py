"""Pictures in the streams of Office's binary files (MS-ODRAW 2.2.23)."""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from heron_grpc.reading.embedded import Embedded

# Heads of JPEG, PNG and TIFF records: version and instance, type, length of what follows.
_RECORD = re.compile(rb"[\x00\x10\x20\x30\x40\x50\xa0\xb0][\x46\x6e][\x1d\x1e\x29\x2a]\xf0(....)", re.DOTALL)
_HEAD = 8
# One or two digests and a tag stand before the picture.
_PICTURE_AT = (17, 33)
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*")


def pictures(streams: Iterable[bytes]) -> Iterator[Embedded]:
    """Wherever they stand in the streams."""
    number = 0
    for stream in streams:
        at = 0
        while found := _RECORD.search(stream, at):
            at = found.end()
            end = found.start() + _HEAD + int.from_bytes(found[1], "little")
            start = next(
                (at + skipped for skipped in _PICTURE_AT if stream.startswith(_SIGNATURES, at + skipped)), None
            )
            if start is not None and start < end:
                number, at = number + 1, end
                yield Embedded(f"picture{number}", partial(bytes, stream[start:end]))
