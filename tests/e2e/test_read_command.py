"""`heron read` as people and scripts use it, against a real service."""

import json
import shutil
import subprocess

import pypdfium2 as pdfium
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from running import HERON, SAMPLES, environment, heron

pytestmark = pytest.mark.xdist_group("service")

TEXT, SCAN, PHOTO = SAMPLES / "sample-18.txt", SAMPLES / "sample-03.pdf", SAMPLES / "sample-04.jpg"
DIGITAL = SAMPLES / "sample-02.pdf"


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "locked.pdf"
    canvas = Canvas(str(path), encrypt=StandardEncryption("sésame", "owner", strength=128))
    canvas.drawString(72, 700, "Known to the addressee alone")
    canvas.save()
    return path


def test_the_text_is_what_is_printed(service):
    done = heron("read", str(TEXT), "--server", service.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == TEXT.read_text().split()
    assert heron("read", str(TEXT), "--text", "--server", service.address).stdout == done.stdout


def test_pages_are_parted_by_form_feeds_and_may_be_chosen(service, tmp_path):
    canvas = Canvas(str(tmp_path / "three.pdf"))
    for number in ("first", "second", "third"):
        canvas.drawString(72, 700, f"This is the {number} page")
        canvas.showPage()
    canvas.save()
    done = heron("read", str(tmp_path / "three.pdf"), "--pages", "1,3", "--server", service.address)
    assert done.stdout == "This is the first page\n\fThis is the third page\n"


def test_json_holds_pages_words_and_stats(service):
    done = heron("read", str(DIGITAL), str(PHOTO), "--json", "--server", service.address)
    digital, photo = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert (digital["mime_type"], photo["mime_type"]) == ("application/pdf", "image/jpeg")
    assert digital["pages"][0]["text_source"] == "DIGITAL"
    assert photo["pages"][0]["text_source"] == "OCR"
    assert photo["stats"]["ocr_pages"] == 1
    for document in (digital, photo):
        page = document["pages"][0]
        assert page["language"] == "en"
        assert 0.9 < page["language_confidence"] <= 1
        assert len(page["words"]) > 20
        for word in page["words"]:
            start, end = word["span"]
            assert page["text"][start:end] == word["text"]
            left, upper, right, lower = word["box"]
            assert 0 <= left <= right <= 1
            assert 0 <= upper <= lower <= 1


def test_what_json_need_not_hold_can_be_left_out(service):
    done = heron("read", str(DIGITAL), "--json", "--no-words", "--no-tables", "--server", service.address)
    document = json.loads(done.stdout)
    assert document["tables"] == []
    assert document["pages"][0]["words"] == []
    assert document["pages"][0]["text"]


@pytest.mark.parametrize("path", [SCAN, PHOTO], ids=["scan", "photo"])
def test_a_searchable_pdf_says_what_was_read(service, tmp_path, path):
    out = tmp_path / "out.pdf"
    done = heron("read", str(path), "--pdf", str(out), "--server", service.address)
    assert done.returncode == 0
    read = json.loads(heron("read", str(path), "--json", "--server", service.address).stdout)
    with pdfium.PdfDocument(out) as document:
        found = document[0].get_textpage().get_text_range().split()
    assert sorted(found) == sorted(read["pages"][0]["text"].split())
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.pdf"]


def test_several_searchable_pdfs_go_to_a_folder_and_failures_leave_none(service, tmp_path):
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    out = tmp_path / "out"
    paths = [str(tmp_path / "photo.jpg"), str(TEXT)]
    assert heron("read", *paths, "--pdf", str(out), "--server", service.address).returncode == 2
    out.mkdir()
    done = heron("read", *paths, "--pdf", str(out), "--server", service.address)
    assert done.returncode == 1
    assert "UNSUPPORTED_MEDIA_TYPE" in done.stderr
    assert [entry.name for entry in out.iterdir()] == ["photo.pdf"]


def test_a_password_comes_from_a_file_or_is_asked_for_and_is_never_told(service, locked, tmp_path):
    (tmp_path / "password").write_text("sésame\n", encoding="utf-8")
    done = heron("read", str(locked), "--password-file", str(tmp_path / "password"), "--server", service.address)
    assert done.stdout == "Known to the addressee alone\n"
    refused = heron("read", str(locked), "--json", "--server", service.address)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["reason"] == "DOCUMENT_ENCRYPTED"
    assert heron("read", str(locked), "--password", "sésame", "--server", service.address).returncode == 2
    assert "same" not in service.log.read_text()


def test_one_failure_spoils_no_other(service, tmp_path):
    done = heron("read", str(tmp_path / "absent"), str(TEXT), "--json", "--server", service.address)
    absent, text = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert absent["error"]["reason"] == "FILE_NOT_READ"
    assert text["error"] is None
    assert "FILE_NOT_READ" in done.stderr


def test_stdin_is_read(service):
    done = heron("read", "-", "--filename", "a.txt", "--server", service.address, data=b"words from a pipe")
    assert done.stdout == "words from a pipe\n"


def test_a_service_that_is_not_there_is_unavailable():
    done = heron("read", str(TEXT), "--json", "--server", "127.0.0.1:1")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("more", [("--ocr", "perhaps"), ("--json", "--pdf", "x"), ("--password-file", "/nowhere")])
def test_wrong_usage_is_told_apart(more):
    assert heron("read", str(TEXT), *more).returncode == 2


def test_a_reader_of_the_output_that_wants_no_more_is_no_error(service, tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("a line of a long text\n" * 20_000)
    command = [str(HERON), "read", "--server", service.address, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout.readline() == b"a line of a long text\n"
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")
