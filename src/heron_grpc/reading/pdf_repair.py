"""A PDF cut short has lost the list of its pages, which stands at its end: one is made of the pages that are left."""

import re
import zlib
from collections.abc import Iterator
from itertools import islice

_HEADER = b"%PDF-"
_PAGE = re.compile(rb"/Type\s{0,9}/Page(?![A-Za-z])")
_PACKED = re.compile(rb"/Type\s{0,9}/ObjStm")
_NUMBER = re.compile(rb"(\d{1,9})\s{1,9}\d{1,5}\s{1,9}$")
_COUNT, _FIRST = re.compile(rb"/N\s{1,9}(\d{1,6})"), re.compile(rb"/First\s{1,9}(\d{1,8})")
_STREAM = re.compile(rb"stream\r?\n")
# Bytes around its type in which the dictionary of a page, or of a stream of objects, is looked for.
_LONGEST_DICTIONARY = 8000
# Bytes unpacked of one stream of objects, and of all.
_MOST_BYTES, _MOST_BYTES_IN_ALL = 1 << 24, 1 << 27
_MOST_PAGES = 20_000
# Above the numbers that real files use, below the largest PDFium takes (4 Mi).
_NEW_NUMBER = 4_000_000


def repaired(content: bytes) -> bytes | None:
    """The document with a list of all pages found in it, in the order of the file; None when there are none.

    PDFium itself puts up with wrong or missing cross-references, but needs a catalogue (ISO 32000-2, 7.7.2).
    """
    content = _cut(content[max(content.find(_HEADER), 0) :])
    unpacked = b"".join(b"\n%d 0 obj\n%b\nendobj" % each for each in _unpacked(content))
    kids = list(dict.fromkeys(number for part in (content, unpacked) for number in _pages(part)))
    if not kids:
        return None
    tree = b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join(b"%b 0 R" % number for number in kids))
    catalog = b"<</Type/Catalog/Pages %d 0 R>>" % _NEW_NUMBER
    trailer = b"\ntrailer\n<</Size %d/Root %d 0 R>>\nstartxref\n0\n%%%%EOF" % (_NEW_NUMBER + 2, _NEW_NUMBER + 1)
    added = b"".join(b"\n%d 0 obj\n%b\nendobj" % (_NEW_NUMBER + at, each) for at, each in enumerate((tree, catalog)))
    # The file may end within a stream.
    return b"".join((content, b"\nendstream\nendobj", unpacked, added, trailer))


def _cut(content: bytes) -> bytes:
    """Without an object cut short, unless it is a stream: what is left of that can be read."""
    whole, end, rest = content.rpartition(b"endobj")
    return content if b"stream" in rest else whole + end


def _pages(content: bytes) -> Iterator[bytes]:
    """The numbers of objects that are pages."""
    for kind in islice(_PAGE.finditer(content), _MOST_PAGES):
        head, found, inside = content[max(kind.start() - _LONGEST_DICTIONARY, 0) : kind.start()].rpartition(b"obj")
        if found and b"endobj" not in inside and (number := _NUMBER.search(head[-24:])):
            yield number[1]


def _unpacked(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the objects in streams of objects, which are found through what is lost (7.5.7)."""
    left = _MOST_BYTES_IN_ALL
    for kind in islice(_PACKED.finditer(content), _MOST_PAGES):
        stream = _STREAM.search(content, kind.end(), kind.end() + _LONGEST_DICTIONARY)
        if not stream or left <= 0:
            continue
        dictionary = content[max(kind.start() - _LONGEST_DICTIONARY, 0) : stream.start()].rpartition(b"obj")[2]
        count, first = _COUNT.search(dictionary), _FIRST.search(dictionary)
        if not count or not first:
            continue
        try:
            inside = zlib.decompressobj().decompress(content[stream.end() : stream.end() + _MOST_BYTES], _MOST_BYTES)
        except zlib.error:
            continue
        left -= len(inside)
        yield from _objects(inside, int(count[1]), int(first[1]))


def _objects(inside: bytes, count: int, first: int) -> Iterator[tuple[int, bytes]]:
    """Of an unpacked stream, whose head says number and place of each."""
    head, body = inside[:first].split()[: 2 * count], inside[first:]
    if not all(each.isdigit() and len(each) < 10 for each in head):
        return
    numbers, starts = [int(each) for each in head[::2]], [int(each) for each in head[1::2]]
    for number, start, end in zip(numbers, starts, [*starts[1:], len(body)], strict=False):
        yield number, body[start:end]
