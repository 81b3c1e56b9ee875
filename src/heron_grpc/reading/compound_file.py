"""A compound file (MS-CFB 2) of one sound stream: parsers that follow the chains of a damaged one may never end."""

import struct

_SECTOR = 4096
_PER_SECTOR = _SECTOR // 4
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
# Tables that find room in the header, each for 4 MiB.
_MOST_TABLES = 109


def compound_file(name: str, content: bytes) -> bytes:
    """Version 4, with sectors of 4 KiB: the stream, its directory, the tables. Raises ValueError above 400 MiB."""
    content = content.ljust(_SECTOR, b"\0")
    sectors = -(-len(content) // _SECTOR)
    tables = -(-(sectors + 1) // (_PER_SECTOR - 1))
    if tables > _MOST_TABLES:
        raise ValueError("the stream is too long for a header's tables")
    chain = (*range(1, sectors), _END, _END, *[_TABLE] * tables)
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * _SECTOR, b"\xff")
    # The root's own stream, of small ones, may not be missing in version 4: it begins somewhere and is empty.
    directory = _entry("Root Entry", 5, 1, sectors, 0) + _entry(name, 2, _FREE, 0, len(content))
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 4, 0xFFFE, 12, 6, b"", 1, tables, sectors, 0, _SECTOR),
        *(_END, 0, _END, 0),
    )
    head += struct.pack(f"<{tables}I", *range(sectors + 1, sectors + 1 + tables))
    pieces = (head.ljust(512, b"\xff"), content.ljust(sectors * _SECTOR, b"\0"), directory.ljust(_SECTOR, b"\0"), table)
    return pieces[0].ljust(_SECTOR, b"\0") + b"".join(pieces[1:])


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    where = (_FREE, _FREE, child, b"", 0, 0, 0, start, size)
    return struct.pack("<64sHBBIII16sIQQIQ", encoded, len(encoded), kind, 1, *where)
