"""Generated documents as the reader returns them: rendered to files and read, because that is what the model sees."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import DocumentError
from heron_grpc.domain.steps import gather
from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.generator.rendering import PICTURES, render, usual_format
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings

# Documents handed to a process at a time.
_CHUNK = 8


def read_back(
    documents: Sequence[GeneratedDocument],
    share: float,
    picture_share: float,
    progress: Callable[[int], None] | None = None,
) -> Iterator[GeneratedDocument]:
    """The documents in their order, some with the text that is read from their files; the others keep theirs.

    It is `share` of those that come as files with a text, and `picture_share` of those that come as pictures. Which
    depends on their seeds. Blocks; two processes read. `progress` hears how many are done.
    """
    with ProcessPoolExecutor(2, get_context("spawn")) as readers:
        chosen = [_is_chosen(document, share, picture_share) for document in documents]
        texts = readers.map(
            _text_of, (each for each, is_chosen in zip(documents, chosen, strict=True) if is_chosen), chunksize=_CHUNK
        )
        for count, (document, is_chosen) in enumerate(zip(documents, chosen, strict=True), 1):
            text = next(texts) if is_chosen else ""
            yield replace(document, text=text) if text.strip() else document
            if progress:
                progress(count)


def _is_chosen(document: GeneratedDocument, share: float, picture_share: float) -> bool:
    random = Random(f"{document.seed}/read")  # noqa: S311 - draws samples, guards nothing
    return random.random() < (picture_share if usual_format(document) in PICTURES else share)


def _text_of(document: GeneratedDocument) -> str:
    """What is read; nothing where the file is refused."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "document"
        path.write_bytes(render(document).content)
        try:
            return gather(read_document(ReadRequest(str(path)), ReadingSettings())).text
        except DocumentError:
            return ""
