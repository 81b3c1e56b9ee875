"""Writes what the configurations beside this file send: the contract as a protoset, and messages by their lengths."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from benchmarks import documents
from benchmarks.load import payloads
from heron.v1 import classification_pb2

HERE = Path(__file__).parent
_MB = 1_000_000
_CHUNK_BYTES = 256 * 1024
_BULK_DOCUMENTS = 200
_BULK_WINDOW = 32


def write_all(directory: Path) -> list[Path]:
    """Writes every file and gives their paths; generated documents, the same each time."""
    directory.mkdir(parents=True, exist_ok=True)
    texts = documents.texts(_BULK_DOCUMENTS)
    protoset = directory / "heron.protoset"
    protoset.write_bytes(contract().SerializeToString())
    return [
        protoset,
        payloads.write(directory / "texts.bin", payloads.text_requests(texts)),
        payloads.write(directory / "upload_1mb.bin", payloads.upload(documents.large_pdf(_MB), _CHUNK_BYTES)),
        payloads.write(directory / "bulk_200.bin", _stream(texts)),
    ]


def contract() -> FileDescriptorSet:
    """The service and all it imports, imported files first."""
    found: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for needed in file.dependencies:
            add(needed)
        found[file.name] = file

    add(classification_pb2.DESCRIPTOR)
    files = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(files.file.add())
    return files


def _stream(texts: list[str]) -> Iterator[Message]:
    start = classification_pb2.ClassifyBulkStart(options=payloads.UNCACHED, max_in_flight=_BULK_WINDOW)
    yield classification_pb2.ClassifyBulkRequest(start=start)
    yield from payloads.bulk_texts(texts)


def main() -> None:
    """Writes into payloads/ beside the configurations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=HERE / "payloads")
    for path in write_all(parser.parse_args().directory):
        print(path)


if __name__ == "__main__":
    main()
