"""ClassifyBulk: many documents on one stream, each on its own, as far as the window allows."""

import asyncio
import hashlib
import os
from dataclasses import dataclass, field
from itertools import chain

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from heron.v1 import classification_pb2 as pb
from heron.v1 import classification_pb2_grpc as pb_grpc
from heron.v1 import server_pb2
from heron_grpc.domain.errors import CorruptDocument, Overloaded

TEXT = "words of a document"


def start(**options: object) -> pb.ClassifyBulkRequest:
    return pb.ClassifyBulkRequest(start=pb.ClassifyBulkStart(**options))


def text(item_id: str, words: str = TEXT) -> pb.ClassifyBulkRequest:
    return pb.ClassifyBulkRequest(item=pb.ClassifyBulkItem(item_id=item_id, text=words))


def content(item_id: str, data: bytes, filename: str = "") -> pb.ClassifyBulkRequest:
    inline = pb.InlineContent(data=data, filename=filename)
    return pb.ClassifyBulkRequest(item=pb.ClassifyBulkItem(item_id=item_id, content=inline))


def upload(item_id: str, **header: object) -> pb.ClassifyBulkRequest:
    return pb.ClassifyBulkRequest(item=pb.ClassifyBulkItem(item_id=item_id, upload=pb.UploadHeader(**header)))


def chunk(data: bytes) -> pb.ClassifyBulkRequest:
    return pb.ClassifyBulkRequest(chunk=data)


def trailer(**facts: object) -> pb.ClassifyBulkRequest:
    return pb.ClassifyBulkRequest(trailer=pb.UploadTrailer(**facts))


def cancel(item_id: str) -> pb.ClassifyBulkRequest:
    return pb.ClassifyBulkRequest(cancel=pb.ClassifyBulkCancel(item_id=item_id))


def reason(result: pb.ClassifyBulkResult) -> str:
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in result.error.details if detail.Unpack(info)), "")


@dataclass
class Answers:
    """What came back over a stream, and how it ended."""

    granted: int = 0
    results: list[pb.ClassifyBulkResult] = field(default_factory=list)
    code: grpc.StatusCode = grpc.StatusCode.OK
    details: str = ""

    def __getitem__(self, item_id: str) -> pb.ClassifyBulkResult:
        return next(result for result in self.results if result.item_id == item_id)

    def add(self, response: pb.ClassifyBulkResponse) -> None:
        if response.WhichOneof("payload") == "grant":
            self.granted = response.grant.max_in_flight
        else:
            self.results.append(response.result)

    @property
    def ids(self) -> list[str]:
        return [result.item_id for result in self.results]


async def collect(call) -> Answers:
    """Reads a stream to its end."""
    answers = Answers()
    try:
        while (response := await call.read()) is not grpc.aio.EOF:
            answers.add(response)
        answers.code, answers.details = await call.code(), await call.details()
    except grpc.aio.AioRpcError as error:
        answers.code, answers.details = error.code(), error.details()
    return answers


async def ask(front, *messages: pb.ClassifyBulkRequest, **call: object) -> Answers:
    """Sends everything, half-closes, reads to the end.

    In a thread: the asyncio client may answer INTERNAL, of its own making, when the server ends a stream early.
    """
    stub = pb_grpc.ClassificationServiceStub(front.blocking_channel)

    def collect_blocking() -> Answers:
        answers = Answers()
        try:
            for response in stub.ClassifyBulk(iter(messages), **{"timeout": 30, **call}):
                answers.add(response)
        except grpc.RpcError as error:
            answers.code, answers.details = error.code(), error.details()
        return answers

    return await asyncio.to_thread(collect_blocking)


async def test_every_document_is_answered_by_its_id(front):
    answers = await ask(front, start(), *(text(f"id-{number}", f"{TEXT} {number}") for number in range(100)))
    assert answers.code is grpc.StatusCode.OK
    assert answers.granted == 32
    assert sorted(answers.ids) == sorted(f"id-{number}" for number in range(100))
    for number in range(100):
        expected = hashlib.sha256(f"{TEXT} {number}".encode()).hexdigest()
        assert answers[f"id-{number}"].classification.sha256 == expected


async def test_texts_small_files_and_uploads_travel_on_one_stream(front, tmp_path):
    data = os.urandom(700_000)
    sha256 = hashlib.sha256(data).hexdigest()
    chunks = [chunk(data[at : at + 262_144]) for at in range(0, len(data), 262_144)]
    answers = await ask(
        front,
        start(),
        text("text"),
        upload("big", filename="a.bin", size_bytes=len(data)),
        *chunks,
        trailer(sha256=sha256, size_bytes=len(data)),
        content("small", b"some words", "a.txt"),
        upload("empty-trailer"),
        chunk(b"other words"),
        trailer(),
    )
    assert sorted(answers.ids) == ["big", "empty-trailer", "small", "text"]
    assert answers["big"].classification.sha256 == sha256
    assert {bytes(seen) for seen in front.pool.seen} == {data, b"some words", b"other words"}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_the_window_asked_for_is_granted_up_to_the_limit(start_front):
    front = await start_front(bulk_in_flight=3, max_bulk_in_flight=5)
    for asked, granted in ((0, 3), (2, 2), (100, 5)):
        assert (await ask(front, start(max_in_flight=asked))).granted == granted


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ([pb.ClassifyBulkRequest(item=pb.ClassifyBulkItem(item_id="bad"))], "INVALID_REQUEST"),
        ([text("bad", " ")], "INVALID_REQUEST"),
        ([content("bad", b"x", "a\nb")], "INVALID_REQUEST"),
        ([content("bad", b"damaged")], "DOCUMENT_CORRUPT"),
        ([upload("bad", filename="x" * 300), chunk(b"x"), chunk(b"y"), trailer()], "INVALID_REQUEST"),
        ([upload("bad", size_bytes=200 << 20), chunk(b"x"), trailer()], "DOCUMENT_TOO_LARGE"),
        ([upload("bad"), chunk(bytes((1 << 20) + 1)), chunk(b"rest"), trailer()], "INVALID_REQUEST"),
        ([upload("bad"), chunk(b"x"), trailer(size_bytes=2)], "UPLOAD_MISMATCH"),
        ([upload("bad"), chunk(b"x"), trailer(sha256="0" * 64)], "UPLOAD_MISMATCH"),
    ],
    ids=["no-source", "blank", "name", "corrupt", "upload-name", "announced", "long-chunk", "size", "digest"],
)
async def test_a_bad_document_is_its_own_answer_and_spoils_no_other(front, bad, expected):
    async def behave(request):
        if front.pool.seen[-1] == b"damaged":
            raise CorruptDocument("the file is damaged")

    front.pool.behave = behave
    answers = await ask(front, start(), text("before"), *bad, content("after", b"words"))
    assert answers.code is grpc.StatusCode.OK
    assert reason(answers["bad"]) == expected
    assert answers["before"].classification.labels
    assert answers["after"].classification.labels


async def test_a_document_beyond_the_limit_is_refused_and_its_rest_discarded(start_front, tmp_path):
    front = await start_front(max_document_bytes=1000)
    parts = [chunk(bytes(400))] * 10
    answers = await ask(front, start(), upload("bad"), *parts, trailer(), content("after", b"words"))
    assert reason(answers["bad"]) == "DOCUMENT_TOO_LARGE"
    assert answers["after"].classification.labels


async def test_a_failed_document_whose_chunks_never_end_ends_the_stream(start_front):
    front = await start_front(max_document_bytes=10, max_chunks=50)
    answers = await ask(front, start(), upload("bad"), *[chunk(bytes(11))] * 200, trailer())
    assert answers.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_document_of_too_many_chunks_is_refused(start_front):
    front = await start_front(max_chunks=10)
    answers = await ask(front, start(), upload("bad"), *[chunk(b"x")] * 15, trailer(), text("after"))
    assert reason(answers["bad"]) == "INVALID_REQUEST"
    assert answers["after"].classification.labels


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [text("a")],
        [start(), start()],
        [start(), pb.ClassifyBulkRequest()],
        [start(), chunk(b"x")],
        [start(), trailer()],
        [start(), text("")],
        [start(), text("x" * 129)],
        [start(), upload("a"), text("b")],
        [start(), upload("a"), cancel("a"), chunk(b"x")],
        [start(max_in_flight=-1)],
        [start(options=pb.ClassifyOptions(min_score=2))],
    ],
    ids=[
        *["empty", "no-start", "start-twice", "no-payload", "chunk-alone", "trailer-alone", "no-id", "long-id"],
        *["item-in-upload", "chunk-after-cancel", "window", "options"],
    ],
)
async def test_messages_out_of_order_end_the_stream(front, messages):
    answers = await ask(front, *messages)
    assert answers.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_id_used_again_before_its_answer_ends_the_stream(front):
    front.model.behave = lambda _: asyncio.Event().wait()
    answers = await ask(front, start(), text("a"), text("a"))
    assert answers.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_id_can_be_used_again_after_its_answer(front):
    call = front.classification.ClassifyBulk()
    await call.write(start())
    await call.read()
    for _ in range(3):
        await call.write(text("a"))
        assert (await call.read()).result.item_id == "a"
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_half_closing_inside_a_document_fails_that_document_alone(front):
    answers = await ask(front, start(), text("whole"), upload("torn"), chunk(b"x"))
    assert answers.code is grpc.StatusCode.OK
    assert reason(answers["torn"]) == "INVALID_REQUEST"
    assert answers["whole"].classification.labels


def holding(gates: dict[str, asyncio.Event]):
    """A model that answers a text when its gate is open."""

    async def behave(words: str) -> None:
        await gates[words.rsplit(maxsplit=1)[-1]].wait()

    return behave


async def test_answers_come_as_they_are_ready(front):
    gates = {name: asyncio.Event() for name in "abc"}
    front.model.behave = holding(gates)
    call = front.classification.ClassifyBulk(iter([start(), *(text(name, f"{TEXT} {name}") for name in "abc")]))
    await call.read()
    for name in "cab":
        gates[name].set()
        assert (await call.read()).result.item_id == name


async def test_answers_come_in_the_order_asked_when_wanted(front):
    gates = {name: asyncio.Event() for name in "abc"}
    front.model.behave = holding(gates)
    messages = [start(ordered=True), *(text(name, f"{TEXT} {name}") for name in "abc")]
    asking = asyncio.create_task(ask(front, *messages))
    for name in "cba":
        gates[name].set()
    assert (await asking).ids == ["a", "b", "c"]


async def test_no_more_documents_are_read_than_the_window_allows(front):
    inside = []
    release = asyncio.Event()

    full = asyncio.Event()

    async def behave(words: str) -> None:
        inside.append(words)
        if len(inside) == 4:
            full.set()
        await release.wait()

    front.model.behave = behave
    asking = asyncio.create_task(
        ask(front, start(max_in_flight=4), *(text(str(number), f"{TEXT} {number}") for number in range(20)))
    )
    await asyncio.wait_for(full.wait(), 10)
    # Another call's way through the same server: whatever was on its way has arrived by then.
    for _ in range(20):
        await front.info.GetServerInfo(server_pb2.GetServerInfoRequest())
    assert len(inside) == 4
    release.set()
    assert len((await asking).results) == 20


async def test_a_cancelled_document_is_answered_as_cancelled_and_frees_the_window(front):
    gates = {"a": asyncio.Event(), "b": asyncio.Event()}
    gates["b"].set()
    front.model.behave = holding(gates)
    call = front.classification.ClassifyBulk()
    await call.write(start(max_in_flight=1))
    await call.read()
    await call.write(text("a", f"{TEXT} a"))
    await call.write(cancel("a"))
    answered = (await call.read()).result
    assert (answered.item_id, answered.error.code) == ("a", grpc.StatusCode.CANCELLED.value[0])
    await call.write(cancel("a"))
    await call.write(text("b", f"{TEXT} b"))
    assert (await call.read()).result.classification.labels
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_an_upload_given_up_halfway_lets_the_next_begin(front):
    answers = await ask(front, start(), upload("a"), chunk(b"x"), cancel("a"), upload("b"), chunk(b"words"), trailer())
    assert answers["a"].error.code == grpc.StatusCode.CANCELLED.value[0]
    assert answers["b"].classification.labels
    assert front.pool.seen == [b"words"]


async def test_a_full_queue_delays_a_document_instead_of_failing_it(front):
    refusals = iter([True, True, False])

    async def behave(_):
        if next(refusals):
            raise Overloaded("full", retry_after_s=0.01)

    front.model.behave = behave
    answers = await ask(front, start(), text("a"))
    assert answers["a"].classification.labels
    assert len(front.model.texts) == 3


async def test_a_crash_over_one_document_is_its_own_answer_without_its_text(front):
    async def behave(words):
        if words.endswith("bad"):
            raise ValueError("secret words")

    front.model.behave = behave
    answers = await ask(front, start(), text("bad", f"{TEXT} bad"), text("good", f"{TEXT} good"))
    assert answers["bad"].error.code == grpc.StatusCode.INTERNAL.value[0]
    assert "secret" not in str(answers["bad"])
    assert answers["good"].classification.labels


async def test_cancelling_the_stream_ends_its_documents(front):
    ended = asyncio.Event()
    inside = asyncio.Event()

    async def behave(_):
        inside.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    front.model.behave = behave
    call = front.classification.ClassifyBulk(iter([start(), text("a")]))
    await asyncio.wait_for(inside.wait(), 10)
    call.cancel()
    await asyncio.wait_for(ended.wait(), 10)


async def test_a_deadline_ends_the_stream(front):
    front.model.behave = lambda _: asyncio.Event().wait()
    answers = await ask(front, start(), text("a"), timeout=0.2)
    assert answers.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_document_may_take_no_longer_than_a_call(start_front):
    front = await start_front(max_call_s=0.05)
    front.model.behave = lambda _: asyncio.Event().wait()
    answers = await ask(front, start(), text("a"))
    assert answers.code is grpc.StatusCode.OK
    assert reason(answers["a"]) == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("messages", [[start()], [start(), upload("a"), chunk(b"x")]], ids=["between", "inside"])
async def test_a_client_that_falls_silent_is_told(start_front, messages):
    front = await start_front(chunk_idle_s=0.1, bulk_idle_s=0.1)
    call = front.classification.ClassifyBulk()
    for message in messages:
        await call.write(message)
    answers = await asyncio.wait_for(collect(call), 10)
    assert (answers.code, answers.details) == (grpc.StatusCode.DEADLINE_EXCEEDED, "no message arrived for 0.1 s")


async def test_a_client_that_waits_for_answers_is_not_taken_for_silent(start_front):
    front = await start_front(chunk_idle_s=0.05, bulk_idle_s=0.05)
    front.model.behave = lambda _: asyncio.sleep(0.5)
    answers = await ask(front, start(), text("a"))
    assert answers["a"].classification.labels


async def test_a_client_that_takes_no_answers_stops_being_read_and_is_told(start_front):
    front = await start_front(bulk_idle_s=0.5, max_bulk_in_flight=4)
    begun = asyncio.Event()

    async def behave(_):
        begun.set()

    front.model.behave = behave
    messages = (text(str(number), f"{TEXT} {number}") for number in range(100_000))
    call = pb_grpc.ClassificationServiceStub(front.blocking_channel).ClassifyBulk(chain([start()], messages))
    await asyncio.wait_for(begun.wait(), 10)
    await asyncio.wait_for(front.server._guard.idle.wait(), 60)
    assert len(front.model.texts) < 100_000
    with pytest.raises(grpc.RpcError) as caught:
        await asyncio.to_thread(list, call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.details() == "no answer was taken for 0.5 s"


async def test_a_drain_answers_what_was_taken_and_says_to_ask_the_rest_again(front):
    inside, release = asyncio.Event(), asyncio.Event()

    async def behave(_):
        inside.set()
        await release.wait()

    front.model.behave = behave
    call = front.classification.ClassifyBulk()
    await call.write(start())
    await call.read()
    await call.write(text("a"))
    await asyncio.wait_for(inside.wait(), 10)
    watch = health_pb2_grpc.HealthStub(front.channel).Watch(health_pb2.HealthCheckRequest())
    await watch.read()
    draining = asyncio.create_task(front.server.drain())
    while (await watch.read()).status != health_pb2.HealthCheckResponse.NOT_SERVING:
        pass
    release.set()
    answers = await asyncio.wait_for(collect(call), 10)
    assert answers["a"].classification.labels
    assert answers.code is grpc.StatusCode.UNAVAILABLE
    await asyncio.wait_for(draining, 10)


async def test_streams_beyond_the_limit_are_refused(start_front):
    front = await start_front(max_bulk_streams=2)
    first = front.classification.ClassifyBulk()
    await first.write(start())
    await first.read()
    assert (
        await collect(front.classification.ClassifyBulk(iter([start()])))
    ).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await first.done_writing()
    assert await first.code() is grpc.StatusCode.OK
    assert (await ask(front, start())).code is grpc.StatusCode.OK


async def test_a_document_without_room_in_memory_stops_the_reading(start_front):
    front = await start_front(max_request_bytes=100)
    gates = {name: asyncio.Event() for name in "ab"}
    front.model.behave = holding(gates)
    words = "x" * 40
    call = front.classification.ClassifyBulk(iter([start(), *(text(name, f"{words} {name}") for name in "ab")]))
    await call.read()
    asking = asyncio.create_task(call.read())
    gates["b"].set()
    await front.info.GetServerInfo(server_pb2.GetServerInfoRequest())
    assert len(front.model.texts) <= 1
    gates["a"].set()
    assert (await asking).result.item_id == "a"
    assert (await call.read()).result.item_id == "b"


async def test_the_time_a_document_took_is_no_silence_of_its_client(start_front):
    front = await start_front(bulk_idle_s=0.4, chunk_idle_s=0.4)
    front.model.behave = lambda _: asyncio.sleep(1.0)
    call = front.classification.ClassifyBulk()
    await call.write(start())
    await call.read()
    await call.write(text("a"))
    assert (await call.read()).result.item_id == "a"
    await asyncio.sleep(0.15)
    await call.write(text("b"))
    assert (await call.read()).result.item_id == "b"
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_a_stream_that_was_answered_whole_ends_well_in_a_drain(front):
    inside, release = asyncio.Event(), asyncio.Event()

    async def behave(_):
        inside.set()
        await release.wait()

    front.model.behave = behave
    call = front.classification.ClassifyBulk(iter([start(), text("a")]))
    await call.read()
    await asyncio.wait_for(inside.wait(), 10)
    watch = health_pb2_grpc.HealthStub(front.channel).Watch(health_pb2.HealthCheckRequest())
    await watch.read()
    draining = asyncio.create_task(front.server.drain())
    while (await watch.read()).status != health_pb2.HealthCheckResponse.NOT_SERVING:
        pass
    release.set()
    assert (await call.read()).result.item_id == "a"
    assert await call.code() is grpc.StatusCode.OK
    await asyncio.wait_for(draining, 10)
