"""Classifies a folder with the asyncio client, many documents in flight: python many.py FOLDER [ADDRESS]."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from heron import AsyncHeronClient, Document, HeronServiceError, Options
from heron.v1 import classification_pb2


def documents(folder: Path) -> Iterator[Document]:
    """The folder's files; each is opened when its turn comes."""
    return (Document.from_file(path, key=path.name) for path in folder.iterdir() if path.is_file())


async def main() -> int:
    """Prints what the files are, as answers arrive; 1 when one has none."""
    folder, address = Path(sys.argv[1]), (*sys.argv[2:], "127.0.0.1:50051")[0]
    failed = 0
    async with AsyncHeronClient(address) as client:
        async for result in client.classify_many(documents(folder), Options(max_scores=1), max_in_flight=32):
            if result.classification:
                decision = classification_pb2.Decision.Name(result.classification.decision)
                print(result.key, decision, *(label.category for label in result.classification.labels[:1]))
            else:
                failed += 1
                error = result.error
                print(result.key, error.reason if isinstance(error, HeronServiceError) else error)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
