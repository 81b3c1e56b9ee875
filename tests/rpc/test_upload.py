"""ClassifyUpload: a header, chunks, an optional trailer, and everything that can be wrong with them."""

import asyncio
import hashlib
import os
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heron import HeronServiceError
from heron.v1 import classification_pb2

Start = classification_pb2.ClassifyUploadStart
Trailer = classification_pb2.UploadTrailer


def start(**header: object) -> Start:
    return Start(header=classification_pb2.UploadHeader(**header))


def as_message(payload: Start | bytes) -> classification_pb2.ClassifyUploadRequest:
    field = {"chunk": payload} if isinstance(payload, bytes) else {"start": payload}
    return classification_pb2.ClassifyUploadRequest(**field)


async def failure(call) -> HeronServiceError:
    with pytest.raises(grpc.RpcError) as caught:
        await call
    return HeronServiceError(caught.value)


async def test_chunks_arrive_whole_in_order_and_hashed(front, tmp_path):
    chunks = [os.urandom(256 * 1024) for _ in range(5)] + [b"tail"]
    data = b"".join(chunks)
    sha256 = hashlib.sha256(data).hexdigest()
    trailer = Trailer(sha256=sha256.upper(), size_bytes=len(data))
    answer = await front.upload(start(filename="big.bin", size_bytes=len(data)), *chunks, trailer)
    assert front.pool.seen == [data]
    assert answer.classification.sha256 == sha256
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_header_size_and_trailer_are_optional(front):
    await front.upload(start(), b"some words", b"", b" and more")
    assert front.pool.seen == [b"some words and more"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [b"chunk first"],
        [Trailer(size_bytes=1)],
        [start(), start()],
        [start(), b"x", start()],
        [start(), b"x", Trailer(), b"x"],
        [start(), b"x", Trailer(), Trailer()],
    ],
    ids=["empty", "chunk-first", "trailer-first", "start-twice", "start-late", "chunk-after-trailer", "two-trailers"],
)
async def test_messages_out_of_order_are_refused(front, messages):
    error = await failure(front.upload(*messages))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert front.pool.requests == []


async def test_a_message_without_a_payload_is_refused(front):
    messages = [classification_pb2.ClassifyUploadRequest()]
    assert (await failure(front.classification.ClassifyUpload(iter(messages)))).reason == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([start(size_bytes=4), b"12345"], "UPLOAD_MISMATCH"),
        ([start(size_bytes=6), b"12345"], "UPLOAD_MISMATCH"),
        ([start(), b"12345", Trailer(size_bytes=4)], "UPLOAD_MISMATCH"),
        ([start(), b"12345", Trailer(sha256="0" * 64)], "UPLOAD_MISMATCH"),
        ([start(), b"12345", Trailer(sha256="not hex")], "INVALID_REQUEST"),
        ([start(size_bytes=-1), b"12345"], "INVALID_REQUEST"),
        ([start(filename="x" * 256), b"12345"], "INVALID_REQUEST"),
    ],
)
async def test_what_differs_from_what_was_announced_is_refused(front, messages, reason):
    error = await failure(front.upload(*messages))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert front.pool.requests == []


async def test_an_announced_size_beyond_the_limit_is_refused_before_any_chunk_is_read(start_front):
    front = await start_front(max_document_bytes=100)

    async def endless():
        yield classification_pb2.ClassifyUploadRequest(start=start(size_bytes=101))
        await asyncio.Event().wait()

    error = await failure(front.classification.ClassifyUpload(endless(), timeout=30))
    assert (error.reason, error.metadata) == ("DOCUMENT_TOO_LARGE", {"max_bytes": "100"})


async def test_a_stream_beyond_the_limit_is_cut_off(start_front, tmp_path):
    front = await start_front(max_document_bytes=100)

    error = await failure(front.upload(start(), *[b"x" * 60] * 1000, timeout=30))
    assert error.reason == "DOCUMENT_TOO_LARGE"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_exactly_the_limit_is_taken(start_front):
    front = await start_front(max_document_bytes=100)
    await front.upload(start(size_bytes=100), b"x" * 60, b"y" * 40)


async def test_a_chunk_beyond_the_limit_is_refused(front):
    error = await failure(front.upload(start(), b"x" * (1024 * 1024 + 1)))
    assert (error.code, error.metadata) == (grpc.StatusCode.INVALID_ARGUMENT, {"max_chunk_bytes": str(1024 * 1024)})


async def test_a_sender_that_falls_silent_is_let_go(start_front):
    front = await start_front(chunk_idle_s=0.2)

    async def silent():
        yield classification_pb2.ClassifyUploadRequest(start=start())
        await asyncio.Event().wait()

    error = await failure(front.classification.ClassifyUpload(silent(), timeout=30))
    assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_more_uploads_than_allowed_are_refused_and_room_comes_back(start_front):
    front = await start_front(max_uploads=1)
    inside, release = asyncio.Event(), asyncio.Event()

    async def hold(_):
        inside.set()
        await release.wait()

    front.pool.behave = hold
    first = asyncio.ensure_future(front.upload(start(), b"words"))
    await asyncio.wait_for(inside.wait(), 10)
    error = await failure(front.upload(start(), b"words"))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert error.retry_after_s
    release.set()
    await first
    await front.upload(start(), b"other words")


async def test_a_sender_that_cancels_leaves_nothing(front, tmp_path):
    await front.upload(start(), b"one connection is made")
    await front.classification.ClassifyUpload(iter([as_message(start()), as_message(b"and the other")]))
    descriptors = open_files()
    sent = asyncio.Event()

    async def stalled():
        yield classification_pb2.ClassifyUploadRequest(start=start())
        yield classification_pb2.ClassifyUploadRequest(chunk=b"x" * 1000)
        sent.set()
        await asyncio.Event().wait()

    call = front.classification.ClassifyUpload(stalled())
    await asyncio.wait_for(sent.wait(), 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await front.upload(start(), b"the next one is served")
    assert open_files() <= descriptors
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


MESSAGES = st.one_of(
    st.just(start()),
    st.binary(max_size=64),
    st.just(Trailer()),
    st.just(Trailer(sha256="0" * 64)),
)


def is_valid(messages: list[object]) -> bool:
    """The contract as a sentence: one start, then chunks, then at most one trailer that tells no lie."""
    if not messages or not isinstance(messages[0], Start):
        return False
    rest = messages[1:]
    if rest and isinstance(rest[-1], Trailer):
        if rest[-1].sha256:
            return False
        rest = rest[:-1]
    return all(isinstance(message, bytes) for message in rest)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(MESSAGES, max_size=6))
async def test_any_sequence_of_messages_is_answered_as_the_contract_says(front, messages):
    if is_valid(messages):
        answer = await front.upload(*messages, timeout=30)
        sent = b"".join(message for message in messages if isinstance(message, bytes))
        assert answer.classification.sha256 == hashlib.sha256(sent).hexdigest()
    else:
        assert (await failure(front.upload(*messages, timeout=30))).code is grpc.StatusCode.INVALID_ARGUMENT
