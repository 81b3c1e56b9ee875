"""What every classifier promises, whatever it is made of: the port's contract, on real and on random weights."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from heron_grpc.classify import load_classifier
from heron_grpc.classify.cascade import Cascade
from heron_grpc.classify.manifest import load_manifest
from heron_grpc.classify.naive_bayes import NaiveBayes
from heron_grpc.classify.transformer import OnnxTransformer
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier
from random_models import SHIPPED, cascade, tiny_transformer

SANITY = yaml.safe_load((Path(__file__).parent / "sanity_texts.yaml").read_text(encoding="utf-8"))
_draw = random.Random(5)
ODD = [
    "",
    " \n\t\f",
    "--- *** ,,, \x00",
    "\x00",
    "a\x00b\x00 invoice",
    "שלום עולם חשבונית",
    "発票 請求書",
    "e\u0301 cafe\u0301 ²½Ⅷ",
    "😀😀 Straße École 📄 invoice número 12",
    "\u202e\ufeff\ufffd\U0010ffff",
    "a" * 5000,
]
TEXTS = [*(entry["text"] for entry in SANITY), *ODD]
TEXTS += ["".join(_draw.choices("abcdefghij 0123,.", k=length)) for length in (1, 3, 10, 40, 200, 400, 3000)]


@dataclass(frozen=True)
class Kind:
    """A classifier's class, its directory, the files it is made of and how far rounding may move a probability."""

    made_as: type
    directory: Path
    files: tuple[Path, ...]
    tolerance: float
    threads: int = 1

    def load(self) -> Classifier:
        return load_classifier(self.directory, self.threads)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    for name in ("nb", "distilbert"):
        shutil.copytree(SHIPPED.parent / name, directory / name)
    tiny_transformer(directory / "tiny")
    cascade(directory / "auto")
    return directory


def kind_in(models: Path, name: str) -> Kind:
    nb, tiny, auto = (models / directory for directory in ("nb", "tiny", "auto"))
    match name.split():
        case ["nb"]:
            return Kind(NaiveBayes, nb, (nb / "weights.npz",), 0.0)
        case ["tiny", threads]:
            return Kind(OnnxTransformer, tiny, (tiny / "model.onnx", tiny / "tokenizer.json"), 1e-4, int(threads))
        case ["distilbert"]:
            files = (models / "distilbert" / "model.onnx", models / "distilbert" / "tokenizer.json")
            return Kind(OnnxTransformer, models / "distilbert", files, 1e-4, 2)
        case ["auto"]:
            return Kind(Cascade, auto, (nb / "weights.npz", tiny / "model.onnx"), 1e-4, 2)
    raise AssertionError(name)


# Two networks: one of floats that runs texts in groups, and the shipped one of int8.
KINDS = ["nb", "tiny 1", "tiny 2", "tiny 3", "distilbert", "auto"]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, models: Path) -> Kind:
    return kind_in(models, request.param)


@pytest.fixture(scope="module")
def classifier(kind: Kind) -> Classifier:
    return kind.load()


def test_the_loader_chooses_by_the_manifests_kind(kind, classifier):
    assert type(classifier) is kind.made_as
    assert classifier.model_version == load_manifest(kind.directory).model_version
    assert sorted(classifier.labels) == sorted(load_manifest(kind.directory).labels)


def test_an_answer_is_the_same_in_any_batch_order_and_company(kind, classifier):
    on_one_thread = load_classifier(kind.directory)
    alone = [on_one_thread.predict([text], [True])[0] for text in TEXTS]
    shuffler = random.Random(3)
    for _ in range(5):
        places = shuffler.sample(range(len(TEXTS)), len(TEXTS))
        cut = shuffler.randint(1, len(TEXTS) - 1)
        for batch in (places[:cut], places[cut:]):
            answers = classifier.predict([TEXTS[place] for place in batch], [True] * len(batch))
            for place, answer in zip(batch, answers, strict=True):
                expected = alone[place]
                assert answer.probabilities == pytest.approx(expected.probabilities, rel=0, abs=kind.tolerance)
                assert answer.novelty == pytest.approx(expected.novelty, rel=0, abs=kind.tolerance)
                assert answer.members == expected.members
                assert kind.tolerance or answer == expected


def test_texts_get_different_answers(classifier):
    told = classifier.predict([entry["text"] for entry in SANITY], [False] * len(SANITY))
    assert len({tuple(answer.probabilities.values()) for answer in told}) == len(SANITY)


def test_no_text_makes_it_fail(classifier):
    check(classifier, TEXTS)


def test_only_the_head_of_a_long_text_counts(classifier):
    head = (TEXTS[0] * 100)[:20_000]
    [short], [long] = (classifier.predict([text], [True]) for text in (head, head + " " + TEXTS[1] * 10_000))
    assert short == long


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=8))
def test_any_text_gets_probabilities_and_a_novelty(classifier, texts):
    check(classifier, texts)


def check(classifier: Classifier, texts: list[str]) -> None:
    answers = classifier.predict(texts, [True] * len(texts))
    for text, answer in zip(texts, answers, strict=True):
        assert tuple(answer.probabilities) == classifier.labels
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert min(answer.probabilities.values()) >= 0
        assert 0 <= answer.novelty <= 1
        assert answer.model_version == classifier.model_version
        assert all(0 <= word.start < word.end <= len(text) for word in answer.words)
        strengths = [abs(word.weight) for word in answer.words]
        assert strengths == sorted(strengths, reverse=True)


def test_explaining_changes_nothing_else_and_comes_only_when_asked_for(kind, classifier):
    for text in TEXTS[:5]:
        plain, explained = classifier.predict([text, text], [False, True])
        assert plain.words == ()
        assert plain.probabilities == pytest.approx(explained.probabilities, rel=0, abs=kind.tolerance)
        assert plain.novelty == pytest.approx(explained.novelty, abs=kind.tolerance)
        assert plain.members == explained.members


@pytest.fixture
def own(kind: Kind, models: Path, tmp_path: Path) -> Kind:
    """The same in a directory of one's own."""
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    files = tuple(tmp_path / path.relative_to(models) for path in kind.files)
    return Kind(kind.made_as, tmp_path / kind.directory.name, files, kind.tolerance)


def test_files_that_are_missing_or_changed_are_refused_by_name(own):
    for path in own.files:
        content = path.read_bytes()
        path.write_bytes(content + b" ")
        with pytest.raises(ModelFileRefused, match=f"{path.name} is not the file") as refused:
            own.load()
        assert str(own.directory.parent) not in refused.value.message
        path.unlink()
        with pytest.raises(ModelFileRefused, match=f"{path.name} cannot be read"):
            own.load()
        path.write_bytes(content)
