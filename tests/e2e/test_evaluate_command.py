"""`heron evaluate` on texts, and that the stages it runs in its own process decide as the service does."""

import gzip
import json

import pytest

from heron import HeronClient, Options
from heron.v1 import classification_pb2
from heron_grpc.classify import load_classifier
from heron_grpc.classify.decision_rule import load_decision_rules
from heron_grpc.lab.judging import StagesInProcess
from heron_grpc.lab.labelled_texts import generated
from heron_grpc.settings import load_settings
from running import SAMPLES, heron
from stage_inputs import PACK, SETTINGS

pytestmark = pytest.mark.xdist_group("service")


def test_stages_in_process_say_what_the_service_says_of_a_text(service):
    serving = load_settings().serving
    texts = generated(1, seed=31)[::4]
    classifier = load_classifier(serving.models_dir / serving.model)
    decisions = load_decision_rules(None, serving.models_dir)
    judged = StagesInProcess(classifier, PACK, SETTINGS, decisions).judge(texts)
    with HeronClient(service.address) as client:
        for text, row in zip(texts, judged, strict=True):
            answer = client.classify_text(text.text, Options(max_scores=1000))
            told = {score.category: score.probability for score in answer.scores}
            assert classification_pb2.Decision.Name(answer.decision) == f"DECISION_{row.decision.name}"
            assert told[row.likeliest] == pytest.approx(row.confidence, abs=1e-6)
            assert {stage.stage: stage.category for stage in answer.stages if stage.HasField("category")} == {
                opinion.stage: opinion.category for opinion in row.opinions if opinion.category
            }


def test_a_deployments_own_files_make_a_decision_file_the_service_takes(service, tmp_path):
    out = tmp_path / "ours.json"
    given = (str(SAMPLES), "--server", service.address, "--out", str(out))
    done = heron("calibrate", *given, HERON_READING_CHILDREN="2")
    assert done.returncode == 0, done.stderr
    assert "log loss" in done.stdout
    ours, shipped = (load_decision_rules(path, load_settings().serving.models_dir) for path in (out, None))
    assert ours.by_model.keys() == shipped.by_model.keys()
    assert ours.default.half_words == shipped.default.half_words
    refused = heron("calibrate", *given, HERON_READING_CHILDREN="2", HERON_CLASSIFY_CALIBRATION=str(out))
    assert refused.returncode == 2
    assert "another decision file" in refused.stderr
    out.write_text("{}")
    assert "format is missing" in heron("serve", HERON_CLASSIFY_CALIBRATION=str(out)).stderr


def test_a_corpus_is_measured_with_its_labels_and_with_corrected_ones(tmp_path):
    corpus, overrides, page = tmp_path / "corpus.jsonl.gz", tmp_path / "overrides.yaml", tmp_path / "page.html"
    facts = {"lang": "en", "source": "hand", "licence": "CC0-1.0", "split": "dev", "read_by": "typed"}
    rows = [
        {**facts, "id": str(number), "group": str(number), "label": "tax/w9", "text": text}
        for number, text in enumerate(("Form W-9 Request for Taxpayer Identification Number", "an invoice, rather"))
    ]
    with gzip.open(corpus, "wt", encoding="utf-8") as target:
        target.writelines(json.dumps(row) + "\n" for row in rows)
    overrides.write_text("'1': {label: financial/receivable/invoice, reason: it calls itself one}")
    done = heron("evaluate", str(corpus), "--overrides", str(overrides), "--json", "--html", str(page))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["evaluations"]) == 4
    assert report["facts"]["labels corrected"] == "1"
    assert dict(report["evaluations"]["all stages"]["slices"])["format typed"]["documents"] == 2
    assert "<svg" in page.read_text()
    assert heron("evaluate", str(corpus), "--split", "train").returncode == 2


def test_a_generated_set_is_measured_without_any_file():
    done = heron("evaluate", "--generated", "1", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "out-of-scope AUROC" in done.stdout


def test_what_is_measured_is_a_path_or_a_generated_set():
    assert heron("evaluate").returncode == 2
    assert heron("evaluate", "somewhere", "--generated", "2").returncode == 2
