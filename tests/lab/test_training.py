"""Training from end to end on a tiny corpus."""

import gzip
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from heron_grpc.classify import load_classifier
from heron_grpc.classify.manifest import load_manifest
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.corpus import assign_folds, load_corpus
from heron_grpc.lab.evaluate import evaluate_corpus
from heron_grpc.lab.fitting import METHODS, FitParameters
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.label_overrides import LabelOverride
from heron_grpc.lab.read_back import read_back
from heron_grpc.lab.train_naive_bayes import TrainOptions, train

KINDS = {
    "financial/receivable/invoice": "invoice number {} please pay the total amount due by bank transfer",
    "hr/resume": "resume {} experience education skills references employer university",
    "meta/other": "once upon a time {} a fox ran over the hills and far away",
}
TODAY = date(2026, 1, 2)
OPTIONS = TrainOptions(per_label=1, read_share=0, picture_share=0, generated_weights=(0.1,), folds=2)


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as target:
        target.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def rows() -> list[dict[str, str]]:
    return [
        {
            "id": f"{label}-{number}",
            "label": label,
            "lang": "en",
            "source": "hand",
            "licence": "CC0-1.0",
            "group": f"{label}-group-{number}",
            "split": "dev" if number % 4 == 0 else "train",
            "text": text.format(f"entry {number} of {label}"),
        }
        for label, text in KINDS.items()
        for number in range(16)
    ]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "corpus.jsonl.gz", rows())


def test_the_same_inputs_give_the_same_bytes(corpus, tmp_path):
    for name in ("one", "two"):
        train(corpus, tmp_path / name, TODAY, OPTIONS)
    for file in ("weights.npz", "manifest.json"):
        assert (tmp_path / "one/nb" / file).read_bytes() == (tmp_path / "two/nb" / file).read_bytes()


def test_a_trained_model_serves_and_its_manifest_tells_what_was_measured(corpus, tmp_path):
    told: list[str] = []
    manifest = train(corpus, tmp_path, TODAY, OPTIONS, progress=told.append)
    assert manifest == load_manifest(tmp_path / "nb")
    assert manifest.created == "2026-01-02"
    assert told
    classifier = load_classifier(tmp_path / "nb")
    evaluation = evaluate_corpus(classifier, corpus)
    figure = manifest.figure("dev_leaf_accuracy")
    assert figure is not None
    assert (figure.value, figure.documents) == (evaluation.leaf.value, 12)
    assert evaluation.leaf.value > 0.9
    assert {source.name for source in manifest.data} == {"hand", "generated"}


def test_a_model_that_does_not_beat_the_one_there_is_not_written_unless_forced(corpus, tmp_path):
    train(corpus, tmp_path, TODAY, OPTIONS)
    before = (tmp_path / "nb/manifest.json").read_bytes()
    train(corpus, tmp_path, TODAY, OPTIONS)
    assert (tmp_path / "nb/manifest.json").read_bytes() == before
    assert train(corpus, tmp_path, TODAY, OPTIONS, force=True).version == "2"
    assert load_manifest(tmp_path / "nb").version == "2"


def test_overrides_correct_what_is_trained_on_and_both_figures_are_told(corpus, tmp_path):
    overrides = {row["id"]: LabelOverride("legal/nda", "tested") for row in rows() if row["label"] == "meta/other"}
    manifest = train(corpus, tmp_path, TODAY, replace(OPTIONS, overrides=overrides))
    as_labelled, corrected = manifest.figure("dev_leaf_accuracy"), manifest.figure("dev_corrected_leaf_accuracy")
    assert as_labelled is not None
    assert corrected is not None
    assert (as_labelled.value, corrected.value) == (pytest.approx(2 / 3), 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_model_of_the_same_backend(corpus, tmp_path, method):
    train(corpus, tmp_path, TODAY, replace(OPTIONS, fit=FitParameters(method=method)))
    assert evaluate_corpus(load_classifier(tmp_path / "nb"), corpus).leaf.value > 0.9


def test_an_unknown_method_is_refused(corpus, tmp_path):
    with pytest.raises(ConfigurationError, match="nbsvm"):
        train(corpus, tmp_path, TODAY, replace(OPTIONS, fit=FitParameters(method="forest")))


def test_some_documents_are_trained_on_as_the_reader_returns_them():
    document = Generator().draw("financial/receivable/invoice", 9, 0)
    drawn = [document, replace(document, label="meta/not_a_document", seed="picture", text="kept")]
    read, kept = read_back(drawn, 1.0, 0.0)
    assert kept == drawn[1]
    assert read.text != document.text
    assert read.text.split()[:3] == document.clean.text.split()[:3]


def test_a_corpus_that_parts_a_group_is_refused(tmp_path):
    parted = [*rows(), {**rows()[0], "split": "train"}]
    with pytest.raises(ConfigurationError, match="group"):
        load_corpus(write(tmp_path / "corpus.jsonl.gz", parted))


@pytest.mark.parametrize(
    "content",
    [b"", b"not gzip", gzip.compress(b"{]"), gzip.compress(b'{"id": 1}')[:-9]],
    ids=["empty", "not-gzip", "not-json", "cut-off"],
)
def test_a_damaged_corpus_is_refused_or_has_nothing_to_train_on(tmp_path, content):
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        train(path, tmp_path, TODAY, OPTIONS)


def test_folds_keep_groups_together_whatever_the_order():
    groups = [f"group {number % 7}" for number in range(40)]
    folds = dict(zip(groups, assign_folds(groups, 3), strict=True))
    assert assign_folds(groups[::-1], 3) == [folds[group] for group in groups[::-1]]
    assert len(set(folds.values())) > 1
