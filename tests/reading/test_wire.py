"""What a child says is checked before it is believed."""

import json
import pickle
from collections.abc import Iterator

import pytest

from heron_grpc.domain.document import (
    Box,
    DocumentWarning,
    OcrMode,
    Page,
    Part,
    Reading,
    ReadRequest,
    Table,
    TextSource,
    Word,
)
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, HeronError, ProtocolError, ReadingLimitExceeded
from heron_grpc.domain.steps import Effort, Metadata, Step, gather
from heron_grpc.reading import wire
from heron_grpc.reading.answer_frames import MOST_FRAME_BYTES, Assembly, encode_failure, encode_steps

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


BEGIN = {"small": [{"number": 0, "media_type": "text/plain"}]}
END = {"end": True}
PAGE = {"page": {"number": 1, "text": "heron", "width": 10, "height": 10}}
WHOLE = {"whole": True}
BOX = {"x_min": 0.1, "y_min": 0.1, "x_max": 0.2, "y_max": 0.2}


def steps_of(reading: Reading) -> list[Step]:
    """In another order than they may have come in, which `gather` does not mind."""
    document = Part(0, reading.media_type)
    tables = [table for table in reading.tables if table.page not in {page.number for page in reading.pages}]
    steps: list[Step] = [document, *reading.parts, Metadata(reading.metadata)]
    for page in reading.pages:
        steps += [page, *(table for table in reading.tables if table.page == page.number)]
    return [*steps, *tables, *reading.warnings, *([Effort(reading.ocr_s)] if reading.ocr_s else [])]


def travelled(reading: Reading, *, promptly: bool = False) -> Reading:
    """Through all its frames."""
    assembly = Assembly()
    steps: list[Step] = []
    for frame in encode_steps(steps_of(reading), promptly=promptly):
        assert not assembly.is_over
        steps += assembly.add(frame)
    assert assembly.is_over
    assert not assembly.failure
    return gather(steps)


def failed(error: HeronError) -> wire.Failure:
    """A failure as it arrives."""
    assembly = Assembly()
    assert not assembly.add(encode_failure(wire.as_failure(error)))
    assert assembly.failure
    return assembly.failure


def tell(*frames: dict[str, object]) -> Assembly:
    assembly = Assembly()
    for frame in frames:
        assembly.add(json.dumps(frame).encode())
    return assembly


def word(start: float = 0, end: float = 5, confidence: float = 1, **box: float) -> dict[str, object]:
    return {"words": [{"start": start, "end": end, "box": BOX | box, "confidence": confidence}]}


@pytest.mark.parametrize("promptly", [False, True])
def test_a_reading_arrives_as_it_was(promptly: bool) -> None:
    assert travelled(READING, promptly=promptly) == READING


def test_steps_wanted_promptly_leave_as_soon_as_they_are_there() -> None:
    told: list[str] = []

    def steps() -> Iterator[Step]:
        yield Part(0, "text/plain")
        for number in (1, 2):
            told.append(f"before page {number}")
            yield Page(number, "text")

    for frame in encode_steps(steps(), promptly=True):
        told += [f"page {json.loads(frame)['page']['number']}"] if b'"page"' in frame else []
    assert told == ["before page 1", "page 1", "before page 2", "page 2"]


def test_a_short_reading_takes_two_frames() -> None:
    assert len(list(encode_steps(steps_of(READING)))) == 3
    assert len(list(encode_steps([Part(0, "text/plain"), Metadata({"a": "b"}), Page(1, "text")]))) == 2


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
    assert travelled(reading) == reading
    assert max(map(len, encode_steps(steps_of(reading)))) < MOST_FRAME_BYTES


def test_a_text_that_cannot_travel_is_the_documents_fault() -> None:
    with pytest.raises(CorruptDocument):
        list(encode_steps([Part(0, "text/plain"), Page(1, "\ud800")]))


def test_a_request_arrives_as_it_was() -> None:
    request = ReadRequest("/spool/1", "näme.pdf", OcrMode.ALWAYS, ("de",), ((1, 3),))
    assert wire.decode_request(wire.encode_request(request)) == request


def test_an_error_arrives_as_it_was() -> None:
    sent = ReadingLimitExceeded("too much", {"limit": "memory"})
    received = wire.as_error(failed(sent))
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
        b'{"small": [{"number": 0, "media_type": 1}]}',
        b'{"small": [{"number": 1, "media_type": "a"}]}',
        b'{"page": {"number": "x", "text": "y"}}',
        b"[" * 100_000,
        json.dumps(END | {"failure": {"kind": "SystemExit", "message": "b"}}).encode(),
    ],
    ids=range(9),
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
    rows = ({"table": 1}, {"rows": [["a"]]}, {"rows": [["b"], ["c"]], "joint": "piece"})
    assembly = Assembly()
    steps = []
    for frame in (BEGIN, PAGE, word(), WHOLE, *rows, WHOLE, END):
        steps += assembly.add(json.dumps(frame).encode())
    assert assembly.is_over
    reading = gather(steps)
    assert reading.pages[0].words[0].end == 5
    assert reading.tables[0].rows == (("ab",), ("c",))


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
        {"page": PAGE["page"] | {"number": 2, "quality": 1.1}},
        {"page": PAGE["page"] | {"number": 2, "language_confidence": NAN}},
        {"page": PAGE["page"] | {"number": 2, "part": 1}},
        {"small": [{"ocr_s": NAN}]},
        {"small": [{"number": 2, "media_type": "text/plain"}]},
        {"small": [{"number": 1, "media_type": "text/plain", "container": 1}]},
    ],
)
def test_values_that_cannot_be_are_refused(frame: dict[str, object]) -> None:
    # Words belong to an open page, all else stands between pages.
    opened = [BEGIN, PAGE] if frame.keys() == {"words"} else [BEGIN, PAGE, WHOLE]
    with pytest.raises(ProtocolError):
        tell(*opened, frame, WHOLE, END)


@pytest.mark.parametrize(
    "frames",
    [
        [word()],
        [{"text": "no page"}],
        [{"table": 1}, {"rows": [["a"]], "joint": "cell"}],
        [{"table": 1}, {"rows": [[]]}, {"rows": [["a"]], "joint": "piece"}],
        [{"table": 1}, {"rows": [["a" * 140_000]]}],
        [{"table": 1}, {"rows": [["a" * 100_000]]}, {"rows": [["a" * 100_000]], "joint": "piece"}],
        [],
        [PAGE, {"table": 1}],
        [PAGE, END],
        [PAGE, PAGE],
    ],
)
def test_frames_that_do_not_fit_together_are_refused(frames: list[dict[str, object]]) -> None:
    with pytest.raises(ProtocolError):
        tell(BEGIN, *frames, WHOLE, END)


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
    assert tell({"failure": FAILURE}).failure
    with pytest.raises(ProtocolError):
        tell({"failure": FAILURE | change})


def test_errors_are_cut_to_what_may_travel() -> None:
    cause = type("Odd name\n" * 50, (Exception,), {})
    error = CorruptDocument("m" * 1000, {str(number) * 300: "v" * 300 for number in range(20)})
    error.__cause__ = cause()
    arrived = failed(error)
    assert (len(arrived.message), len(arrived.metadata), len(arrived.cause)) == (500, 8, 200)
