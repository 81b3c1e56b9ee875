"""What a child says is checked before it is believed."""

import json
import pickle

import pytest

from heron_grpc.domain.document import (
    Box,
    DocumentWarning,
    OcrMode,
    Page,
    Reading,
    ReadRequest,
    Table,
    TextSource,
    Word,
)
from heron_grpc.domain.errors import EncryptedDocument, ProtocolError, ReadingLimitExceeded
from heron_grpc.reading import wire

READING = Reading(
    "application/pdf",
    (
        Page(
            2, "zwölf 𝄞", 595.0, 842.0, (Word(0, 5, Box(0.1, 0.2, 0.30000000000000004, 0.4)),), TextSource.OCR, 90, 0.9
        ),
    ),
    (Table(2, (("a", "b"), ("c",))),),
    {"title": "x"},
    (DocumentWarning("CODE", "message", "read", 2),),
    1.5,
)


def test_a_reading_arrives_as_it_was() -> None:
    assert wire.decode_answer(wire.encode_answer(wire.Answer(reading=READING))).reading == READING


def test_a_request_arrives_as_it_was() -> None:
    request = ReadRequest("/spool/1", "näme.pdf", OcrMode.ALWAYS, ("de",), ((1, 3),))
    assert wire.decode_request(wire.encode_request(request)) == request


def test_an_error_arrives_as_it_was() -> None:
    sent = ReadingLimitExceeded("too much", {"limit": "memory"})
    failure = wire.decode_answer(wire.encode_answer(wire.Answer(failure=wire.as_failure(sent)))).failure
    assert failure
    received = wire.as_error(failure)
    assert (type(received), received.message, received.metadata) == (type(sent), sent.message, sent.metadata)


class Foreign:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("code of the child runs in the parent",)


@pytest.mark.parametrize(
    "payload",
    [
        pickle.dumps(Foreign()),
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b'{"reading": {"media_type": 1, "pages": []}}',
        b'{"reading": {"media_type": "a", "pages": [{"number": "x", "text": "y"}]}}',
        b"[" * 100_000,
        json.dumps({"reading": {"media_type": "a", "pages": []}, "failure": {"kind": "A", "message": "b"}}).encode(),
    ],
    ids=range(9),
)
def test_anything_but_an_answer_is_refused(payload: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProtocolError):
        wire.decode_answer(payload)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("kind", ["ConfigurationError", "SystemExit", "print"])
def test_errors_of_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ProtocolError):
        wire.as_error(wire.Failure(kind, "message"))


def test_known_errors_keep_their_class() -> None:
    assert isinstance(wire.as_error(wire.Failure("EncryptedDocument", "message")), EncryptedDocument)
