"""classify_many of both clients against a server that does what each test tells it."""

import hashlib
import io
import os
import threading
from pathlib import Path

import grpc
import pytest

from heron import (
    AsyncHeronClient,
    BulkProgress,
    Cancelled,
    DeadlineExceeded,
    Document,
    HeronClient,
    InvalidDocument,
    InvalidRequest,
    Options,
    Overloaded,
    RetryPolicy,
    Unavailable,
)
from heron.documents import CHUNK_BYTES, INLINE_BYTES
from scripted_server import answers_all, refuse

LARGE = INLINE_BYTES + 3 * CHUNK_BYTES + 17


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def texts(count: int) -> list[Document]:
    return [Document.from_text(f"document {number}", key=number) for number in range(count)]


def keys(results) -> list:
    return [result.key for result in results]


def test_every_document_is_answered_once_whatever_it_is_made_of(ask, server, tmp_path):
    small, large = os.urandom(1000), os.urandom(LARGE)
    (tmp_path / "small.bin").write_bytes(small)
    (tmp_path / "large.bin").write_bytes(large)
    with (tmp_path / "large.bin").open("rb") as opened:
        documents = [
            Document.from_text("words", key="text"),
            Document.from_bytes(small, "b.bin", key="bytes"),
            Document.from_bytes(large, key="large bytes"),
            Document.from_file(tmp_path / "small.bin", key="path"),
            Document.from_file(str(tmp_path / "large.bin"), "renamed.bin", key="large path"),
            Document.from_file(opened, key="stream"),
            tmp_path / "small.bin",
        ]
        results = {result.index: result for result in ask.many(documents)}
    expected = [b"words", small, large, small, large, large, small]
    assert [results[index].unwrap().sha256 for index in range(7)] == [sha256(data) for data in expected]
    assert results[0].key == "text"
    assert results[6].document.filename == "small.bin"


def test_small_documents_travel_inline_and_large_ones_in_chunks(ask, server, tmp_path):
    received = []

    def script(stream):
        yield stream.grant(4)
        for document in stream.documents():
            received.append((document.filename, len(document.data), document.chunks))
            yield stream.answer(document)

    server.bulk = script
    for name, size in (("fits", INLINE_BYTES), ("does not", INLINE_BYTES + 1), ("large", LARGE)):
        (tmp_path / name).write_bytes(b"x" * size)
    ask.many([tmp_path / "fits", tmp_path / "does not", tmp_path / "large"])
    assert received == [("fits", INLINE_BYTES, 0), ("does not", INLINE_BYTES + 1, 5), ("large", LARGE, 8)]


def test_a_text_too_long_for_a_message_travels_as_a_text_file(ask, server):
    received = []

    def script(stream):
        yield stream.grant(4)
        for document in stream.documents():
            received.append((document.mime_type, document.data.decode()))
            yield stream.answer(document)

    server.bulk = script
    text = "ä" * 1_000_001
    [result] = ask.many([Document.from_text(text)])
    assert result.unwrap()
    assert received == [("text/plain", text)]


def test_a_text_with_what_no_message_can_carry_is_sent_without_it(ask):
    [result] = ask.many([Document.from_text("caf\udce9")])
    assert result.unwrap().sha256 == sha256(b"caf?")


def test_no_document_opens_no_stream(ask, server):
    assert ask.many([]) == []
    assert server.streams == []


def test_the_granted_window_is_never_exceeded_and_used(ask, server):
    def script(stream):
        yield stream.grant(5)
        waiting = []
        for document in stream.documents():
            waiting.append(document)
            if len(waiting) == 5:
                yield from (stream.answer(document) for document in waiting)
                waiting.clear()

    server.bulk = script
    assert sorted(keys(ask.many(texts(50), max_in_flight=9))) == list(range(50))
    [stream] = server.streams
    assert stream.start.max_in_flight == 9
    assert stream.most_unanswered == 5


def test_results_come_as_they_are_ready_or_in_order(ask, server):
    def last_first(stream):
        yield stream.grant(4)
        waiting = []
        for document in stream.documents():
            waiting.append(document)
            if len(waiting) == 4:
                yield from (stream.answer(document) for document in reversed(waiting))
                waiting.clear()

    server.bulk = last_first
    assert keys(ask.many(texts(8))) == [3, 2, 1, 0, 7, 6, 5, 4]
    assert keys(ask.many(texts(8), ordered=True)) == list(range(8))


def test_order_holds_over_refusals_retries_and_files_that_cannot_be_read(ask, server, tmp_path):
    seen = set()

    def script(stream):
        yield stream.grant(4)
        for document in stream.documents():
            if document.data == b"busy" and document.data not in seen:
                seen.add(document.data)
                yield stream.refusal(document, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.05)
            elif document.data == b"bad":
                yield stream.refusal(document, grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_CORRUPT")
            else:
                yield stream.answer(document)

    server.bulk = script
    bad, busy = Document.from_bytes(b"bad", key="bad"), Document.from_bytes(b"busy", key="busy")
    absent = Document.from_file(tmp_path / "absent", key="absent")
    documents = [*texts(2), busy, absent, bad, *texts(3)]
    results = ask.many(documents, ordered=True)
    assert [result.index for result in results] == list(range(8))
    assert keys(results) == [0, 1, "busy", "absent", "bad", 0, 1, 2]
    assert [type(result.error) for result in results[2:5]] == [type(None), FileNotFoundError, InvalidDocument]


def test_one_refused_document_spoils_no_other_and_its_error_is_typed(ask, server):
    def script(stream):
        yield stream.grant(4)
        for document in stream.documents():
            if document.data == b"document 1":
                yield stream.refusal(document, grpc.StatusCode.FAILED_PRECONDITION, "DOCUMENT_ENCRYPTED")
            else:
                yield stream.answer(document)

    server.bulk = script
    results = ask.many(texts(3), ordered=True)
    assert [result.error is None for result in results] == [True, False, True]
    error = results[1].error
    assert isinstance(error, InvalidDocument)
    assert (error.reason, error.metadata, error.request_id) == ("DOCUMENT_ENCRYPTED", {"fact": "1"}, "of-the-server")
    with pytest.raises(InvalidDocument):
        results[1].unwrap()


class BreaksOff(io.BytesIO):
    """A stream on a disk that fails midway."""

    def read(self, size=-1):
        if self.tell() >= INLINE_BYTES + CHUNK_BYTES:
            raise OSError(5, "Input/output error")
        return super().read(size)


class Strange:
    """A stream that raises what no stream should, and cannot seek."""

    def seekable(self):
        return False

    def read(self, size=-1):
        raise LookupError("strange")


def test_a_document_that_cannot_be_read_to_its_end_is_cancelled_and_spoils_no_other(ask, server):
    cancelled = []

    def script(stream):
        yield stream.grant(4)
        for document in stream.documents():
            cancelled.extend([document.item_id] * document.cancelled)
            yield stream.answer(document)

    server.bulk = script
    documents = [
        Document.from_file(BreaksOff(b"x" * LARGE), key="breaks off"),
        Document.from_file(Strange(), key="strange"),
        Document.from_file(Path(__file__).parent, key="folder"),
        *texts(6),
    ]
    results = {result.key: result for result in ask.many(documents)}
    assert cancelled == ["0.1"]
    assert results["breaks off"].error.errno == 5
    assert isinstance(results["strange"].error, LookupError)
    assert isinstance(results["folder"].error, IsADirectoryError)
    assert all(results[key].classification for key in range(6))


def test_a_refusal_before_the_last_chunk_ends_the_sending_of_that_document_only(ask, server):
    arrived = []

    def script(stream):
        yield stream.grant(4)
        for request in stream.requests:
            kind = request.WhichOneof("payload")
            arrived.append(kind)
            if kind == "item" and request.item.WhichOneof("source") == "upload":
                document = stream._begun(request.item)
                yield stream.refusal(document, grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_TOO_LARGE")
            elif kind == "item":
                yield stream.answer(stream._begun(request.item))

    server.bulk = script
    huge = Document.from_bytes(b"x" * (64 * 1024 * 1024), key="huge")
    results = {result.key: result for result in ask.many([huge, *texts(2)])}
    assert results["huge"].error.reason == "DOCUMENT_TOO_LARGE"
    assert results[0].classification
    assert results[1].classification
    assert arrived.count("chunk") < 256
    assert arrived.count("cancel") == 1


def test_an_overloaded_service_is_asked_again_after_the_time_it_names(ask, server):
    refused = []

    def script(stream):
        yield stream.grant(2)
        for document in stream.documents():
            if len(refused) < 7:
                refused.append(document.data)
                yield stream.refusal(document, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.01)
            else:
                yield stream.answer(document)

    server.bulk = script
    results = ask.many(texts(3))
    assert sorted(keys(results)) == [0, 1, 2]
    assert all(result.classification for result in results)
    assert len(refused) == 7


def test_an_overload_that_outlasts_the_documents_time_is_its_error(ask, server):
    def script(stream):
        yield stream.grant(2)
        for document in stream.documents():
            yield stream.refusal(document, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 3600)

    server.bulk = script
    [result] = ask.many(texts(1))
    assert isinstance(result.error, Overloaded)
    assert result.error.retry_after_s == 3600


def test_without_retries_nothing_is_asked_again(ask, server):
    def script(stream):
        yield stream.grant(2)
        for document in stream.documents():
            yield stream.refusal(document, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.01)

    server.bulk = script
    results = ask.many(texts(2), retry=RetryPolicy(max_attempts=1))
    assert [type(result.error) for result in results] == [Overloaded, Overloaded]


def breaks_first(script, code=grpc.StatusCode.UNAVAILABLE, after=3):
    """The first stream ends with `code` after so many documents, one of them unanswered; the others follow `script`."""

    def either(stream):
        if stream.number:
            yield from script(stream)
            return
        yield stream.grant(4)
        for count, document in enumerate(stream.documents(), 1):
            if count == after:
                stream.context.abort(code, "going away")
            yield stream.answer(document)

    return either


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "CANCELLED"])
def test_documents_without_an_answer_are_sent_again_when_the_stream_breaks(ask, server, code):
    server.bulk = breaks_first(answers_all, grpc.StatusCode[code])
    results = ask.many(texts(20))
    assert sorted(keys(results)) == list(range(20))
    assert all(result.classification for result in results)
    assert len(server.streams) == 2
    assert len({one["x-request-id"] for one in server.metadata}) == 1


def test_a_stream_that_ends_well_but_early_is_broken_too(ask, server):
    def script(stream):
        yield stream.grant(4)
        if stream.number:
            for document in stream.documents():
                yield stream.answer(document)

    server.bulk = script
    assert all(result.classification for result in ask.many(texts(5)))


def test_a_large_file_and_a_stream_that_can_seek_are_read_again(ask, server, tmp_path):
    data = os.urandom(LARGE)
    (tmp_path / "large").write_bytes(data)
    seekable = io.BytesIO(b"skipped" + data)
    seekable.seek(7)
    server.bulk = breaks_first(answers_all, after=1)
    documents = [Document.from_file(tmp_path / "large"), Document.from_file(seekable)]
    results = ask.many(documents)
    assert [result.unwrap().sha256 for result in results] == [sha256(data)] * 2
    assert not seekable.closed


def test_a_stream_that_cannot_seek_is_not_sent_twice(ask, server):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    server.bulk = breaks_first(answers_all, after=1)
    results = {result.key: result for result in ask.many([Document.from_file(Pipe(b"once"), key="pipe"), *texts(3)])}
    assert isinstance(results["pipe"].error, Unavailable)
    assert all(results[key].classification for key in range(3))


def test_a_document_that_breaks_every_stream_is_given_up_and_the_others_are_answered(ask, server):
    def script(stream):
        yield stream.grant(1)
        for document in stream.documents():
            if document.data == b"poison":
                stream.context.abort(grpc.StatusCode.UNAVAILABLE, "died of it")
            yield stream.answer(document)

    server.bulk = script
    results = {result.key: result for result in ask.many([Document.from_text("poison", key="poison"), *texts(2)])}
    assert isinstance(results["poison"].error, Unavailable)
    assert results[0].classification
    assert results[1].classification
    assert len(server.streams) == 5


def test_a_service_that_restarts_is_found_again(ask, server):
    """The whole server goes, connections and all, and another takes its place."""
    restarted = []

    def script(stream):
        yield stream.grant(3)
        for document in stream.documents():
            if document.data == b"document 5" and not restarted:
                restarted.append(threading.Thread(target=lambda: (server.stop(), server.listen())))
                restarted[0].start()
                return
            yield stream.answer(document)

    server.bulk = script
    results = ask.many(texts(12))
    assert sorted(keys(results)) == list(range(12))
    assert all(result.classification for result in results)
    restarted[0].join()


def test_a_service_that_is_not_there_ends_the_call(ask, server):
    server.stop()
    with pytest.raises(Unavailable) as caught:
        ask.many(texts(3))
    assert caught.value.request_id
    server.listen()


def test_options_that_are_refused_end_the_call(ask, server):
    def script(stream):
        refuse(stream.context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
        yield

    server.bulk = script
    with pytest.raises(InvalidRequest) as caught:
        ask.many(texts(3), Options(pages="nonsense"))
    assert caught.value.violations == (("options.pages", "no range"),)
    assert server.streams[0].start.options.pages == "nonsense"
    assert len(server.streams) == 1


def test_a_stream_refused_for_load_is_tried_again_when_the_service_says(ask, server):
    def script(stream):
        if stream.number < 6:
            refuse(stream.context, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.01)
        yield from answers_all(stream)

    server.bulk = script
    assert all(result.classification for result in ask.many(texts(3)))
    assert len(server.streams) == 7


def test_a_document_that_is_never_answered_is_given_up_and_the_service_told(ask, server):
    told = []

    def script(stream):
        yield stream.grant(3)
        for document in stream.documents():
            if document.cancelled:
                told.append(document.item_id)
                yield stream.answer(document)
            elif document.data != b"document 1":
                yield stream.answer(document)

    server.bulk = script
    results = {result.key: result for result in ask.many(texts(9), document_timeout_s=0.3)}
    assert isinstance(results.pop(1).error, DeadlineExceeded)
    assert all(result.classification for result in results.values())
    assert len(results) == 8
    assert told == ["1.1"]


def test_the_call_as_a_whole_ends_at_its_deadline(ask, server):
    def script(stream):
        yield stream.grant(3)
        for _ in stream.documents():
            pass

    server.bulk = script
    with pytest.raises(DeadlineExceeded):
        ask.many(texts(9), timeout_s=0.3)


def test_what_the_iterable_raises_comes_after_the_answers(ask):
    def documents():
        yield from texts(2)
        raise LookupError("the list is torn")

    seen = []
    with pytest.raises(LookupError, match="torn"):
        ask.many(documents(), progress=seen.append)
    assert seen[-1].done_documents == 2


def test_what_is_no_document_is_refused(ask):
    with pytest.raises(TypeError, match="Document or Path, not str"):
        ask.many(["a.pdf"])


def test_unknown_keywords_and_impossible_timeouts_are_refused(ask):
    with pytest.raises(TypeError, match="timeout"):
        ask.many([], timeout=3)
    with pytest.raises(ValueError, match="above 0"):
        ask.many([], timeout_s=0)


def test_progress_counts_documents_and_bytes_up_to_all(ask):
    seen: list[BulkProgress] = []
    documents = [Document.from_bytes(b"x" * LARGE), Document.from_text("word")]
    ask.many(documents, progress=seen.append)
    assert seen[-1] == BulkProgress(2, 2, LARGE + 4)
    assert seen == sorted(seen, key=lambda one: (one.done_documents, one.sent_documents, one.sent_bytes))
    assert len(seen) > 5


def test_the_calls_own_metadata_travels_on_every_stream(ask, server):
    server.bulk = breaks_first(answers_all)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    ask.many(texts(5), request_id="mine", traceparent=trace, metadata=(("tenant", "blue"),))
    assert len(server.metadata) == 2
    for metadata in server.metadata:
        assert (metadata["x-request-id"], metadata["traceparent"], metadata["tenant"]) == ("mine", trace, "blue")


def test_a_closed_blocking_client_says_so(server):
    client = HeronClient(server.address)
    client.close()
    with pytest.raises(Cancelled):
        list(client.classify_many(texts(1)))


async def test_a_closed_asyncio_client_says_so(server):
    client = AsyncHeronClient(server.address)
    await client.get_server_info()
    await client.close()
    with pytest.raises(Cancelled):
        _ = [result async for result in client.classify_many(texts(1))]
