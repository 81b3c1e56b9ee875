"""Single calls of both clients: what travels how, what is repeated, what errors say."""

import io
import os
import pickle
import threading

import grpc
import pytest

from heron import (
    AccessDenied,
    AsyncHeronClient,
    Cancelled,
    DeadlineExceeded,
    HeronClient,
    HeronServiceError,
    InvalidDocument,
    InvalidRequest,
    NotFound,
    Options,
    Overloaded,
    RetryPolicy,
    ServiceDefect,
    Unavailable,
    UploadProgress,
)
from heron.documents import CHUNK_BYTES, INLINE_BYTES
from heron.errors import service_error
from scripted_server import classified, refuse, refused, take_upload

LARGE = INLINE_BYTES + 3 * CHUNK_BYTES + 17


def fails_first(answer, *, times=1, code=grpc.StatusCode.UNAVAILABLE, reason="MODEL_UNAVAILABLE", retry_after_s=None):
    """The first calls are refused, the others answered."""
    failed = []

    def script(request, context):
        if len(failed) < times:
            failed.append(request)
            refuse(context, code, reason, retry_after_s)
        return answer(request, context)

    return script


def answered(request, context):
    return classified(request.text.encode() or request.content.data)


def test_small_documents_are_one_message_and_large_ones_an_upload(ask, server, tmp_path):
    small, large = os.urandom(INLINE_BYTES), os.urandom(INLINE_BYTES + 1)
    (tmp_path / "scan.png").write_bytes(small)
    assert ask.call("classify_text", "words", Options(pages="1")) == classified(b"words")
    assert ask.file(tmp_path / "scan.png") == classified(small)
    assert ask.call("classify_bytes", small, "other.png") == classified(small)
    assert [request.content.filename for request in server.requests] == ["", "scan.png", "other.png"]
    assert server.requests[0].options.pages == "1"
    assert ask.call("classify_bytes", large) == classified(large)
    assert ask.call("classify_text", "ä" * 1_000_001) == classified("ä".encode() * 1_000_001)
    assert len(server.requests) == 3


def test_a_stream_is_read_from_where_it_stands_and_left_open(ask):
    stream = io.BytesIO(b"read before" + b"x" * LARGE)
    stream.seek(11)
    assert ask.file(stream) == classified(b"x" * LARGE)
    assert not stream.closed


def test_a_raw_stream_that_gives_little_at_a_time_is_read_to_its_end(ask):
    class Trickle(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 60_000))

    assert ask.file(Trickle(b"x" * 200_000)) == classified(b"x" * 200_000)
    assert ask.file(Trickle(b"x" * LARGE)) == classified(b"x" * LARGE)


def test_a_pipe_is_a_file_like_any_other(ask, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(b"x" * LARGE))
    writer.start()
    assert ask.file(tmp_path / "pipe") == classified(b"x" * LARGE)
    writer.join()


def test_names_that_the_service_would_refuse_are_mended(ask, server):
    ask.call("classify_bytes", b"x", "caf\udce9\n.txt")
    assert server.requests[0].content.filename == "caf??.txt"


def test_a_file_that_is_not_there_is_an_os_error(ask, tmp_path):
    with pytest.raises(FileNotFoundError):
        ask.file(tmp_path / "absent")


@pytest.mark.parametrize("size", [100, LARGE], ids=["unary", "upload"])
def test_a_service_that_is_away_for_a_moment_is_asked_again_under_the_same_id(ask, server, size):
    server.unary, server.upload = fails_first(answered, times=2), fails_first(take_upload, times=2)
    assert ask.call("classify_bytes", b"x" * size) == classified(b"x" * size)
    assert len(server.metadata) == 3
    assert len({one["x-request-id"] for one in server.metadata}) == 1


@pytest.mark.parametrize("size", [100, INLINE_BYTES, LARGE], ids=["small", "inline", "upload"])
def test_an_overloaded_service_is_asked_again_when_it_says(ask, server, size):
    script = {"code": grpc.StatusCode.RESOURCE_EXHAUSTED, "reason": "OVERLOADED", "retry_after_s": 0.02, "times": 3}
    server.unary, server.upload = fails_first(answered, **script), fails_first(take_upload, **script)
    assert ask.call("classify_bytes", b"x" * size) == classified(b"x" * size)
    assert len(server.metadata) == 4


@pytest.mark.parametrize("size", [100, LARGE], ids=["unary", "upload"])
def test_attempts_are_counted(ask, server, size):
    server.unary, server.upload = fails_first(answered, times=99), fails_first(take_upload, times=99)
    with pytest.raises(Unavailable) as caught:
        ask.call("classify_bytes", b"x" * size)
    assert caught.value.reason == "MODEL_UNAVAILABLE"
    assert len(server.metadata) == 4
    with pytest.raises(Unavailable):
        ask.call("classify_bytes", b"x" * size, retry=RetryPolicy(max_attempts=1))
    assert len(server.metadata) == 5


@pytest.mark.parametrize("size", [100, LARGE], ids=["unary", "upload"])
def test_what_would_end_the_same_again_is_asked_once(ask, server, size):
    script = {"code": grpc.StatusCode.INVALID_ARGUMENT, "reason": "DOCUMENT_CORRUPT"}
    server.unary, server.upload = fails_first(answered, **script), fails_first(take_upload, **script)
    with pytest.raises(InvalidDocument) as caught:
        ask.call("classify_bytes", b"x" * size)
    assert caught.value.reason == "DOCUMENT_CORRUPT"
    assert len(server.metadata) == 1


def test_an_upload_that_cannot_be_read_again_is_not_repeated(ask, server):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    server.upload = fails_first(take_upload)
    with pytest.raises(Unavailable):
        ask.file(Pipe(b"x" * LARGE))
    assert len(server.metadata) == 1


def test_a_wait_that_would_outlast_the_deadline_is_not_begun(ask, server):
    script = {"code": grpc.StatusCode.RESOURCE_EXHAUSTED, "reason": "OVERLOADED", "retry_after_s": 3600}
    server.upload = fails_first(take_upload, **script)
    with pytest.raises(Overloaded) as caught:
        ask.call("classify_bytes", b"x" * LARGE)
    assert caught.value.retry_after_s == 3600


@pytest.mark.parametrize("attempt", range(5))
def test_a_refusal_before_the_last_chunk_is_the_services_own(ask, server, attempt):
    """gRPC's asyncio client likes to answer INTERNAL of its own making instead."""

    def script(requests, context):
        next(requests)
        refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_TOO_LARGE")

    server.upload = script
    with pytest.raises(InvalidDocument) as caught:
        ask.call("classify_bytes", b"x" * (20 * 1024 * 1024))
    assert caught.value.reason == "DOCUMENT_TOO_LARGE"


def test_a_file_that_fails_midway_raises_its_own_error_and_no_half_is_classified(ask, server):
    ended, over = [], threading.Event()

    def script(requests, context):
        # A call may be over before it gets here.
        if not context.add_callback(over.set):
            over.set()
        ended.extend(request.WhichOneof("payload") for request in requests)
        # A cancelled call may look half-closed for a moment; one that is half-closed waits for its answer.
        if not over.wait(2):
            ended.append("as if it were whole")
        return classified(b"")

    class BreaksOff(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > INLINE_BYTES:
                raise OSError(5, "Input/output error")
            return super().read(size)

    server.upload = script
    with pytest.raises(OSError, match="Input/output"):
        ask.file(BreaksOff(b"x" * LARGE))
    assert over.wait(10)
    assert "as if it were whole" not in ended


def test_what_the_callback_raises_ends_the_upload(ask):
    def progress(_):
        raise LookupError("no window to draw in")

    with pytest.raises(LookupError):
        ask.call("classify_bytes", b"x" * LARGE, progress=progress)


def test_progress_of_an_upload_ends_with_all_bytes(ask):
    seen: list[UploadProgress] = []
    ask.call("classify_bytes", b"x" * LARGE, progress=seen.append)
    assert seen[-1] == UploadProgress(LARGE, LARGE)
    assert [one.sent_bytes for one in seen] == [CHUNK_BYTES * n for n in range(1, 8)] + [LARGE]

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    seen.clear()
    ask.call("classify_bytes", b"small", progress=seen.append)
    assert seen == [UploadProgress(5, 5)]
    ask.file(Pipe(b"x" * LARGE), progress=seen.append)
    assert seen[-1] == UploadProgress(LARGE, None)


@pytest.mark.parametrize("size", [100, LARGE], ids=["unary", "upload"])
def test_a_call_ends_at_its_deadline(ask, server, size):
    release = threading.Event()

    def script(_, context):
        release.wait(30)
        return classified(b"")

    server.unary = server.upload = script
    with pytest.raises(DeadlineExceeded) as caught:
        ask.call("classify_bytes", b"x" * size, timeout_s=0.2)
    assert caught.value.request_id
    release.set()


def test_the_other_methods_ask_what_they_say(ask):
    assert ask.call("get_taxonomy").name == "taxonomies/default"
    assert ask.call("get_taxonomy", "taxonomies/other").name == "taxonomies/other"
    assert [one.name for one in ask.call("list_taxonomies")] == ["taxonomies/a", "taxonomies/b"]
    assert ask.call("get_server_info").version == "1.2.3"


def test_what_the_caller_says_about_a_call_travels_with_it(ask, server):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for method, argument in (("classify_text", "x"), ("classify_bytes", b"x" * LARGE), ("get_taxonomy", "t")):
        ask.call(method, argument, request_id="mine", traceparent=trace, metadata=(("tenant", "blue"),))
        metadata = server.metadata[-1]
        assert (metadata["x-request-id"], metadata["traceparent"], metadata["tenant"]) == ("mine", trace, "blue")


def test_the_clients_own_metadata_travels_with_every_call(server):
    with HeronClient(server.address, metadata=(("authorization", "Bearer x"),)) as client:
        client.get_server_info()
    assert server.metadata[-1]["authorization"] == "Bearer x"


def test_every_call_has_an_id_of_its_own(ask, server):
    ask.call("classify_text", "a")
    ask.call("classify_text", "b")
    assert len({one["x-request-id"] for one in server.metadata}) == 2


def test_a_closed_client_says_so(server):
    client = HeronClient(server.address)
    client.close()
    with pytest.raises(Cancelled):
        client.classify_text("x")


def test_unknown_keywords_are_refused(ask):
    with pytest.raises(TypeError, match="timeout"):
        ask.call("classify_text", "x", timeout=3)


def test_a_service_that_is_not_there_is_unavailable_and_the_id_is_known(ask, server):
    server.stop()
    with pytest.raises(Unavailable) as caught:
        ask.call("classify_text", "x", request_id="mine")
    assert (caught.value.reason, caught.value.request_id) == ("", "mine")
    server.listen()


def test_an_asyncio_client_may_be_made_before_there_is_a_loop(server):
    import asyncio

    client = AsyncHeronClient(server.address)

    async def run():
        async with client:
            return await client.get_server_info()

    assert asyncio.run(run()).version == "1.2.3"


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("INVALID_ARGUMENT", "INVALID_REQUEST", InvalidRequest),
        ("INVALID_ARGUMENT", "DOCUMENT_EMPTY", InvalidDocument),
        ("INVALID_ARGUMENT", "UPLOAD_MISMATCH", InvalidDocument),
        ("FAILED_PRECONDITION", "DOCUMENT_ENCRYPTED", InvalidDocument),
        ("NOT_FOUND", "NOT_FOUND", NotFound),
        ("UNAUTHENTICATED", "", AccessDenied),
        ("PERMISSION_DENIED", "", AccessDenied),
        ("RESOURCE_EXHAUSTED", "OVERLOADED", Overloaded),
        ("UNAVAILABLE", "READER_UNAVAILABLE", Unavailable),
        ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", DeadlineExceeded),
        ("INTERNAL", "MODEL_FAILED", ServiceDefect),
        ("UNIMPLEMENTED", "", HeronServiceError),
    ],
)
def test_the_code_and_the_reason_decide_the_kind_of_error(ask, server, code, reason, kind):
    server.unary = fails_first(answered, code=grpc.StatusCode[code], reason=reason, times=9)
    with pytest.raises(HeronServiceError) as caught:
        ask.call("classify_text", "x", retry=RetryPolicy(max_attempts=1))
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.reason, error.request_id) == (grpc.StatusCode[code], reason, "of-the-server")


def test_an_error_survives_the_way_to_another_process():
    error = service_error(refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 1.5))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is Overloaded
    assert (again.reason, again.retry_after_s, again.request_id, str(again)) == (
        "OVERLOADED",
        1.5,
        "of-the-server",
        str(error),
    )
