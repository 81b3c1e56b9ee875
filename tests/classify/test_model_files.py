"""A model directory is used as its manifest says, or refused by the file's name."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from heron_grpc.classify import load_classifier
from heron_grpc.classify.manifest import load_manifest, write_manifest
from heron_grpc.domain.errors import ModelFileRefused

MODEL = Path(__file__).parents[2] / "models" / "nb"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODEL, tmp_path / "nb"))


def edit(model: Path, **changes: object) -> None:
    path = model / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_weights(model: Path, content: bytes) -> None:
    """Writes other weights and makes the manifest name them."""
    (model / "weights.npz").write_bytes(content)
    entry = {"name": "weights.npz", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(model, files=[entry])


def refusal(model: Path) -> str:
    with pytest.raises(ModelFileRefused) as caught:
        load_classifier(model)
    assert str(model) not in caught.value.message
    return caught.value.message


def test_truncated_weights_are_refused_even_when_the_digest_fits(model):
    replace_weights(model, (model / "weights.npz").read_bytes()[:50_000])
    assert "weights.npz is damaged" in refusal(model)


def test_weights_of_other_labels_are_refused(model):
    edit(model, labels=list(load_manifest(model).labels[1:]))
    assert "does not fit" in refusal(model)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', "\x00"])
def test_a_damaged_manifest_is_refused(model, content):
    (model / "manifest.json").write_text(content)
    assert "manifest.json" in refusal(model)


def test_an_unknown_format_or_kind_is_refused(model):
    edit(model, kind="oracle")
    assert "kind" in refusal(model)
    edit(model, format=99)
    assert "format" in refusal(model)


def test_a_manifest_cannot_name_files_elsewhere(model):
    files = json.loads((model / "manifest.json").read_text())["files"]
    edit(model, files=[*files, {"name": "../secret", "sha256": "0" * 64, "bytes": 1}])
    assert "outside" in refusal(model)


def test_a_manifest_survives_being_written_and_read(model):
    manifest = load_manifest(model)
    before = (model / "manifest.json").read_bytes()
    write_manifest(model, manifest)
    assert load_manifest(model) == manifest
    assert (model / "manifest.json").read_bytes() == before
