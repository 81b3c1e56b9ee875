"""Generated documents as the reader returns them: rendered to files and read, because that is what the model sees."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import DocumentError
from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.generator.rendering import PICTURES, render, usual_format
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings


def read_back(
    documents: Sequence[GeneratedDocument], share: float, picture_share: float, settings: ReadingSettings | None = None
) -> list[GeneratedDocument]:
    """The documents in their order, some with the text that is read from their files; the others keep theirs.

    It is `share` of those that come as files with a text, and `picture_share` of those that come as pictures. Which
    depends on their seeds. What is refused or has no text keeps its own. Blocks. Raises ReaderUnavailable.
    """
    return asyncio.run(_read_back(documents, share, picture_share, settings or ReadingSettings()))


async def _read_back(
    documents: Sequence[GeneratedDocument], share: float, picture_share: float, settings: ReadingSettings
) -> list[GeneratedDocument]:
    pool = ReadingPool(settings)
    pool.start()
    places = asyncio.Semaphore(settings.children)

    async def _read(document: GeneratedDocument) -> GeneratedDocument:
        if not _is_chosen(document, share, picture_share):
            return document
        async with places:
            text = await _text_of(document, pool)
        return replace(document, text=text) if text.strip() else document

    try:
        return list(await asyncio.gather(*map(_read, documents)))
    finally:
        await pool.close()


def _is_chosen(document: GeneratedDocument, share: float, picture_share: float) -> bool:
    random = Random(f"{document.seed}/read")  # noqa: S311 - draws samples, guards nothing
    return random.random() < (picture_share if usual_format(document) in PICTURES else share)


async def _text_of(document: GeneratedDocument, pool: ReadingPool) -> str:
    """What is read; nothing where the file is refused."""
    rendered = await asyncio.to_thread(render, document)
    with tempfile.NamedTemporaryFile() as file:
        await asyncio.to_thread(Path(file.name).write_bytes, rendered.content)
        try:
            return (await pool.read(ReadRequest(file.name))).reading.text
        except DocumentError:
            return ""
