"""Files made to hurt their reader are read, or refused with a reason; the service answers all the while."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import DocumentError
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings
from hostile.archive_files import ARCHIVE_FILES
from hostile.hostile_file import HostileFile, Outcome
from hostile.image_files import IMAGE_FILES
from hostile.pdf_files import PDF_FILES
from hostile.text_files import TEXT_FILES

# Far below what one document may take, so that those that take all they can do not take it here.
LIMITS = {"cpu_s": 3, "wall_s": 30, "memory_mb": 1024, "ocr_budget_s": 2}
FILES = (*PDF_FILES, *ARCHIVE_FILES, *IMAGE_FILES, *TEXT_FILES)
# What entities point to that no document may say.
OUTSIDE = set(Path("/etc/hostname").read_text(encoding="utf-8").split()) if Path("/etc/hostname").exists() else set()


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    """Two children: one for the document, one for who else asks."""
    started = ReadingPool(ReadingSettings(children=2, **LIMITS))
    started.start()
    yield started
    asyncio.run(started.close())


async def outcome_of(pool: ReadingPool, path: Path) -> Outcome:
    try:
        reading = (await pool.read(ReadRequest(str(path)))).reading
    except DocumentError as error:
        return Outcome(type(error).__name__)
    assert not OUTSIDE & set(reading.text.split())
    if reading.text.strip():
        return Outcome.READ
    assert reading.warnings
    return Outcome.WARNED


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
async def test_is_read_or_refused_with_a_reason(
    pool: ReadingPool, file: HostileFile, tmp_path: Path, note: ReadRequest
) -> None:
    path = tmp_path / "document"
    path.write_bytes(file.make())
    hostile = asyncio.ensure_future(outcome_of(pool, path))
    answered = 0
    while not hostile.done() or not answered:
        assert (await pool.read(note)).reading.text
        answered += 1
        await asyncio.wait({hostile}, timeout=0.05)
    assert await hostile in file.outcomes
    assert pool.ready


def test_there_are_files_of_every_kind() -> None:
    names = [file.name for file in FILES]
    assert len(names) == len(set(names)) >= 60
