"""Files of messages, each after its length as a varint: read by the load generator and, as they are, by ghz."""

import os
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

from google.protobuf import proto
from google.protobuf.message import Message

from heron.v1 import classification_pb2

# Documents come round again within a run: the result cache stays out of it.
UNCACHED = classification_pb2.ClassifyOptions(bypass_cache=True)


def write(path: Path, messages: Iterable[Message]) -> Path:
    """Writes the messages; gives the path back."""
    buffer = BytesIO()
    for message in messages:
        proto.serialize_length_prefixed(message, buffer)
    return place(path, buffer.getvalue())


def place(path: Path, data: bytes) -> Path:
    """Writes a file that others may look for: it is there whole or not at all. Gives the path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return path


def read(path: Path) -> list[bytes]:
    """The messages as bytes. Raises ValueError when the file ends inside one."""
    return list(_split(path.read_bytes()))


def text_requests(texts: Iterable[str]) -> Iterator[Message]:
    """A unary call for each text."""
    for text in texts:
        yield classification_pb2.ClassifyRequest(text=text, options=UNCACHED)


def file_requests(files: Iterable[Path]) -> Iterator[Message]:
    """A unary call with inline content for each file."""
    for file in files:
        yield classification_pb2.ClassifyRequest(content=_inline(file), options=UNCACHED)


def bulk_texts(texts: Iterable[str]) -> Iterator[Message]:
    """A bulk document for each text, its number as its id."""
    for number, text in enumerate(texts):
        item = classification_pb2.ClassifyBulkItem(item_id=str(number), text=text)
        yield classification_pb2.ClassifyBulkRequest(item=item)


def bulk_files(files: Iterable[Path]) -> Iterator[Message]:
    """A bulk document for each file, its number as its id."""
    for number, file in enumerate(files):
        item = classification_pb2.ClassifyBulkItem(item_id=str(number), content=_inline(file))
        yield classification_pb2.ClassifyBulkRequest(item=item)


def upload(file: Path, chunk_bytes: int) -> Iterator[Message]:
    """The messages of one upload."""
    data = file.read_bytes()
    header = classification_pb2.UploadHeader(filename=f"document{file.suffix}", size_bytes=len(data))
    start = classification_pb2.ClassifyUploadStart(header=header, options=UNCACHED)
    yield classification_pb2.ClassifyUploadRequest(start=start)
    for offset in range(0, len(data), chunk_bytes):
        yield classification_pb2.ClassifyUploadRequest(chunk=data[offset : offset + chunk_bytes])


def upload_messages(file: Path, chunk_bytes: int) -> Sequence[bytes]:
    """The messages of one upload as bytes."""
    return [message.SerializeToString() for message in upload(file, chunk_bytes)]


def _inline(file: Path) -> classification_pb2.InlineContent:
    return classification_pb2.InlineContent(data=file.read_bytes(), filename=f"document{file.suffix}")


def _split(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size, shift = 0, 0
        while data[at] & 0x80:
            size |= (data[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
        size |= data[at] << shift
        at += 1
        if at + size > len(data):
            raise ValueError("the payload file ends inside a message")
        yield data[at : at + size]
        at += size
