"""Documents damaged at random are read, or refused with a reason; nobody dies of them whose death is not told.

`make fuzz` tries more of them: FUZZ_SAMPLES says how many.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from heron_grpc.domain.document import OcrMode, ReadRequest
from heron_grpc.domain.errors import DocumentError
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import ReadingSettings
from hostile.samples import WHOLE_DOCUMENTS, sample

SAMPLES = int(os.environ.get("FUZZ_SAMPLES", "2000"))
BATCH = 250
AT_ONCE = 3
LIMITS = {"cpu_s": 2, "wall_s": 30, "memory_mb": 1024}
# A child may be ended for these; a crash is told to who sent the document.
ACCOUNTED = {"cpu", "memory", "wall", "output", "crash", "recycled", "surplus"}


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    started = ReadingPool(ReadingSettings(children=2, **LIMITS))
    started.start()
    yield started
    asyncio.run(started.close())


@dataclass
class Tally:
    """How the documents of a batch ended, and the first that ended as none may."""

    outcomes: Counter[str]
    wrong: list[str]


async def try_one(pool: ReadingPool, number: int, folder: Path, tally: Tally) -> None:
    name, content = sample(number)
    path = folder / str(number)
    await asyncio.to_thread(path.write_bytes, content)
    try:
        reading = (await pool.read(ReadRequest(str(path), ocr=OcrMode.NEVER))).reading
    except DocumentError as error:
        tally.outcomes[error.metadata.get("limit", error.reason)] += 1
    except Exception as error:  # noqa: BLE001  whatever it is, it is told with the sample's number
        tally.wrong.append(f"sample {number} ({name}): {error!r}")
    else:
        tally.outcomes["read"] += 1
        if not reading.text.strip() and not reading.warnings:
            tally.wrong.append(f"sample {number} ({name}): nothing, without a reason")


@pytest.mark.parametrize("first", range(0, SAMPLES, BATCH))
async def test_damaged_documents_are_read_or_refused(pool: ReadingPool, first: int, tmp_path: Path) -> None:
    server, kills = pool._server.pid, pool.kills.copy()
    numbers = iter(range(first, min(first + BATCH, SAMPLES)))
    tally = Tally(Counter(), [])

    async def work() -> None:
        for number in numbers:
            await try_one(pool, number, tmp_path, tally)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert not tally.wrong
    died = pool.kills - kills
    assert set(died) <= ACCOUNTED
    assert died["crash"] <= 2 * tally.outcomes["crash"]
    assert pool._server.pid == server
    assert pool.ready


@pytest.mark.parametrize("name", WHOLE_DOCUMENTS)
async def test_what_the_samples_are_made_of_is_read(pool: ReadingPool, name: str, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(WHOLE_DOCUMENTS[name]())
    reading = (await pool.read(ReadRequest(str(path), ocr=OcrMode.NEVER))).reading
    assert reading.text.strip() or reading.warnings


def test_a_number_is_always_the_same_sample() -> None:
    assert [sample(number) for number in range(60)] == [sample(number) for number in range(60)]
    assert len({sample(number)[1] for number in range(200)}) > 190
