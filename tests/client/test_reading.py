"""Reading with both clients: pages as they come, what is repeated, what a password travels as."""

import hashlib
import io
import threading

import grpc
import pytest

from heron import (
    AsyncHeronClient,
    Document,
    HeronClient,
    HeronServiceError,
    InvalidDocument,
    InvalidRequest,
    ReadOptions,
    ReadProgress,
    Unavailable,
)
from heron.documents import CHUNK_BYTES, INLINE_BYTES
from heron.messages import MAX_INLINE_BYTES
from heron.v1 import reading_pb2
from scripted_server import read_messages, refuse, take_document

LARGE = INLINE_BYTES + 3 * CHUNK_BYTES + 17
Answer = reading_pb2.ReadUploadResponse


def fails_first(*, times=1, after=0, code=grpc.StatusCode.UNAVAILABLE, reason="READER_UNAVAILABLE"):
    """The first streams are ended after so many messages, the others answered."""
    failed = []

    def script(requests, context):
        data = take_document(requests)
        for number, message in enumerate(read_messages(data)):
            if len(failed) < times and number == after:
                failed.append(data)
                refuse(context, code, reason)
            yield message

    return script


@pytest.mark.parametrize("size", [0, 17, LARGE], ids=["empty", "small", "large"])
def test_a_document_of_any_size_is_read_whole(ask, server, size):
    data = b"x" * size
    options = ReadOptions(pages="1-3", omit_tables=True)
    reading = ask.call("read", Document.from_bytes(data, "caf\udce9.txt", password="sesame"), options)
    assert "".join(page.text for page in reading.pages).encode() == data
    assert not any(page.continued for page in reading.pages)
    assert (reading.mime_type, reading.sha256) == ("text/plain", hashlib.sha256(data).hexdigest())
    assert reading.stats.pages == len(reading.pages)
    [start] = server.starts
    assert (start.header.filename, start.header.password, start.header.size_bytes) == ("caf?.txt", "sesame", size)
    assert start.options == options
    assert not start.searchable_pdf


def test_a_path_is_a_document(ask, server, tmp_path):
    (tmp_path / "note.txt").write_text("a note")
    assert ask.call("read", tmp_path / "note.txt").pages[0].text == "a note"
    assert server.starts[0].header.filename == "note.txt"
    with pytest.raises(TypeError):
        ask.call("read", b"bytes are no document")
    with pytest.raises(FileNotFoundError):
        ask.call("read", tmp_path / "absent")


def test_pages_come_before_the_last_is_read(server):
    release = threading.Event()

    def script(requests, context):
        take_document(requests)
        yield Answer(page=reading_pb2.Page(number=1, text="first"))
        assert release.wait(30)
        yield Answer(end=reading_pb2.ReadingEnd(stats=reading_pb2.ReadingStats(pages=1)))

    server.reading = script
    with HeronClient(server.address) as client, client.read_pages(Document.from_bytes(b"x")) as pages:
        assert next(pages).text == "first"
        release.set()
        assert list(pages) == []
        assert pages.reading.stats.pages == 1


async def test_pages_come_before_the_last_is_read_with_asyncio(server):
    release = threading.Event()

    def script(requests, context):
        take_document(requests)
        yield Answer(page=reading_pb2.Page(number=1, text="first"))
        assert release.wait(30)
        yield Answer(end=reading_pb2.ReadingEnd(stats=reading_pb2.ReadingStats(pages=1)))

    server.reading = script
    async with AsyncHeronClient(server.address) as client, client.read_pages(Document.from_bytes(b"x")) as pages:
        assert (await anext(pages)).text == "first"
        release.set()
        assert [page async for page in pages] == []
        assert pages.reading.stats.pages == 1


def test_leaving_the_pages_ends_the_call(server):
    over = threading.Event()

    def script(requests, context):
        assert context.add_callback(over.set)
        take_document(requests)
        while True:
            yield Answer(page=reading_pb2.Page(number=1, text="x" * 10_000))

    server.reading = script
    with HeronClient(server.address) as client:
        for _ in client.read_pages(Document.from_bytes(b"x")):
            break
    assert over.wait(10)


def test_a_reading_that_breaks_off_is_read_again_from_the_first_page(ask, server):
    server.reading = fails_first(times=2, after=4)
    data = b"x" * 250_000
    reading = ask.call("read", Document.from_bytes(data))
    assert [page.number for page in reading.pages] == [1, 2, 3]
    assert "".join(page.text for page in reading.pages).encode() == data
    assert len({one["x-request-id"] for one in server.metadata}) == 1
    assert len(server.metadata) == 3


def test_a_stream_that_ends_without_its_last_message_is_not_whole(ask, server):
    server.reading = lambda requests, _: list(read_messages(take_document(requests)))[:-1]
    with pytest.raises(Unavailable):
        ask.call("read", Document.from_bytes(b"x"))
    assert len(server.metadata) == 4


@pytest.mark.parametrize("after", [0, 4], ids=["before the first page", "after it"])
def test_pages_given_are_not_given_again(server, after):
    server.reading = fails_first(after=after)
    given = []
    with HeronClient(server.address) as client:
        pages = client.read_pages(Document.from_bytes(b"x" * 250_000))
        if after:
            with pytest.raises(Unavailable):
                given.extend(page.number for page in pages)
        else:
            given.extend(page.number for page in pages)
    assert len(server.metadata) == (1 if after else 2)


def test_what_would_end_the_same_again_is_asked_once(ask, server):
    server.reading = fails_first(code=grpc.StatusCode.FAILED_PRECONDITION, reason="DOCUMENT_ENCRYPTED")
    with pytest.raises(InvalidDocument) as caught:
        ask.call("read", Document.from_bytes(b"x"))
    assert (caught.value.reason, len(server.metadata)) == ("DOCUMENT_ENCRYPTED", 1)


def test_the_searchable_pdf_goes_where_it_is_wanted(ask, server):
    def script(requests, context):
        *answer, end = read_messages(take_document(requests))
        yield from answer
        yield from (Answer(pdf_chunk=chunk) for chunk in (b"%PDF", b"-1.7"))
        yield end

    server.reading = script
    out = io.BytesIO()
    reading = ask.call("read", Document.from_bytes(b"x"), pdf=out)
    assert out.getvalue() == b"%PDF-1.7"
    assert len(reading.pages) == 1
    assert server.starts[0].searchable_pdf


def test_half_a_pdf_is_not_followed_by_another(ask, server):
    def script(requests, context):
        take_document(requests)
        yield Answer(pdf_chunk=b"%PDF")
        refuse(context, grpc.StatusCode.UNAVAILABLE, "READER_UNAVAILABLE")

    server.reading = script
    out = io.BytesIO()
    with pytest.raises(Unavailable):
        ask.call("read", Document.from_bytes(b"x"), pdf=out)
    assert out.getvalue() == b"%PDF"


def test_progress_tells_bytes_and_pages(ask):
    seen: list[ReadProgress] = []
    ask.call("read", Document.from_bytes(b"x" * LARGE), progress=seen.append)
    assert seen[-1] == ReadProgress(LARGE, LARGE, pages=19, expected_pages=19)
    assert {one.pages for one in seen} == set(range(20))


def test_what_the_callback_raises_ends_the_call(ask):
    def progress(so_far):
        if so_far.pages:
            raise LookupError("no window to draw in")

    with pytest.raises(LookupError):
        ask.call("read", Document.from_bytes(b"x" * LARGE), progress=progress)


def test_what_the_caller_says_about_a_call_travels_with_it(ask, server):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for method in ("read", "page_image"):
        ask.call(method, Document.from_bytes(b"x"), request_id="mine", traceparent=trace)
        assert (server.metadata[-1]["x-request-id"], server.metadata[-1]["traceparent"]) == ("mine", trace)


def test_a_page_image_is_asked_for_as_wanted(ask, server):
    seen = []

    def script(request, _):
        seen.append(request)
        return reading_pb2.GetPageImageResponse(mime_type="image/webp", data=b"pixels")

    server.picture = script
    data = b"x" * MAX_INLINE_BYTES
    image = ask.call("page_image", Document.from_bytes(data, "a.pdf", password="sesame"), 3, 800, "webp")
    assert (image.mime_type, image.data) == ("image/webp", b"pixels")
    [request] = seen
    assert request.content.data == data
    assert (request.content.filename, request.content.password) == ("a.pdf", "sesame")
    assert (request.page, request.max_side, request.format) == (3, 800, reading_pb2.IMAGE_FORMAT_WEBP)


def test_a_page_image_of_what_fits_no_message_is_refused_before_it_is_sent(ask, server):
    with pytest.raises(InvalidRequest):
        ask.call("page_image", Document.from_bytes(b"x" * (MAX_INLINE_BYTES + 1)))
    with pytest.raises(ValueError, match="TIFF"):
        ask.call("page_image", Document.from_bytes(b"x"), image_format="tiff")
    assert server.metadata == []


def test_a_password_travels_with_every_way_to_classify(ask, server):
    ask.call("classify_bytes", b"x", "a.pdf", password="sesame")
    assert server.requests[0].content.password == "sesame"
    ask.many([Document.from_bytes(b"x", password="open")])
    assert "sesame" not in repr(Document.from_bytes(b"x", password="sesame"))


def test_a_refused_page_image_says_why(ask, server):
    server.picture = lambda _, context: refuse(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    with pytest.raises(HeronServiceError) as caught:
        ask.call("page_image", Document.from_bytes(b"x"))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
