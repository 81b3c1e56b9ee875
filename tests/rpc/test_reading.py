"""ReadingService: readings in one message and as streams, page images, and all that can be wrong with the asking."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest

from heron import HeronServiceError
from heron.reading_assembly import ReadingAssembly
from heron.v1 import classification_pb2, reading_pb2
from heron_grpc.domain import errors
from heron_grpc.domain.document import (
    Box,
    DocumentWarning,
    OcrMode,
    Page,
    Part,
    PictureFormat,
    PictureRequest,
    Table,
    TextSource,
    Word,
)
from heron_grpc.domain.steps import Effort, Metadata, Outlook, Picture, Piece

Content = classification_pb2.InlineContent
Read = reading_pb2.ReadDocumentRequest
Start = reading_pb2.ReadUploadStart
Trailer = classification_pb2.UploadTrailer

SCAN = Page(
    2,
    "recognised words\nin two lines",
    600,
    800,
    (Word(0, 10, Box(0.1, 0.2, 0.3, 0.4), 0.9), Word(17, 19, Box(0.1, 0.5, 0.2, 0.6), 0.8)),
    TextSource.OCR,
    90,
    0.85,
    0.95,
    language="de",
    language_confidence=0.9,
)
STEPS = (
    Part(0, "application/pdf"),
    Outlook(2),
    Metadata({"title": "Two pages"}),
    Page(1, "digital"),
    Table(1, (("a", "b"), (), ("c",))),
    SCAN,
    Part(1, "text/csv", "sheet.csv", 0, 17),
    Page(3, "", source=TextSource.NONE, part=1),
    DocumentWarning("PAGE_BLANK", "the page is blank", "ocr", 3),
    Effort(1.5),
)


def start(header: classification_pb2.UploadHeader | None = None, **fields: object) -> Start:
    return Start(header=header or classification_pb2.UploadHeader(), **fields)


def messages(*payloads: object) -> Iterator[reading_pb2.ReadUploadRequest]:
    for payload in payloads:
        if isinstance(payload, bytes):
            yield reading_pb2.ReadUploadRequest(chunk=payload)
        elif isinstance(payload, Trailer):
            yield reading_pb2.ReadUploadRequest(trailer=payload)
        else:
            yield reading_pb2.ReadUploadRequest(start=payload)


async def upload(front, *payloads: object, **call: object) -> list[reading_pb2.ReadUploadResponse]:
    return [message async for message in front.reading.ReadUpload(messages(*payloads), **call)]


async def failure(call) -> HeronServiceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return HeronServiceError(caught.value)


def kinds(answer: list[reading_pb2.ReadUploadResponse]) -> list[str]:
    return [message.WhichOneof("payload") for message in answer]


async def test_a_small_document_is_answered_whole(front):
    front.pool.steps = STEPS
    request = Read(content=Content(data=b"bytes", filename="a.pdf", mime_type="application/pdf"))
    reading = (await front.reading.ReadDocument(request)).reading
    assert reading.mime_type == "application/pdf"
    assert [page.text for page in reading.pages] == ["digital", SCAN.text, ""]
    assert [page.part for page in reading.pages] == [0, 0, 1]
    assert [[list(row.cells) for row in table.rows] for table in reading.tables] == [[["a", "b"], [], ["c"]]]
    assert (reading.parts[0].filename, reading.parts[0].size_bytes) == ("sheet.csv", 17)
    assert dict(reading.metadata) == {"title": "Two pages"}
    assert [(warning.code, warning.page) for warning in reading.warnings] == [("PAGE_BLANK", 3)]
    assert (reading.stats.pages, reading.stats.ocr_pages) == (3, 1)
    assert reading.stats.ocr.ToMilliseconds() == 1500
    scan = reading.pages[1]
    assert (scan.width, scan.height, scan.rotation) == (600, 800, 90)
    assert scan.text_source == reading_pb2.TEXT_SOURCE_OCR
    assert (round(scan.ocr_confidence, 4), round(scan.quality, 4)) == (0.85, 0.95)
    assert [scan.text[word.span.start : word.span.end] for word in scan.words] == ["recognised", "in"]
    assert [word.line for word in scan.words] == [0, 1]
    assert round(scan.words[0].box.y_max, 4) == 0.4
    assert [score.language_code for score in reading.languages] == ["de"]
    assert 0.6 < reading.languages[0].confidence < 0.9


async def test_a_stream_opens_tells_everything_in_order_and_ends(front):
    front.pool.steps = STEPS
    answer = await upload(front, start(), b"by", b"tes", Trailer(size_bytes=5))
    assert front.pool.seen == [b"bytes"]
    assert kinds(answer) == [
        "opening",
        "progress",
        "metadata",
        "page",
        "table",
        "page",
        "progress",
        "part",
        "page",
        "warning",
        "end",
    ]
    assert (answer[0].opening.mime_type, answer[0].opening.size_bytes) == ("application/pdf", 5)
    first, second = answer[1].progress, answer[6].progress
    assert (first.pages_done, first.pages_total) == (0, 2)
    assert (second.pages_done, second.pages_total, second.ocr_pages) == (2, 2, 1)
    assert answer[-1].end.stats.pages == 3


async def test_pages_come_while_the_rest_is_still_being_read(front):
    release = asyncio.Event()

    async def stream(*_):
        yield Part(0, "application/pdf")
        yield Page(1, "first")
        await release.wait()
        yield Page(2, "second")

    front.pool.stream = stream
    call = front.reading.ReadUpload(messages(start(), b"bytes"))
    assert (await asyncio.wait_for(call.read(), 10)).HasField("opening")
    assert (await asyncio.wait_for(call.read(), 10)).page.text == "first"
    release.set()
    assert (await asyncio.wait_for(call.read(), 10)).page.text == "second"


async def test_a_page_of_any_size_travels_in_small_messages_and_is_put_together_again(front):
    text = "wörter 字 " * 30_000
    words = tuple(Word(at, at + 6, Box(0, 0, 1, 1)) for at in range(0, len(text) - 9, 9)) * 4
    cells = tuple(tuple(f"{'x' * 2_000}{row}.{column}" for column in range(300)) for row in range(4))
    page = Page(1, text, words=words)
    front.pool.steps = (Part(0, "text/plain"), page, Table(1, (*cells, ())), Table(1, (("end",),)))
    answer = await upload(front, start(), b"bytes")
    assert max(message.ByteSize() for message in answer) < 300_000
    assert kinds(answer).count("page") > 100
    assembly = ReadingAssembly()
    pages = [found for message in answer if (found := assembly.add(message))]
    assert [(found.text, len(found.words)) for found in pages] == [(text, len(words))]
    assert [word.span.start for word in pages[0].words] == [word.start for word in words]
    tables = [[tuple(row.cells) for row in table.rows] for table in assembly.reading.tables]
    assert tables == [[*cells, ()], [("end",)]]


async def test_a_reading_beyond_one_message_is_refused_with_advice(front):
    front.pool.steps = (Part(0, "text/plain"), *(Page(number, "x" * 100_000) for number in range(1, 60)))
    found = await failure(front.reading.ReadDocument(Read(content=Content(data=b"bytes"))))
    assert (found.reason, found.metadata) == ("READING_LIMIT_EXCEEDED", {"limit": "message"})
    assert len(await upload(front, start(), b"bytes")) > 100


async def test_the_options_reach_the_reader(front):
    options = reading_pb2.ReadOptions(
        ocr=classification_pb2.OCR_MODE_ALWAYS, languages=["de"], pages="2-3", omit_words=True, omit_tables=True
    )
    content = Content(data=b"bytes", filename="näme.pdf", password="öpen")
    await front.reading.ReadDocument(Read(content=content, options=options))
    header = classification_pb2.UploadHeader(filename="other", password="sesame")
    await upload(front, start(header, searchable_pdf=True), b"bytes")
    first, second = front.pool.requests
    assert (first.filename, first.password, first.ocr) == ("näme.pdf", "öpen", OcrMode.ALWAYS)
    assert (first.languages, first.page_ranges) == (("de",), ((2, 3),))
    assert (first.with_words, first.with_tables, first.searchable_pdf) == (False, False, False)
    assert (second.filename, second.password, second.searchable_pdf) == ("other", "sesame", True)
    assert (second.with_words, second.all_words, second.with_tables) == (True, True, True)


async def test_the_searchable_pdf_follows_the_pages(front):
    front.pool.steps = (Part(0, "image/png"), SCAN, Piece(b"%PDF"), Piece(b"-1.7"), Effort(0.1))
    answer = await upload(front, start(searchable_pdf=True), b"bytes")
    assert b"".join(message.pdf_chunk for message in answer) == b"%PDF-1.7"
    assert kinds(answer) == ["opening", "page", "progress", "pdf_chunk", "pdf_chunk", "end"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"pages": "0"}, "options.pages"),
        ({"pages": "3-1"}, "options.pages"),
        ({"languages": ["no language"]}, "options.languages"),
        ({"languages": ["en"] * 11}, "options.languages"),
        ({"ocr": 99}, "options.ocr"),
    ],
)
async def test_options_that_break_a_rule_are_named(front, options, field):
    options = reading_pb2.ReadOptions(**options)
    for call in (
        front.reading.ReadDocument(Read(content=Content(data=b"x"), options=options)),
        upload(front, start(options=options), b"x"),
    ):
        found = await failure(call)
        assert (found.reason, [violation[0] for violation in found.violations]) == ("INVALID_REQUEST", [field])
    assert front.pool.requests == []


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"filename": "x" * 256}, "filename"),
        ({"filename": "a\nb"}, "filename"),
        ({"mime_type": "x" * 256}, "mime_type"),
        ({"password": "ä" * 128}, "password"),
        ({"password": "a\0b"}, "password"),
    ],
)
async def test_what_is_said_of_a_file_is_bounded(front, content, field):
    found = await failure(front.reading.ReadDocument(Read(content=Content(data=b"x", **content))))
    assert [violation[0] for violation in found.violations] == [f"content.{field}"]
    found = await failure(upload(front, start(classification_pb2.UploadHeader(**content)), b"x"))
    assert [violation[0] for violation in found.violations] == [f"start.header.{field}"]


async def test_a_request_without_a_document_is_refused(front):
    for method, request in ((front.reading.ReadDocument, Read()), (front.reading.GetPageImage, Picturing())):
        assert (await failure(method(request))).violations[0][0] == "content"


@pytest.mark.parametrize(
    "payloads",
    [[], [b"chunk first"], [start(), start()], [start(), b"x", Trailer(), b"x"], [start(), Trailer(sha256="no hex")]],
    ids=["empty", "chunk-first", "two-starts", "chunk-after-trailer", "bad-trailer"],
)
async def test_messages_out_of_order_end_the_stream(front, payloads):
    assert (await failure(upload(front, *payloads))).reason == "INVALID_REQUEST"
    assert front.pool.requests == []


async def test_sizes_and_digests_are_held_to(start_front):
    front = await start_front(max_document_bytes=100, max_inline_bytes=50)
    announced = start(classification_pb2.UploadHeader(size_bytes=101))
    assert (await failure(upload(front, announced))).reason == "DOCUMENT_TOO_LARGE"
    assert (await failure(upload(front, start(), b"x" * 101))).reason == "DOCUMENT_TOO_LARGE"
    assert (await failure(upload(front, start(), b"x", Trailer(size_bytes=2)))).reason == "UPLOAD_MISMATCH"
    large = Read(content=Content(data=b"x" * 51))
    assert (await failure(front.reading.ReadDocument(large))).reason == "DOCUMENT_TOO_LARGE"


async def test_an_error_after_the_first_pages_ends_the_stream_with_its_reason(front):
    async def stream(*_):
        yield Part(0, "application/pdf")
        yield Page(1, "first")
        raise errors.ReadingLimitExceeded("too much", {"limit": "cpu"})

    front.pool.stream = stream
    call = front.reading.ReadUpload(messages(start(), b"bytes"), metadata=(("x-request-id", "mine"),))
    assert (await call.read()).HasField("opening")
    assert (await call.read()).page.text == "first"
    found = await failure(call.read())
    assert (found.reason, found.metadata, found.request_id) == ("READING_LIMIT_EXCEEDED", {"limit": "cpu"}, "mine")


async def test_a_caller_who_leaves_frees_the_reader_and_the_spool(front, tmp_path):
    ended = asyncio.Event()

    async def stream(*_):
        try:
            yield Part(0, "application/pdf")
            await asyncio.Event().wait()
        finally:
            ended.set()

    front.pool.stream = stream
    call = front.reading.ReadUpload(messages(start(), b"bytes"))
    await call.read()
    call.cancel()
    await asyncio.wait_for(ended.wait(), 10)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_caller_who_takes_nothing_is_let_go(start_front):
    front = await start_front(chunk_idle_s=0.3)
    ended = asyncio.Event()

    async def stream(*_):
        try:
            yield Part(0, "text/plain")
            for number in range(1, 10_000):
                yield Page(number, "x" * 30_000)
        finally:
            ended.set()

    front.pool.stream = stream
    call = front.reading.ReadUpload(messages(start(), b"bytes"))
    await call.read()
    await asyncio.wait_for(ended.wait(), 30)
    call.cancel()


async def test_a_reading_that_takes_longer_than_a_call_may_is_ended(start_front):
    front = await start_front(max_call_s=0.3)

    async def stream(*_):
        yield Part(0, "text/plain")
        await asyncio.Event().wait()

    front.pool.stream = stream
    assert (await failure(upload(front, start(), b"bytes"))).code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_uploads_to_read_and_to_classify_share_their_places(start_front):
    front = await start_front(max_uploads=1)
    inside, release = asyncio.Event(), asyncio.Event()

    async def stream(*_):
        inside.set()
        await release.wait()
        yield Part(0, "text/plain")

    front.pool.stream = stream
    first = asyncio.ensure_future(upload(front, start(), b"bytes"))
    await asyncio.wait_for(inside.wait(), 10)
    with pytest.raises(grpc.RpcError) as caught:
        await front.upload(classification_pb2.ClassifyUploadStart(), b"words")
    assert HeronServiceError(caught.value).reason == "OVERLOADED"
    release.set()
    await first


async def test_a_declared_type_that_differs_is_a_warning(front):
    content = Content(data=b"words", mime_type="image/png")
    reading = (await front.reading.ReadDocument(Read(content=content))).reading
    assert [warning.code for warning in reading.warnings] == ["MIME_TYPE_DIFFERS"]


async def test_readings_are_counted(front):
    front.pool.steps = STEPS
    await front.reading.ReadDocument(Read(content=Content(data=b"bytes")))
    front.pool.steps = ()

    async def refuse(_):
        raise errors.CorruptDocument("damaged")

    front.pool.behave = refuse
    await failure(front.reading.ReadDocument(Read(content=Content(data=b"bytes"))))
    value = front.pipeline.metrics.registry.get_sample_value
    assert value("heron_readings_total") == 1
    assert value("heron_pages_total") == 3
    assert value("heron_ocr_pages_total") == 1
    assert value("heron_documents_failed_total", {"reason": "DOCUMENT_CORRUPT"}) == 1


Picturing = reading_pb2.GetPageImageRequest


async def test_a_page_image_is_drawn_as_asked(front):
    front.pool.steps = (Part(0, "image/png"), Picture(30, 40, 7), Piece(b"pix"), Piece(b"els"))
    request = Picturing(
        content=Content(data=b"bytes", filename="a.png", password="x"),
        page=3,
        max_side=40,
        format=reading_pb2.IMAGE_FORMAT_WEBP,
    )
    answer = await front.reading.GetPageImage(request)
    assert (answer.mime_type, answer.data, answer.page_count) == ("image/webp", b"pixels", 7)
    assert (answer.width, answer.height) == (30, 40)
    [asked] = front.pool.requests
    assert (asked.filename, asked.password) == ("a.png", "x")
    assert asked.picture == PictureRequest(3, 40, PictureFormat.WEBP)
    await front.reading.GetPageImage(Picturing(content=Content(data=b"bytes")))
    assert front.pool.requests[1].picture == PictureRequest(1, 1600, PictureFormat.PNG)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page": -1}, "page"),
        ({"max_side": 15}, "max_side"),
        ({"max_side": 4097}, "max_side"),
        ({"format": 9}, "format"),
    ],
)
async def test_a_picture_nobody_can_draw_is_refused(front, fields, field):
    found = await failure(front.reading.GetPageImage(Picturing(content=Content(data=b"x"), **fields)))
    assert [violation[0] for violation in found.violations] == [field]


async def test_a_picture_beyond_one_message_is_refused(front):
    pieces = [Piece(b"x" * 1_000_000)] * 5
    front.pool.steps = (Part(0, "image/png"), Picture(4000, 4000, 1), *pieces)
    found = await failure(front.reading.GetPageImage(Picturing(content=Content(data=b"x"))))
    assert (found.reason, found.metadata) == ("READING_LIMIT_EXCEEDED", {"limit": "message"})


async def test_a_page_that_is_not_there_is_not_found(front):
    async def stream(*_):
        yield Part(0, "image/png")
        raise errors.NotFound("the document has no page 2")

    front.pool.stream = stream
    found = await failure(front.reading.GetPageImage(Picturing(content=Content(data=b"x"), page=2)))
    assert (found.code, found.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
