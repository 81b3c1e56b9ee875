"""Every error a call can end with: its code, its details, its request id."""

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from heron import HeronServiceError
from heron.v1 import classification_pb2
from heron_grpc.domain import errors
from heron_grpc.rpc.status import CODES, status_of

INLINE = classification_pb2.ClassifyRequest(content=classification_pb2.InlineContent(data=b"words", filename="a.txt"))
TEXT = classification_pb2.ClassifyRequest(text="words")

CASES = [
    (errors.CorruptDocument("the file is damaged"), "INVALID_ARGUMENT", "DOCUMENT_CORRUPT"),
    (errors.EmptyDocument("there are no bytes"), "INVALID_ARGUMENT", "DOCUMENT_EMPTY"),
    (errors.UnsupportedMediaType("no reader", {"media_type": "a/b"}), "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE"),
    (errors.EncryptedDocument("a password is needed"), "FAILED_PRECONDITION", "DOCUMENT_ENCRYPTED"),
    (errors.ReadingLimitExceeded("too much", {"limit": "cpu"}), "INVALID_ARGUMENT", "READING_LIMIT_EXCEEDED"),
    (errors.Overloaded("full", retry_after_s=2.5), "RESOURCE_EXHAUSTED", "OVERLOADED"),
    (errors.ReaderUnavailable("no child"), "UNAVAILABLE", "READER_UNAVAILABLE"),
    (errors.ModelUnavailable("no model"), "UNAVAILABLE", "MODEL_UNAVAILABLE"),
    (errors.DeadlineExceeded("too late"), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
    (errors.NotFound("no such model"), "NOT_FOUND", "NOT_FOUND"),
    (errors.ProtocolError("nonsense"), "INTERNAL", "PROTOCOL"),
]


def raising(error):
    async def behave(_):
        raise error

    return behave


async def failure(call) -> HeronServiceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return HeronServiceError(caught.value)


@pytest.mark.parametrize(("error", "code", "reason"), CASES, ids=lambda value: getattr(value, "reason", None))
async def test_an_error_has_its_code_reason_and_request_id(front, error, code, reason):
    front.pool.behave = raising(error)
    call = front.classification.Classify(INLINE, metadata=(("x-request-id", "my-id-1"),))
    found = await failure(call)
    assert (found.code.name, found.reason, found.message) == (code, reason, error.message)
    assert found.metadata == error.metadata
    assert found.request_id == "my-id-1"
    assert ("x-request-id", "my-id-1") in tuple(await call.trailing_metadata())
    wants_retry = isinstance(error, errors.Overloaded | errors.Unavailable)
    assert found.retry_after_s == (error.retry_after_s if wants_retry else None)


async def test_the_model_being_away_reaches_the_caller(front):
    front.model.behave = raising(errors.ModelUnavailable("the model backend does not answer"))
    found = await failure(front.classification.Classify(TEXT))
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "MODEL_UNAVAILABLE")


async def test_what_is_not_ours_is_internal_and_keeps_its_text_to_itself(front):
    front.pool.behave = raising(ValueError("secret words of the document"))
    found = await failure(front.classification.Classify(INLINE))
    assert found.code is grpc.StatusCode.INTERNAL
    assert "secret" not in found.message
    assert found.request_id


async def test_bytes_that_are_no_message_are_an_invalid_request(front):
    call = front.channel.unary_unary("/heron.v1.ClassificationService/Classify")
    assert (await failure(call(b"\xff\xff\xff"))).reason == "INVALID_REQUEST"
    stream = front.channel.stream_unary("/heron.v1.ClassificationService/ClassifyUpload")
    assert (await failure(stream(iter([b"\xff\xff\xff"])))).reason == "INVALID_REQUEST"


async def test_an_unknown_method_is_unimplemented(front):
    call = front.channel.unary_unary("/heron.v1.ClassificationService/ClassifyNothing")
    assert (await failure(call(b""))).code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_deadline_that_passes_is_told_and_the_work_ends(front):
    ended = asyncio.Event()

    async def hang(_):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    front.pool.behave = hang
    assert (await failure(front.classification.Classify(INLINE, timeout=0.3))).code is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(ended.wait(), 10)


async def test_the_service_has_a_deadline_of_its_own(start_front):
    front = await start_front(max_call_s=0.2)

    async def hang(_):
        await asyncio.Event().wait()

    front.pool.behave = hang
    found = await failure(front.classification.Classify(INLINE))
    assert (found.code.name, found.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


async def test_work_ends_when_its_caller_goes(front):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(_):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    front.pool.behave = hang
    call = front.classification.Classify(INLINE)
    await asyncio.wait_for(begun.wait(), 10)
    call.cancel()
    await asyncio.wait_for(ended.wait(), 10)


async def test_a_caller_without_an_id_or_with_a_broken_one_gets_a_new_one(front):
    ids = []
    for metadata in ((), (("x-request-id", "no spaces allowed"),), (("x-request-id", "x" * 200),)):
        call = front.classification.Classify(TEXT, metadata=metadata)
        await call
        ids.append(dict(tuple(await call.trailing_metadata()))["x-request-id"])
    assert len(set(ids)) == 3
    assert all(len(found) == 32 for found in ids)


async def test_metadata_beyond_the_limit_is_refused(front):
    found = await failure(front.classification.Classify(TEXT, metadata=(("x-large", "x" * 64 * 1024),)))
    assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_message_beyond_the_limit_is_refused(front):
    content = classification_pb2.InlineContent(data=b"x" * 6 * 1024 * 1024)
    found = await failure(front.classification.Classify(classification_pb2.ClassifyRequest(content=content)))
    assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def leaves(kind: type) -> list[type]:
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [kind]


@pytest.mark.parametrize("kind", leaves(errors.HeronError))
def test_every_error_of_the_tree_has_a_code_and_one_error_info(kind):
    status = status_of(kind("what went wrong"), "id")
    infos = [detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    assert len(infos) == 1
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    assert (info.reason, info.domain) == (kind.reason, "heron")
    nearest = next(CODES[ancestor] for ancestor in kind.__mro__ if ancestor in CODES)
    assert status.code == nearest.value[0]


def test_many_violations_still_fit_the_trailing_metadata():
    violations = tuple(errors.FieldViolation(f"options.candidate_categories[{n}]", "x" * 100) for n in range(500))
    status = status_of(errors.InvalidRequest("invalid request", violations), "id")
    assert isinstance(status, status_pb2.Status)
    assert len(status.SerializeToString()) < 6000


async def test_a_text_that_could_not_be_answered_in_time_is_refused_at_once(front):
    """Work ends every 50 ms and 40 pieces of it are there: a call that has 0.3 s is told to come back."""
    release = asyncio.Semaphore(0)

    async def behave(_):
        await release.acquire()

    front.model.behave = behave
    texts = (classification_pb2.ClassifyRequest(text=f"words {number}") for number in range(100))
    calls = [asyncio.ensure_future(front.classification.Classify(next(texts))) for _ in range(60)]
    for number in range(1, 21):
        release.release()
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        calls = [call for call in calls if not call.done()]
        assert len(calls) == 60 - number
        await asyncio.sleep(0.05)
    seen = len(front.model.texts)
    refused = await failure(front.classification.Classify(next(texts), timeout=0.3))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert refused.metadata["resource"] == "deadline"
    assert refused.retry_after_s > 0
    assert len(front.model.texts) == seen
    patient = asyncio.ensure_future(front.classification.Classify(next(texts), timeout=600))
    for _ in range(41):
        release.release()
    await asyncio.gather(patient, *calls)


async def test_a_refusal_says_when_to_come_back_to_clients_that_retry_by_themselves(front):
    front.pool.behave = raising(errors.Overloaded("full", retry_after_s=2.5))
    call = front.classification.Classify(INLINE)
    await failure(call)
    assert ("grpc-retry-pushback-ms", "2500") in tuple(await call.trailing_metadata())


async def test_a_file_that_could_not_be_read_in_time_is_refused_before_its_bytes_are_taken(front):
    front.pool.expected_wait_s = lambda _: 100.0
    found = await failure(front.classification.Classify(INLINE, timeout=5))
    assert (found.reason, found.metadata["resource"]) == ("OVERLOADED", "reading queue")
    assert front.pool.requests == []
    # So close to the deadline one in two would be late.
    assert (await failure(front.classification.Classify(INLINE, timeout=110))).reason == "OVERLOADED"
    assert (await front.classification.Classify(INLINE, timeout=400)).classification.labels
