"""The `heron` command as people and scripts use it, against a real service."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import grpc
import pytest

from heron_grpc.cli.classify import Outcome, exit_status
from running import SAMPLES, heron

pytestmark = pytest.mark.xdist_group("service")

STATES = {"COMPLETED", "SKIPPED", "NOT_APPLICABLE"}


def sample(suffix: str) -> Path:
    return next(path for path in sorted(SAMPLES.iterdir()) if path.suffix == suffix and path.name != "manifest.csv")


def json_lines(done) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_folder_gives_one_json_object_a_line_in_order(service):
    done = heron("classify", str(SAMPLES), "--json", "--server", service.address)
    found = json_lines(done)
    files = sorted(str(path) for path in SAMPLES.iterdir())
    assert [item["path"] for item in found] == files
    for item in found:
        assert item["error"] is None
        assert item["decision"] in {"ACCEPTED", "NEEDS_REVIEW", "UNKNOWN", "UNREADABLE"}
        assert [stage["stage"] for stage in item["stages"]] == [
            "filename",
            "metadata",
            "text",
            "ocr",
            "rules",
            "layout",
            "model",
        ]
        looked_at = next(stage["state"] for stage in item["stages"] if stage["stage"] == "layout")
        is_picture = Path(item["path"]).suffix in {".jpg", ".png"}
        # Of a PDF it depends on how much text it has.
        assert looked_at == ("COMPLETED" if is_picture else "NOT_APPLICABLE") or item["path"].endswith(".pdf")
        assert {stage["state"] for stage in item["stages"]} <= STATES
        assert item["pipeline_version"]
    assert done.returncode == (0 if all(item["decision"] == "ACCEPTED" for item in found) else 5)


def test_the_samples_are_what_their_manifest_says(service):
    with (SAMPLES / "manifest.csv").open(newline="") as file:
        truth = {row["file"]: row["label"] for row in csv.DictReader(file)}
    found = {
        Path(item["path"]).name: item
        for item in json_lines(heron("classify", str(SAMPLES), "--json", "--server", service.address))
    }
    wrong = {
        name: [score["category"] for score in found[name]["labels"][:1]]
        for name, label in truth.items()
        if not found[name]["labels"] or found[name]["labels"][0]["category"] != label
    }
    assert len(set(truth.values())) >= 12
    assert len(wrong) <= 2, wrong
    confidently = {name for name in wrong if found[name]["decision"] == "ACCEPTED"}
    assert not confidently, wrong


def test_the_same_bytes_under_any_name_get_the_same_label(service, tmp_path):
    for name in ("invoice.pdf", "doc1.pdf", "resume.docx", "noname"):
        shutil.copy(sample(".pdf"), tmp_path / name)
    found = json_lines(heron("classify", str(tmp_path), "--json", "--server", service.address))
    assert len(found) == 4
    assert len({json.dumps(item["labels"]) for item in found}) == 1


def test_a_folder_travels_on_one_stream(service):
    before = service.log.read_text()
    done = heron("classify", str(SAMPLES), "--json", "--jobs", "3", "--server", service.address)
    assert len(json_lines(done)) == 19
    calls = [line for line in service.log.read_text()[len(before) :].splitlines() if "call_finished" in line]
    assert len(calls) == 1
    assert "ClassifyBulk" in calls[0]
    assert re.search(r'documents"?[=:] ?19\b', calls[0])


def test_stdin_may_be_one_of_several_documents(service):
    path, data = sample(".txt"), sample(".pdf").read_bytes()
    done = heron("classify", str(path), "-", "--json", "--server", service.address, data=data)
    assert [(item["path"], item["mime_type"]) for item in json_lines(done)] == [
        (str(path), "message/rfc822"),
        ("-", "application/pdf"),
    ]


def test_a_service_that_is_not_there_is_told_for_every_document(tmp_path):
    done = heron("classify", str(SAMPLES), str(tmp_path / "absent"), "--json", "--server", "127.0.0.1:1")
    assert done.returncode == 4
    assert len(json_lines(done)) == 20
    assert {item["error"]["code"] for item in json_lines(done)} == {"UNAVAILABLE"}


def test_stdin_is_one_document(service):
    data = sample(".pdf").read_bytes()
    done = heron("classify", "-", "--json", "--server", service.address, data=data)
    [found] = json_lines(done)
    assert (found["path"], found["mime_type"]) == ("-", "application/pdf")


def test_a_glob_is_expanded_and_one_that_matches_nothing_is_a_failure(service):
    done = heron("classify", f"{SAMPLES}/*.pdf", "--json", "--server", service.address)
    assert len(json_lines(done)) == len(list(SAMPLES.glob("*.pdf")))
    done = heron("classify", f"{SAMPLES}/*.nothing", "--json", "--server", service.address)
    assert done.returncode == 1
    assert json_lines(done)[0]["error"]["reason"] == "FILE_NOT_READ"


def test_a_folder_without_files_is_a_failure_and_not_a_success(service, tmp_path):
    (tmp_path / ".hidden").write_text("not looked at")
    done = heron("classify", str(tmp_path), "--json", "--server", service.address)
    assert done.returncode == 1
    assert json_lines(done)[0]["error"]["reason"] == "FILE_NOT_READ"


def test_a_piped_table_keeps_its_columns_beside_a_long_name(service, tmp_path):
    path = tmp_path / f"{'long-' * 18}name.pdf"
    shutil.copy(sample(".pdf"), path)
    table = heron("classify", str(path), "--server", service.address).stdout
    assert path.name in table
    assert "accepted" in table


def test_one_bad_file_does_not_spoil_the_others(service, tmp_path):
    shutil.copy(sample(".pdf"), tmp_path / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(sample(".pdf").read_bytes()[:300])
    (tmp_path / "c.txt").write_bytes(b"")
    (tmp_path / "d.xlsx").write_bytes(b"\x89not a sheet\0\1\2")
    done = heron("classify", str(tmp_path), str(tmp_path / "absent"), "--json", "--server", service.address)
    found = {Path(item["path"]).name: item for item in json_lines(done)}
    assert done.returncode == 1
    assert found["a.pdf"]["labels"]
    assert found["b.pdf"]["error"]["reason"] == "DOCUMENT_CORRUPT"
    assert found["c.txt"]["error"]["reason"] == "DOCUMENT_EMPTY"
    assert found["d.xlsx"]["error"]["reason"] == "UNSUPPORTED_MEDIA_TYPE"
    assert found["absent"]["error"]["reason"] == "FILE_NOT_READ"
    assert all(item["decision"] is None for name, item in found.items() if name != "a.pdf")


def test_names_that_are_no_utf_8_or_look_like_markup_are_only_names(service, tmp_path):
    names = [b"caf\xe9.txt", b"[red]bold.txt", "Rechnung \u202f März.txt".encode()]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_text("a note about nothing in particular, written in the spring")
    done = heron("classify", str(tmp_path), "--json", "--server", service.address)
    assert len(json_lines(done)) == len(names)
    assert all(item["decision"] for item in json_lines(done))
    assert "[red]bold.txt" in heron("classify", str(tmp_path), "--server", service.address).stdout


def test_a_proxy_in_the_environment_does_not_come_between(service):
    done = heron("classify", str(sample(".txt")), "--server", service.address, http_proxy="http://127.0.0.1:9")
    assert done.returncode in {0, 5}
    assert heron("doctor", "--ready", "--server", service.address, http_proxy="http://127.0.0.1:9").returncode == 0


def test_evaluate_judges_the_service_on_a_folder_of_labelled_files(service):
    done = heron("evaluate", str(SAMPLES), "--json", "--server", service.address)
    assert done.returncode == 0
    found = json.loads(done.stdout)["evaluations"]["service"]
    assert found["leaf"]["documents"] == 18
    assert {stage["stage"] for stage in found["stages"]} >= {"text", "rules", "model"}
    assert heron("evaluate", str(SAMPLES), "--server", "127.0.0.1:1").returncode == 4
    assert heron("evaluate", str(SAMPLES / "manifest.csv")).returncode == 2


def test_the_table_names_file_decision_and_label(service):
    done = heron("classify", str(sample(".pdf")), "--server", service.address, COLUMNS="200")
    assert sample(".pdf").name in done.stdout
    assert "accepted" in done.stdout or "needs_review" in done.stdout


def test_a_model_can_be_named_and_one_that_is_not_served_is_said_to_be(service):
    path = SAMPLES / "sample-05.docx"
    [found] = json_lines(heron("classify", str(path), "--json", "--model", "nb", "--server", service.address))
    assert found["model_version"].startswith("models/nb/versions/")
    refused = heron("classify", str(path), "--model", "absent", "--server", service.address)
    assert refused.returncode == 1
    assert "no such model" in refused.stdout


def test_evidence_quotes_the_document(service):
    path = sample(".txt")
    [found] = json_lines(heron("classify", str(path), "--json", "--evidence", "--server", service.address))
    text = heron("read", str(path), "--server", service.address).stdout
    # What a file tells of itself has no place in its text.
    quoted = [evidence for evidence in found["evidence"] if evidence["span"]]
    assert quoted
    for evidence in quoted:
        start, end = evidence["span"]
        assert text[start:end].startswith(evidence["quote"][:20].rstrip("…"))


def test_a_service_that_is_not_there_is_unavailable():
    done = heron("classify", str(sample(".txt")), "--json", "--server", "127.0.0.1:1")
    assert done.returncode == 4
    assert json_lines(done)[0]["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("arguments", [("classify",), ("classify", "x", "--ocr", "perhaps"), ("nonsense",)])
def test_wrong_usage_is_told_apart(arguments):
    assert heron(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([], 0),
        ([grpc.StatusCode.INVALID_ARGUMENT], 1),
        ([grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAVAILABLE], 4),
        ([grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED], 3),
        ([grpc.StatusCode.PERMISSION_DENIED], 3),
    ],
)
def test_the_gravest_outcome_decides_the_exit_status(codes, status):
    outcomes = [Outcome("x", code=code, error={"code": code.name}) for code in codes]
    assert exit_status(outcomes) == status


def test_doctor_finds_everything_in_place(service):
    done = heron("doctor", HERON_FRONT_ADDRESS="127.0.0.1:0", COLUMNS="200")
    assert done.returncode == 0, done.stdout
    assert "missing" not in done.stdout


def test_doctor_says_what_is_missing_and_how_to_fix_it(tmp_path, service):
    done = heron(
        "doctor",
        HERON_SERVING_MODELS_DIR=str(tmp_path),
        HERON_CLASSIFY_CALIBRATION=str(tmp_path / "gone.json"),
        HERON_READING_OCR_LANGUAGES="eng+tlh",
        HERON_READING_TESSDATA_DIR=str(tmp_path),
        HERON_FRONT_ADDRESS=service.address,
        COLUMNS="250",
    )
    assert done.returncode == 1
    assert "apt-get install tesseract-ocr-tlh" in done.stdout
    assert "none that can be used" in done.stdout
    assert "HERON_SERVING_MODELS_DIR" in done.stdout
    assert "mend or unset HERON_CLASSIFY_CALIBRATION" in done.stdout
    assert "HERON_FRONT_ADDRESS" in done.stdout


def test_doctor_names_the_packages_of_other_scripts(tmp_path):
    (tmp_path / "eng.traineddata").touch()
    (tmp_path / "jpn.traineddata").touch()
    done = heron("doctor", HERON_READING_TESSDATA_DIR=tmp_path, HERON_FRONT_ADDRESS="127.0.0.1:0", COLUMNS="200")
    assert done.returncode == 0, done.stdout
    for package in ("osd", "rus", "ell", "ara", "chi-sim", "kor"):
        assert f"apt-get install tesseract-ocr-{package}" in done.stdout
    assert "tesseract-ocr-jpn" not in done.stdout


def test_doctor_ready_tells_serving_from_absent(service):
    assert heron("doctor", "--ready", "--server", service.address).returncode == 0
    assert heron("doctor", "--ready", "--server", "127.0.0.1:1").returncode == 4


def test_generated_documents_can_be_evaluated(service, tmp_path):
    done = heron(
        "generate", str(tmp_path / "drawn"), "--label", "tax/w9", "--label", "correspondence", "--format", "txt"
    )
    assert done.stdout == "8 documents of 4 labels\n"
    done = heron("evaluate", str(tmp_path / "drawn"), "--json", "--server", service.address)
    assert json.loads(done.stdout)["evaluations"]["service"]["leaf"]["documents"] == 8


@pytest.mark.parametrize("wish", [("--label", "no/such"), ("--format", "gif")])
def test_what_cannot_be_generated_is_refused_by_name(tmp_path, wish):
    done = heron("generate", str(tmp_path), *wish)
    assert done.returncode == 2
    assert "must be one of" in done.stderr or "no label is" in done.stderr
