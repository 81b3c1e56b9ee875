"""Random sequences of stream messages against a model of the protocol: every one ends as the contract says."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import grpc
import pytest
from google.rpc import error_details_pb2

from heron import HeronServiceError
from heron.v1 import classification_pb2 as pb
from heron_grpc.domain.errors import CorruptDocument

SEQUENCES = 2500
BATCHES = 5
LONG = bytes(2000)
UNDECODABLE = b"\xff\xff\xff"
LIMITS = {"max_chunk_bytes": 1000, "max_document_bytes": 3000, "max_inline_bytes": 500, "max_chunks": 12}
OK = "OK"


@dataclass
class Open:
    """A document whose chunks arrive."""

    item_id: str
    size: int = 0
    chunks: int = 0
    sha256: object = field(default_factory=hashlib.sha256)
    # Why it has failed already, if it has.
    failed: str = ""


@dataclass
class Model:
    """What the contract says of the messages so far: how the stream ends, and what each document may be answered."""

    started: bool = False
    violated: bool = False
    ordered: bool = False
    open: Open | None = None
    answers: dict[str, set[str]] = field(default_factory=dict)

    def answer(self, item_id: str, *outcomes: str) -> None:
        self.answers[item_id] = set(outcomes)


Step = Callable[[Random, Model, int], bytes]


def start(random: Random, model: Model, _: int) -> bytes:
    if model.started:
        model.violated = True
    else:
        model.started, model.ordered = True, random.random() < 0.3
    return pb.ClassifyBulkRequest(
        start=pb.ClassifyBulkStart(ordered=model.ordered, max_in_flight=random.choice([0, 1, 5, 1000]))
    ).SerializeToString()


def item(random: Random, model: Model, number: int) -> bytes:
    item_id = f"{number}"
    if model.open or not model.started:
        model.violated = True
    words = f"words of document {random.random()}"
    sources = {
        OK: [{"text": words}, {"content": pb.InlineContent(data=words.encode())}],
        "INVALID_REQUEST": [{}, {"text": "  "}, {"content": pb.InlineContent(data=b"x", filename="a\nb")}],
        "DOCUMENT_TOO_LARGE": [{"content": pb.InlineContent(data=LONG)}],
        "DOCUMENT_CORRUPT": [{"content": pb.InlineContent(data=b"damaged")}],
    }
    outcome = random.choice([OK, OK, *sources])
    model.answer(item_id, outcome)
    return pb.ClassifyBulkRequest(
        item=pb.ClassifyBulkItem(item_id=item_id, **random.choice(sources[outcome]))
    ).SerializeToString()


def nameless(random: Random, model: Model, _: int) -> bytes:
    model.violated = True
    return pb.ClassifyBulkRequest(
        item=pb.ClassifyBulkItem(item_id=random.choice(["", "x" * 129]), text="words")
    ).SerializeToString()


def upload(random: Random, model: Model, number: int) -> bytes:
    if model.open or not model.started:
        model.violated = True
    model.open = Open(f"{number}")
    header, failed = random.choice(
        [
            ({}, ""),
            ({}, ""),
            ({"filename": "a.txt"}, ""),
            ({"size_bytes": 10_000}, "DOCUMENT_TOO_LARGE"),
            ({"filename": "a\nb"}, "INVALID_REQUEST"),
        ]
    )
    model.open.failed = failed
    model.answer(model.open.item_id, failed or OK)
    return pb.ClassifyBulkRequest(
        item=pb.ClassifyBulkItem(item_id=model.open.item_id, upload=pb.UploadHeader(**header))
    ).SerializeToString()


def chunk(random: Random, model: Model, _: int) -> bytes:
    data = LONG if random.random() < 0.05 else random.randbytes(random.choice([0, 1, 100, 900]))
    if model.open is None:
        model.violated = True
        return pb.ClassifyBulkRequest(chunk=data).SerializeToString()
    receiving = model.open
    receiving.chunks += 1
    if not receiving.failed:
        receiving.size += len(data)
        receiving.sha256.update(data)
        if len(data) > 1000 or receiving.chunks > 12:
            receiving.failed = "INVALID_REQUEST"
        elif receiving.size > 3000:
            receiving.failed = "DOCUMENT_TOO_LARGE"
        if receiving.failed:
            # A chunk is on its way to the disk when the next one is looked at.
            model.answer(receiving.item_id, "INVALID_REQUEST", "DOCUMENT_TOO_LARGE")
    return pb.ClassifyBulkRequest(chunk=data).SerializeToString()


def trailer(random: Random, model: Model, _: int) -> bytes:
    if model.open is None:
        model.violated = True
        return pb.ClassifyBulkRequest(trailer=pb.UploadTrailer()).SerializeToString()
    receiving, model.open = model.open, None
    size, sha256 = receiving.size, receiving.sha256.hexdigest()
    facts, outcome = random.choice(
        [
            ({}, OK),
            ({"size_bytes": size, "sha256": sha256}, OK),
            ({"size_bytes": size + 1}, "UPLOAD_MISMATCH"),
            ({"sha256": "0" * 64}, "UPLOAD_MISMATCH"),
            ({"sha256": "no digest"}, "INVALID_REQUEST"),
        ]
    )
    if not receiving.failed:
        model.answer(receiving.item_id, outcome)
    return pb.ClassifyBulkRequest(trailer=pb.UploadTrailer(**facts)).SerializeToString()


def cancel(random: Random, model: Model, _: int) -> bytes:
    if not model.started:
        model.violated = True
    if model.open and random.random() < 0.7:
        item_id, failed = model.open.item_id, model.open.failed
        model.answer(item_id, "CANCELLED", *model.answers[item_id] - ({OK} if not failed else set()))
        model.open = None
    else:
        item_id = "nobody's"
    return pb.ClassifyBulkRequest(cancel=pb.ClassifyBulkCancel(item_id=item_id)).SerializeToString()


def nonsense(random: Random, model: Model, _: int) -> bytes:
    model.violated = True
    return random.choice([b"", UNDECODABLE])


STEPS: list[Step] = (
    [item] * 8 + [upload] * 4 + [chunk] * 12 + [trailer] * 6 + [cancel] * 2 + [start, nameless, nonsense]
)


def draw(random: Random) -> tuple[list[bytes], Model]:
    """A sequence and what the model says of it; mostly valid, so that it gets somewhere."""
    model = Model()
    messages = [start(random, model, 0)] if random.random() < 0.95 else []
    for number in range(random.randrange(25)):
        if model.open and random.random() < 0.8:
            step = random.choice([chunk, chunk, trailer])
        elif random.random() < 0.8:
            step = random.choice([item, item, upload])
        else:
            step = random.choice(STEPS)
        messages.append(step(random, model, number))
        if model.violated:
            break
    if not model.started:
        model.violated = True
    if model.open and not model.open.failed:
        model.answer(model.open.item_id, "INVALID_REQUEST")
    return messages, model


def reason(result: pb.ClassifyBulkResult) -> str:
    if result.WhichOneof("result") == "classification":
        return OK
    info = error_details_pb2.ErrorInfo()
    return next(info.reason for detail in result.error.details if detail.Unpack(info))


def check(front, seed: int) -> None:
    messages, model = draw(Random(seed))
    call = front.blocking_channel.stream_stream(
        "/heron.v1.ClassificationService/ClassifyBulk", response_deserializer=pb.ClassifyBulkResponse.FromString
    )
    found: dict[str, str] = {}
    try:
        for response in call(iter(messages), timeout=60):
            if response.WhichOneof("payload") == "result":
                assert response.result.item_id not in found, f"seed {seed}: answered twice"
                found[response.result.item_id] = reason(response.result)
    except grpc.RpcError as error:
        told = HeronServiceError(error)
        assert model.violated, f"seed {seed}: {told}"
        assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"), f"seed {seed}"
        assert told.request_id, f"seed {seed}"
    else:
        assert not model.violated, f"seed {seed}: the stream should have been ended"
        assert found.keys() == model.answers.keys(), f"seed {seed}"
        assert not model.ordered or [*found] == [*model.answers], f"seed {seed}: not in the order asked"
    for item_id, outcome in found.items():
        assert outcome in model.answers[item_id] | ({"INVALID_REQUEST"} if model.violated else set()), f"seed {seed}"


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_every_sequence_of_a_bulk_stream_ends_as_the_contract_says(start_front, batch, tmp_path):
    front = await start_front(**LIMITS)

    async def behave(_):
        if front.pool.seen[-1] == b"damaged":
            raise CorruptDocument("the file is damaged")

    front.pool.behave = behave
    seeds = range(batch * SEQUENCES // BATCHES, (batch + 1) * SEQUENCES // BATCHES)

    def check_all() -> None:
        for seed in seeds:
            check(front, seed)

    await asyncio.to_thread(check_all)
    await asyncio.wait_for(front.server._guard.idle.wait(), 10)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def draw_upload(random: Random) -> tuple[list[bytes], str]:
    """A sequence of upload messages and the reason it ends with."""
    reasons: list[str] = []
    size, sha256, messages, ended = 0, hashlib.sha256(), [], False

    def add(**payload: object) -> None:
        messages.append(pb.ClassifyUploadRequest(**payload).SerializeToString())

    if random.random() < 0.9:
        bad = random.random() < 0.1
        add(start=pb.ClassifyUploadStart(header=pb.UploadHeader(size_bytes=10_000 if bad else 0)))
        reasons += ["DOCUMENT_TOO_LARGE"] if bad else []
    else:
        reasons.append("INVALID_REQUEST")
    for number in range(random.randrange(8)):
        data = LONG if random.random() < 0.03 else random.randbytes(random.choice([0, 1, 100, 900]))
        add(chunk=data)
        if number == 0 and not reasons and random.random() < 0.05:
            messages.append(random.choice([b"", UNDECODABLE]))
            reasons.append("INVALID_REQUEST")
        size += len(data)
        sha256.update(data)
        if len(data) > 1000:
            reasons.append("INVALID_REQUEST")
        elif size > 3000:
            reasons.append("DOCUMENT_TOO_LARGE")
    if random.random() < 0.6:
        facts, outcome = random.choice(
            [
                ({}, OK),
                ({"size_bytes": size, "sha256": sha256.hexdigest()}, OK),
                ({"size_bytes": size + 1}, "UPLOAD_MISMATCH"),
                ({"sha256": "0" * 64}, "UPLOAD_MISMATCH"),
            ]
        )
        add(trailer=pb.UploadTrailer(**facts))
        ended = random.random() < 0.1
        if ended:
            add(chunk=b"late")
            reasons.append("INVALID_REQUEST")
        reasons.append(outcome)
    return messages, next((found for found in reasons if found != OK), OK)


def check_upload(front, seed: int) -> None:
    messages, expected = draw_upload(Random(seed))
    call = front.blocking_channel.stream_unary(
        "/heron.v1.ClassificationService/ClassifyUpload", response_deserializer=pb.ClassifyUploadResponse.FromString
    )
    found = OK
    try:
        assert call(iter(messages), timeout=60).classification.sha256
    except grpc.RpcError as error:
        found = HeronServiceError(error).reason
    assert found == expected, f"seed {seed}"


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_every_sequence_of_an_upload_ends_as_the_contract_says(start_front, batch, tmp_path):
    front = await start_front(**LIMITS)
    seeds = range(batch * SEQUENCES // BATCHES, (batch + 1) * SEQUENCES // BATCHES)

    def check_all() -> None:
        for seed in seeds:
            check_upload(front, seed)

    await asyncio.to_thread(check_all)
    await asyncio.wait_for(front.server._guard.idle.wait(), 10)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
