"""Uploads are spooled into files without a name; every format is read from /proc/PID/fd/N."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from heron_grpc.domain.document import ReadRequest
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.registry import media_types

MakePool = Callable[..., ReadingPool]


@pytest.fixture
def documents(
    text_pdf: Path, simple_docx: Path, draw: Callable[..., Image.Image], tmp_path: Path
) -> dict[str, tuple[bytes, str]]:
    """Content and a word of it, by media type."""
    picture = draw(("INVOICE number 4711",), (700, 150))
    for suffix in ("png", "jpeg"):
        picture.save(tmp_path / f"picture.{suffix}")
    return {
        "application/pdf": (text_pdf.read_bytes(), "INVOICE"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (simple_docx.read_bytes(), "table"),
        "image/jpeg": ((tmp_path / "picture.jpeg").read_bytes(), "INVOICE"),
        "image/png": ((tmp_path / "picture.png").read_bytes(), "INVOICE"),
        "text/csv": (b"item,price\nrod,99.00\nline,12.50\n", "rod"),
        "text/plain": (b"A short note about herons", "herons"),
    }


@pytest.mark.parametrize("media_type", media_types())
async def test_a_file_without_a_name_is_read(
    make_pool: MakePool, documents: dict[str, tuple[bytes, str]], media_type: str
) -> None:
    content, word = documents[media_type]
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        path = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        reading = (await make_pool().read(ReadRequest(path))).reading
    assert reading.media_type == media_type
    assert word in reading.text
