"""The transformer classifier on a network of random weights: tokens, temperature, files that are checked."""

import json
import random
from pathlib import Path

import pytest

from heron_grpc.classify import load_classifier
from heron_grpc.classify.manifest import describe_file, load_manifest
from heron_grpc.classify.transformer import MODEL, TOKENIZER, OnnxTransformer
from heron_grpc.domain.errors import ModelFileRefused
from random_models import tiny_transformer

LENGTHS = (0, 1, 3, 10, 40, 200, 400, 3000)
_draw = random.Random(5)
TEXTS = ["".join(_draw.choices("abcdefghij 0123,.", k=length)) for length in LENGTHS * 4]


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    return tiny_transformer(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module", params=[1, 2, 3])
def classifier(request, directory) -> OnnxTransformer:
    return OnnxTransformer.load(directory, threads=request.param)


def test_what_the_best_label_leaves_is_the_novelty(classifier):
    for answer in classifier.predict(TEXTS, [False] * len(TEXTS)):
        assert answer.novelty == pytest.approx(1 - max(answer.probabilities.values()))


@pytest.mark.parametrize("gap", [" ", "\n" * 3000, ",", "你"])
def test_only_the_head_of_a_text_counts_and_all_of_it(classifier, gap):
    head = gap.join(["one", "two", "three"] * 30)
    tokens = classifier._tokenizer.encode(head).ids
    assert len(tokens) == 64
    assert classifier._encode(head) == tokens
    assert classifier._encode(head + " and more" * 1000) == tokens


def test_a_temperature_above_one_makes_it_less_sure(directory, tmp_path):
    cooler = _copy(directory, tmp_path / "tiny")
    manifest = json.loads((cooler / "manifest.json").read_text())
    manifest["parameters"]["temperature"] = 3.0
    (cooler / "manifest.json").write_text(json.dumps(manifest))
    [surer] = OnnxTransformer.load(directory).predict([TEXTS[5]], [False])
    [calmer] = OnnxTransformer.load(cooler).predict([TEXTS[5]], [False])
    assert max(calmer.probabilities.values()) < max(surer.probabilities.values())


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_files_that_cannot_be_understood_are_refused(directory, tmp_path, name):
    damaged = _copy(directory, tmp_path / "tiny")
    (damaged / name).write_bytes(b"nonsense")
    _rewrite_manifest(damaged)
    with pytest.raises(ModelFileRefused, match="is damaged"):
        load_classifier(damaged)


def test_a_network_with_other_labels_than_the_manifests_is_refused(directory, tmp_path):
    fewer = _copy(directory, tmp_path / "tiny")
    manifest = json.loads((fewer / "manifest.json").read_text())
    manifest["labels"].pop()
    (fewer / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFileRefused, match="does not fit"):
        load_classifier(fewer)


def test_a_manifest_that_names_no_network_is_refused(directory, tmp_path):
    nameless = _copy(directory, tmp_path / "tiny")
    manifest = json.loads((nameless / "manifest.json").read_text())
    manifest["files"] = [file for file in manifest["files"] if file["name"] != MODEL]
    (nameless / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFileRefused, match="does not name"):
        load_classifier(nameless)


def test_the_builder_writes_the_same_bytes_each_time(directory, tmp_path):
    assert load_manifest(tiny_transformer(tmp_path / "tiny")).files == load_manifest(directory).files


def _copy(directory: Path, to: Path) -> Path:
    to.mkdir()
    for path in directory.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def _rewrite_manifest(directory: Path) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    files = [describe_file(file["name"], (directory / file["name"]).read_bytes()) for file in manifest["files"]]
    manifest["files"] = [{"name": file.name, "sha256": file.sha256, "bytes": file.bytes} for file in files]
    (directory / "manifest.json").write_text(json.dumps(manifest))
