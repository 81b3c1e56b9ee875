"""A document that has ended several readers is refused for a while; others, and other reasons, are not."""

import pytest

from heron_grpc.domain.errors import CorruptDocument, HeronError, ReadingLimitExceeded
from heron_grpc.reading.refused_documents import _MOST_DOCUMENTS, RefusedDocuments

KILLER, OTHER = "a" * 64, "b" * 64


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def limit(name: str) -> ReadingLimitExceeded:
    return ReadingLimitExceeded("too much", {"limit": name})


def read(documents: RefusedDocuments, sha256: str, error: HeronError | None = None) -> str:
    """How reading ends: the limit's name, or nothing."""
    try:
        with documents.watched(sha256):
            if error:
                raise error
    except ReadingLimitExceeded as raised:
        return raised.metadata["limit"]
    return ""


@pytest.mark.parametrize(("name", "readings"), [("cpu", 3), ("memory", 3), ("wall", 3), ("crash", 2)])
def test_a_document_that_ended_three_readers_is_refused(name: str, readings: int) -> None:
    documents = RefusedDocuments(3, 60)
    assert [read(documents, KILLER, limit(name)) for _ in range(readings)] == [name] * readings
    assert read(documents, KILLER) == "refused"
    assert read(documents, OTHER) == ""
    assert documents.count == 1


def test_errors_that_end_no_reader_do_not_count() -> None:
    documents = RefusedDocuments(1, 60)
    assert read(documents, KILLER, limit("output")) == "output"
    with pytest.raises(CorruptDocument):
        read(documents, KILLER, CorruptDocument("broken"))
    assert read(documents, KILLER) == ""


def test_it_is_read_again_when_the_time_is_over() -> None:
    clock = Clock()
    documents = RefusedDocuments(1, 60, clock)
    read(documents, KILLER, limit("cpu"))
    clock.now = 59
    assert read(documents, KILLER) == "refused"
    clock.now = 61
    assert read(documents, KILLER) == ""


def test_refusing_can_be_switched_off() -> None:
    documents = RefusedDocuments(0, 60)
    for _ in range(5):
        assert read(documents, KILLER, limit("crash")) == "crash"
    assert read(documents, KILLER) == ""


def test_documents_without_a_digest_are_never_refused() -> None:
    documents = RefusedDocuments(1, 60)
    read(documents, "", limit("crash"))
    assert read(documents, "") == ""


def test_what_is_remembered_is_bounded() -> None:
    documents = RefusedDocuments(1, 60)
    for number in range(_MOST_DOCUMENTS + 1):
        read(documents, f"{number:064}", limit("cpu"))
    assert read(documents, f"{0:064}") == ""
    assert read(documents, f"{_MOST_DOCUMENTS:064}") == "refused"
