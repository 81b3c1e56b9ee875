"""Files made to hurt their reader are read, or refused with a reason; the next document never notices."""

from collections.abc import Callable
from pathlib import Path

import pytest

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import CorruptDocument, DocumentError, ReadingLimitExceeded
from heron_grpc.reading.pool import ReadingPool

MakePool = Callable[..., ReadingPool]
LIMITS = {"cpu_s": 3, "wall_s": 15, "memory_mb": 500}


@pytest.mark.parametrize("name", ["flate_bomb", "huge_mediabox", "deep_array", "self_reference", "exponential_forms"])
async def test_hostile_pdf(
    make_pool: MakePool, hostile_pdfs: dict[str, bytes], tmp_path: Path, note: ReadRequest, name: str
) -> None:
    pool = make_pool(**LIMITS)
    (tmp_path / name).write_bytes(hostile_pdfs[name])
    outcome, refused = None, None
    try:
        outcome = await pool.read(ReadRequest(str(tmp_path / name)))
    except DocumentError as error:
        refused = error
    if outcome:
        assert outcome.reading.text.strip() or outcome.reading.warnings
    else:
        assert isinstance(refused, CorruptDocument | ReadingLimitExceeded)
    assert (await pool.read(note)).reading.text


async def test_image_that_decompresses_into_gigabytes(make_pool: MakePool, bomb_png: bytes, tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(bomb_png)
    with pytest.raises(ReadingLimitExceeded, match="pixels"):
        await make_pool(**LIMITS).read(ReadRequest(str(tmp_path / "bomb")))


async def test_deeply_nested_word_document(
    make_pool: MakePool, repacked: Callable[..., bytes], tmp_path: Path, note: ReadRequest
) -> None:
    body = b"<w:tbl><w:tr><w:tc>" * 50_000 + b"</w:tc></w:tr></w:tbl>" * 50_000
    namespace = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = b"<w:document %b><w:body>%b</w:body></w:document>" % (namespace, body)
    (tmp_path / "deep").write_bytes(repacked(word__document_xml=document))
    pool = make_pool(**LIMITS)
    with pytest.raises((CorruptDocument, ReadingLimitExceeded)):
        await pool.read(ReadRequest(str(tmp_path / "deep")))
    assert (await pool.read(note)).reading.text
