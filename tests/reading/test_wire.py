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
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ProtocolError, ReadingLimitExceeded
from heron_grpc.reading import wire
from heron_grpc.reading.answer_frames import MOST_FRAME_BYTES, Assembly, encode_answer

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


END = {"reading": {"media_type": "text/plain", "pages": []}}
PAGE = {"page": {"number": 1, "text": "heron", "width": 10, "height": 10}}
BOX = {"x_min": 0.1, "y_min": 0.1, "x_max": 0.2, "y_max": 0.2}


def travelled(answer: wire.Answer) -> wire.Answer:
    """Through all its frames."""
    *others, last = encode_answer(answer)
    assembly = Assembly()
    assert [assembly.add(frame) for frame in others] == [None] * len(others)
    arrived = assembly.add(last)
    assert arrived
    return arrived


def tell(*frames: dict[str, object]) -> wire.Answer | None:
    assembly = Assembly()
    return [assembly.add(json.dumps(frame).encode()) for frame in frames][-1]


def word(start: float = 0, end: float = 5, confidence: float = 1, **box: float) -> dict[str, object]:
    return {"words": [{"start": start, "end": end, "box": BOX | box, "confidence": confidence}]}


def test_a_reading_arrives_as_it_was() -> None:
    assert travelled(wire.Answer(reading=READING)).reading == READING


LONG = "zwölf Reiher \x01 𝄞 " * 3000


@pytest.mark.parametrize(
    "table",
    [
        Table(1, ()),
        Table(1, ((), ("",), ("", ""), ())),
        Table(1, ((LONG, "b", LONG), ("c",), (LONG[:40_000],))),
        Table(1, (("cell",) * 20_000, ("d",))),
        Table(1, tuple((str(number), "") for number in range(9000))),
        Table(1, ((LONG[: 16 * 1024], LONG[: 16 * 1024 - 3], ""), (LONG[: 32 * 1024],))),
    ],
    ids=range(6),
)
def test_a_large_reading_arrives_as_it_was_in_small_frames(table: Table) -> None:
    words = tuple(Word(at, at + 1, Box(0.1, 0.2, 0.3, 0.4), 0.5) for at in range(2000))
    reading = Reading(
        "text/plain",
        (Page(1, LONG, words=words), Page(2, ""), Page(7, "last", words=words[:1])),
        (table, Table(2, (("x",),))),
        {f"key {number}": "\x02" * 1000 for number in range(100)},
        tuple(DocumentWarning("CODE", "message", "read", number) for number in range(50)),
    )
    assert travelled(wire.Answer(reading=reading)).reading == reading
    assert max(map(len, encode_answer(wire.Answer(reading=reading)))) < MOST_FRAME_BYTES


def test_a_text_that_cannot_travel_is_the_documents_fault() -> None:
    with pytest.raises(CorruptDocument):
        list(encode_answer(wire.Answer(reading=Reading("text/plain", (Page(1, "\ud800"),)))))


def test_a_request_arrives_as_it_was() -> None:
    request = ReadRequest("/spool/1", "näme.pdf", OcrMode.ALWAYS, ("de",), ((1, 3),))
    assert wire.decode_request(wire.encode_request(request)) == request


def test_an_error_arrives_as_it_was() -> None:
    sent = ReadingLimitExceeded("too much", {"limit": "memory"})
    failure = travelled(wire.Answer(failure=wire.as_failure(sent))).failure
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
        b"[]",
        b"\xff\xfe",
        b'{"reading": {"media_type": 1, "pages": []}}',
        b'{"reading": {"media_type": "a", "pages": [{"number": "x", "text": "y"}]}}',
        b"[" * 100_000,
        json.dumps(END | {"failure": {"kind": "SystemExit", "message": "b"}}).encode(),
    ],
    ids=range(8),
)
def test_anything_but_an_answer_is_refused(payload: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProtocolError):
        Assembly().add(payload)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("kind", ["ConfigurationError", "SystemExit", "print"])
def test_errors_of_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ProtocolError):
        wire.as_error(wire.Failure(kind, "message"))


def test_known_errors_keep_their_class() -> None:
    assert isinstance(wire.as_error(wire.Failure("EncryptedDocument", "message")), EncryptedDocument)


def test_legal_frames_are_an_answer() -> None:
    answer = tell(PAGE, word(), {"table": 1}, {"rows": [["a"]]}, {"rows": [["b"], ["c"]], "joint": "piece"}, END)
    assert answer
    assert answer.reading
    assert answer.reading.pages[0].words[0].end == 5
    assert answer.reading.tables[0].rows == (("ab",), ("c",))


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    "frame",
    [
        *(word(*place) for place in ((-1, 5), (0, 6), (3, 3), (4, 2), (0, 5, 1.1), (0, 5, -0.1), (0, 5, NAN))),
        *(word(**{side: value}) for side in BOX for value in (-0.1, 1.1, NAN, INFINITE)),
        word(x_min=0.3),
        word(y_min=0.3),
        *({"page": PAGE["page"] | {"number": 2, "width": value}} for value in (-1, NAN, INFINITE, 1e300)),
        *({"page": PAGE["page"] | {"number": 2, "height": value}} for value in (-1, NAN, INFINITE, 1e300)),
        *({"page": PAGE["page"] | {"number": number}} for number in (-1, 0, 1, 10**12)),
        {"page": PAGE["page"] | {"number": 2, "rotation": 45}},
        {"page": PAGE["page"] | {"number": 2, "ocr_confidence": NAN}},
        {"page": PAGE["page"] | {"number": 2} | word()},
        {"rows": [["no table"]]},
        {"table": 0},
        {"reading": END["reading"] | {"ocr_s": NAN}},
        {"reading": END["reading"] | {"pages": [PAGE["page"]]}},
    ],
)
def test_values_that_cannot_be_are_refused(frame: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        tell(PAGE, frame, END)


@pytest.mark.parametrize(
    "frames",
    [
        [word()],
        [{"text": "no page"}],
        [{"table": 1}, {"rows": [["a"]], "joint": "cell"}],
        [{"table": 1}, {"rows": [[]]}, {"rows": [["a"]], "joint": "piece"}],
        [{"table": 1}, {"rows": [["a" * 140_000]]}],
        [{"table": 1}, {"rows": [["a" * 100_000]]}, {"rows": [["a" * 100_000]], "joint": "piece"}],
    ],
)
def test_frames_that_do_not_fit_together_are_refused(frames: list[dict[str, object]]) -> None:
    with pytest.raises(ProtocolError):
        tell(*frames, END)


FAILURE = {"kind": "CorruptDocument", "message": "m", "cause": "struct.error", "metadata": {"limit": "cpu"}}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "ConfigurationError"},
        {"kind": "SystemExit"},
        {"message": "m" * 501},
        {"cause": "C" * 201},
        {"cause": "no name"},
        {"cause": "line\n"},
        {"metadata": {str(number): "v" for number in range(9)}},
        {"metadata": {"k": "v" * 201}},
        {"metadata": {"k" * 201: "v"}},
    ],
)
def test_failures_out_of_bounds_are_refused(change: dict[str, object]) -> None:
    assert tell({"failure": FAILURE})
    with pytest.raises(ProtocolError):
        tell({"failure": FAILURE | change})


def test_errors_are_cut_to_what_may_travel() -> None:
    cause = type("Odd name\n" * 50, (Exception,), {})
    error = CorruptDocument("m" * 1000, {str(number) * 300: "v" * 300 for number in range(20)})
    error.__cause__ = cause()
    arrived = travelled(wire.Answer(failure=wire.as_failure(error))).failure
    assert arrived
    assert (len(arrived.message), len(arrived.metadata), len(arrived.cause)) == (500, 8, 200)
