"""What callers do at the front can be seen in its metrics."""

import asyncio
import random

import grpc
import pytest

from backends import until
from heron.v1 import classification_pb2, taxonomy_pb2
from heron_grpc.telemetry.exposition import exposed
from scraping import Scrape, collected, scrape

SERVICE = "heron.v1.ClassificationService"
START = classification_pb2.ClassifyUploadStart()
TEXT = "Please find below what we agreed upon and what remains to be paid by the end of the month."


def seen(front) -> Scrape:
    return collected(front.pipeline.metrics)


def ended(front, code: str) -> float:
    """Calls that ended so; a caller learns of a failure a moment before it is counted."""
    return seen(front).value("heron_calls_total", method=f"{SERVICE}/Classify", code=code)


async def classify(front, text: str = TEXT, **options: object) -> None:
    message = classification_pb2.ClassifyOptions(**options)
    await front.classification.Classify(classification_pb2.ClassifyRequest(text=text, options=message))


async def test_a_call_its_code_its_document_and_its_stages_are_counted(front):
    await classify(front)
    found = seen(front)
    assert found.value("heron_calls_total", method=f"{SERVICE}/Classify", code="OK") == 1
    assert found.value("heron_call_duration_seconds_count", method=f"{SERVICE}/Classify") == 1
    assert found.value("heron_calls_in_flight", method=f"{SERVICE}/Classify") == 0
    assert found.value("heron_documents_total", decision="accepted", category="financial") == 1
    assert found.value("heron_stages_total", stage="model", state="completed") == 1
    assert found.value("heron_stage_duration_seconds_count", stage="model") == 1
    assert found.value("heron_document_size_bytes_sum") == len(TEXT)
    assert found.value("heron_document_queue_seconds_sum") == 0.125


async def test_the_same_document_again_is_a_cache_hit(front):
    await classify(front)
    await classify(front)
    found = seen(front)
    assert found.value("heron_cache_hits_total") == 1
    assert found.value("heron_documents_total", decision="accepted", category="financial") == 2
    assert found.value("heron_stages_total", stage="model", state="completed") == 1


async def test_a_call_under_way_is_in_flight(front):
    during = []

    async def look(_text: str) -> None:
        during.append(seen(front).value("heron_calls_in_flight", method=f"{SERVICE}/Classify"))

    front.model.behave = look
    await classify(front)
    assert during == [1]


async def test_the_bytes_of_a_request_are_held_while_its_call_is_at_work(front):
    during = []

    async def look(_text: str) -> None:
        during.append(front.intake.bytes_held)

    front.model.behave = look
    await classify(front)
    content = classification_pb2.InlineContent(data=TEXT.encode())
    await front.classification.Classify(classification_pb2.ClassifyRequest(content=content))
    assert during == [len(TEXT)] * 2
    assert front.intake.bytes_held == 0


async def test_a_document_that_fails_is_counted_by_its_reason(front):
    with pytest.raises(grpc.aio.AioRpcError):
        await classify(front, taxonomy="taxonomies/absent")
    found = seen(front)
    assert found.value("heron_documents_failed_total", reason="NOT_FOUND") == 1
    await until(lambda: ended(front, "NOT_FOUND") == 1)
    assert "heron_documents_total" not in {sample.name for sample in found.samples()}


async def test_a_defect_is_counted_as_internal(front):
    async def crash(_text: str) -> None:
        raise ZeroDivisionError

    front.model.behave = crash
    with pytest.raises(grpc.aio.AioRpcError):
        await classify(front)
    found = seen(front)
    assert found.value("heron_documents_failed_total", reason="INTERNAL") == 1
    await until(lambda: ended(front, "INTERNAL") == 1)


async def test_a_document_that_its_caller_gives_up_is_counted_as_cancelled(front):
    reached = asyncio.Event()

    async def never_answer(_text: str) -> None:
        reached.set()
        await asyncio.Event().wait()

    front.model.behave = never_answer
    call = front.classification.Classify(classification_pb2.ClassifyRequest(text=TEXT))
    async with asyncio.timeout(30):
        await reached.wait()
    call.cancel()
    await until(lambda: seen(front).value("heron_documents_failed_total", reason="CANCELLED") == 1)
    await until(lambda: ended(front, "CANCELLED") == 1)
    assert seen(front).value("heron_calls_in_flight", method=f"{SERVICE}/Classify") == 0


async def test_a_call_that_finds_no_room_is_counted_by_what_was_full(start_front):
    front = await start_front(max_calls=1)

    async def call_again(_text: str) -> None:
        front.model.behave = None
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await classify(front)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    front.model.behave = call_again
    await classify(front)
    found = seen(front)
    assert found.value("heron_calls_refused_total", method=f"{SERVICE}/Classify", resource="calls") == 1
    await until(lambda: ended(front, "RESOURCE_EXHAUSTED") == 1)
    assert found.value("heron_calls_total", method=f"{SERVICE}/Classify", code="OK") == 1


async def test_an_upload_tells_its_size_and_its_pages(front):
    content = b"an invoice " * 100
    await front.upload(START, content)
    found = seen(front)
    assert found.value("heron_document_size_bytes_sum") == len(content)
    assert found.value("heron_pages_total") == 1
    assert found.value("heron_calls_total", method=f"{SERVICE}/ClassifyUpload", code="OK") == 1


async def test_every_method_of_the_service_has_its_series_before_the_first_call(front):
    methods = {sample.labels["method"] for sample in seen(front).families["heron_calls"].samples}
    assert {f"{SERVICE}/{name}" for name in ("Classify", "ClassifyUpload", "ClassifyBulk")} <= methods
    assert {"heron.v1.TaxonomyService/GetTaxonomy", "heron.v1.ServerService/GetServerInfo", "other"} <= methods


async def test_methods_that_do_not_exist_make_no_series(front):
    await front.taxonomy.ListTaxonomies(taxonomy_pb2.ListTaxonomiesRequest())
    series = seen(front).series()
    names = random.Random(5)
    for _ in range(100):
        path = f"/heron.v1.{names.randbytes(4).hex()}/{names.randbytes(4).hex()}"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.channel.unary_unary(path)(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert seen(front).series() == series


async def test_calls_and_scrapes_go_on_beside_each_other(front):
    async with exposed("127.0.0.1:0", front.pipeline.metrics) as address:
        calls = [classify(front, f"{TEXT} {number}") for number in range(50)]
        *_, found = await asyncio.gather(*calls, scrape(address))
        assert found.families["heron_calls"]
    assert seen(front).value("heron_calls_total", method=f"{SERVICE}/Classify", code="OK") == 50
