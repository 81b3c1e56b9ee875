"""A document that is read in a millisecond."""

from pathlib import Path

import pytest

from heron_grpc.domain.document import ReadRequest


@pytest.fixture
def note(tmp_path: Path) -> ReadRequest:
    path = tmp_path / "note.txt"
    path.write_text("A short note about herons", encoding="utf-8")
    return ReadRequest(str(path), "note.txt")
