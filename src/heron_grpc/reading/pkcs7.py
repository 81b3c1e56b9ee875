"""Signed and encrypted documents (CMS, RFC 5652): what is signed is read, what is encrypted is said to be."""

from collections.abc import Iterator
from pathlib import Path

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.domain.steps import Step
from heron_grpc.reading.embedded import Embedded, read_embedded
from heron_grpc.reading.reader import ReadOptions

# The identifier of signed data, as it is encoded; that of data alone, unsigned, ends in 1.
_SIGNED = bytes.fromhex("06092a864886f70d010702")
_OCTETS = 0x04
_INDEFINITE = 0x80
_END = b"\0\0"


def read_pkcs7(path: str, options: ReadOptions) -> Iterator[Step]:
    """What is signed as a document inside. Raises CorruptDocument and EncryptedDocument."""
    content = Path(path).read_bytes()
    try:
        identifier, explicit = _children(content, 0)[:2]
        if content[identifier[0] : identifier[1]] != _SIGNED:
            raise EncryptedDocument("the document is encrypted")
        signed = _signed(content, explicit[0])
    except (IndexError, ValueError, RecursionError) as error:
        raise CorruptDocument("the signed document is damaged") from error
    yield from read_embedded([Embedded("", lambda: signed)], 0, options)


def _signed(content: bytes, explicit: int) -> bytes:
    """Version, algorithms, and then the kind of what is signed and its octets, each of two in a wrapping of its own."""
    (signed_data,) = _children(content, explicit)
    encapsulated = _children(content, signed_data[0])[2]
    _, wrapping = _children(content, encapsulated[0])
    (octets,) = _children(content, wrapping[0])
    return _octets(content, octets[0])


def _octets(content: bytes, at: int) -> bytes:
    """A string of octets, in one piece or in several."""
    tag, start, end, _ = _element(content, at)
    if tag == _OCTETS:
        return content[start:end]
    return b"".join(_octets(content, piece) for piece, _ in _children(content, at))


def _children(content: bytes, at: int) -> list[tuple[int, int]]:
    """Where the elements in the one that begins at `at` begin and end."""
    _, start, end, _ = _element(content, at)
    children = []
    while start < end:
        following = _element(content, start)[3]
        children.append((start, following))
        start = following
    return children


def _element(content: bytes, at: int) -> tuple[int, int, int, int]:
    """Tag, and where its content begins and ends and what follows begins (X.690). Raises IndexError, ValueError."""
    tag, length = content[at], content[at + 1]
    start = at + 2
    if length == _INDEFINITE:
        end = start
        while content[end : end + 2] != _END:
            end = _element(content, end)[3]
        return tag, start, end, end + 2
    if length > _INDEFINITE:
        start += length - _INDEFINITE
        length = int.from_bytes(content[at + 2 : start])
    if start + length > len(content):
        raise ValueError
    return tag, start, start + length, start + length
