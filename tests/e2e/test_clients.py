"""The clients against a live service: the example programs, and both Python clients with all kinds of documents."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heron import AsyncHeronClient, BulkResult, Document, HeronClient, InvalidDocument, RetryPolicy
from running import SAMPLES

EXAMPLES = Path(__file__).parents[2] / "clients" / "python"

pytestmark = pytest.mark.xdist_group("service")


def run(example: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def broken_pdf(folder: Path) -> Path:
    path = folder / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 and nothing more")
    return path


def test_the_upload_example_prints_the_label(service):
    done = run("upload.py", SAMPLES / "sample-02.pdf", service.address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DECISION_ACCEPTED financial/receivable/invoice")


def test_the_upload_example_reads_the_reason_of_a_refusal(service, tmp_path):
    done = run("upload.py", broken_pdf(tmp_path), service.address)
    assert done.returncode == 1
    assert done.stdout.startswith("INVALID_ARGUMENT DOCUMENT_CORRUPT")


def test_the_bulk_example_answers_every_file_it_can_read(service, tmp_path):
    paths = [*[SAMPLES / "sample-02.pdf"] * 20, broken_pdf(tmp_path), tmp_path / "absent", SAMPLES / "sample-14.txt"]
    done = run("bulk.py", service.address, *paths)
    lines = sorted(done.stdout.splitlines())
    assert done.returncode == 1, done.stderr
    assert lines[0].startswith("absent: CANCELLED CANCELLED")
    assert lines[1].startswith("broken.pdf: INVALID_ARGUMENT DOCUMENT_CORRUPT")
    assert lines[2:22] == ["sample-02.pdf: DECISION_ACCEPTED financial/receivable/invoice"] * 20
    assert lines[22] == "sample-14.txt: DECISION_ACCEPTED correspondence/email"
    assert "absent: No such file" in done.stderr


def test_the_bulk_example_says_how_a_stream_ended_that_never_began():
    done = run("bulk.py", "127.0.0.1:1", SAMPLES / "sample-02.pdf")
    assert done.returncode == 1
    assert done.stdout.startswith("the stream ended with UNAVAILABLE")


def test_the_asyncio_example_answers_a_folder(service, tmp_path):
    shutil.copy(SAMPLES / "sample-02.pdf", tmp_path)
    broken_pdf(tmp_path)
    done = run("many.py", tmp_path, service.address)
    assert done.returncode == 1, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        "broken.pdf DOCUMENT_CORRUPT",
        "sample-02.pdf DECISION_ACCEPTED financial/receivable/invoice",
    ]


def documents(folder: Path) -> list[Document]:
    """Some of all kinds: inline, uploaded, text, stream, damaged, absent."""
    invoice = (SAMPLES / "sample-02.pdf").read_bytes()
    return [
        Document.from_file(SAMPLES / "sample-02.pdf", key="file"),
        Document.from_bytes(invoice, key="bytes"),
        # What stands after a PDF's end does not count, and makes it long enough to be uploaded.
        Document.from_bytes(invoice + b" " * 2_000_000, key="large"),
        Document.from_file(io.BytesIO(invoice), key="stream"),
        Document.from_text((SAMPLES / "sample-14.txt").read_text(), key="text"),
        Document.from_text("an invoice, number 17, total due 20.00. " * 30_000, key="long text"),
        Document.from_file(broken_pdf(folder), key="broken"),
        Document.from_file(folder / "absent", key="absent"),
    ]


def check(results: list[BulkResult]) -> None:
    found = {result.key: result for result in results}
    assert [result.key for result in results] == [
        "file", "bytes", "large", "stream", "text", "long text", "broken", "absent"
    ]  # fmt: skip
    for key in ("file", "bytes", "stream"):
        assert found[key].unwrap().labels[0].category == "financial/receivable/invoice"
    assert found["large"].unwrap().mime_type == "application/pdf"
    assert found["text"].unwrap().labels[0].category == "correspondence/email"
    assert found["long text"].unwrap().mime_type == "text/plain"
    assert isinstance(found["broken"].error, InvalidDocument)
    assert isinstance(found["absent"].error, FileNotFoundError)


def test_the_blocking_client_gets_an_answer_for_every_kind_of_document(service, tmp_path):
    with HeronClient(service.address) as client:
        check(list(client.classify_many(documents(tmp_path), ordered=True)))


async def test_the_asyncio_client_gets_an_answer_for_every_kind_of_document(service, tmp_path):
    async with AsyncHeronClient(service.address) as client:
        check([result async for result in client.classify_many(documents(tmp_path), ordered=True)])


async def test_single_calls_of_the_asyncio_client(service):
    async with AsyncHeronClient(service.address) as client:
        answer = await client.classify_file(SAMPLES / "sample-02.pdf")
        assert answer.labels[0].category == "financial/receivable/invoice"
        assert (await client.get_taxonomy()).categories
        assert (await client.get_server_info()).limits.max_document_bytes


def test_a_service_that_restarts_in_the_middle_loses_no_document(start_service):
    first = start_service()
    texts = [Document.from_text(f"an invoice, number {number}, total due 20.00", key=number) for number in range(200)]
    seen = []
    # The new process may take its time on a busy machine.
    with HeronClient(first.address, retry=RetryPolicy(reconnect_s=100)) as client:
        for result in client.classify_many(texts, max_in_flight=8):
            seen.append(result.key)
            assert result.classification, result.error
            if len(seen) == 50:
                assert first.terminate() == 0
                start_service(HERON_FRONT_ADDRESS=first.address)
    assert sorted(seen) == list(range(200))
