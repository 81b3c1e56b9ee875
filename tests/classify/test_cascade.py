"""The cascade: who is asked, how two opinions become one, whose words are shown, and what is refused."""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from heron_grpc.classify import load_classifier
from heron_grpc.classify.cascade import KIND, Cascade
from heron_grpc.classify.manifest import Manifest
from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ModelFileRefused
from random_models import SHIPPED, builder, cascade

WORD = (WordWeight(0, 1, 2.0),)


@dataclass
class Member:
    """Answers each text by name and remembers what it was asked."""

    model_version: str
    says: dict[str, tuple[dict[str, float], float]]
    asked: list[tuple[list[str], list[bool]]] = field(default_factory=list)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(next(iter(self.says.values()))[0])

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        self.asked.append(([*texts], [*explain]))
        return [
            Prediction(*self.says[text], self.model_version, WORD if wanted else ())
            for text, wanted in zip(texts, explain, strict=True)
        ]


def members() -> tuple[Member, Member]:
    first = {
        "sure": ({"a": 0.95, "b": 0.05}, 0.1),
        "sure but new": ({"a": 0.95, "b": 0.05}, 0.8),
        "torn": ({"a": 0.6, "b": 0.4}, 0.2),
    }
    second = {
        "sure": ({"b": 0.9, "c": 0.1}, 0.1),
        "sure but new": ({"b": 0.1, "c": 0.9}, 0.6),
        "torn": ({"b": 0.999, "c": 0.001}, 0.4),
    }
    return Member("models/quick/versions/3", first), Member("models/deep/versions/1", second)


def of(first: Member, second: Member, **parameters: float) -> Cascade:
    given = {"exit_probability": 0.9, "exit_novelty": 0.5, **parameters}
    manifest = Manifest("auto", KIND, "7", "2026-01-01", (), (), "taxonomies/default", 1, parameters=given)
    return Cascade(manifest, first, second)


def test_only_texts_the_first_is_not_sure_of_reach_the_second():
    first, second = members()
    answers = of(first, second).predict(["sure", "torn", "sure but new"], [False] * 3)
    assert second.asked == [(["torn", "sure but new"], [False, False])]
    both = (first.model_version, second.model_version)
    assert [answer.members for answer in answers] == [(first.model_version,), both, both]
    assert {answer.model_version for answer in answers} == {"models/auto/versions/7"}
    second.asked.clear()
    of(first, second).predict(["sure"], [False])
    assert second.asked == []


def test_labels_are_those_of_both_and_one_a_member_does_not_know_has_its_floor():
    combined = of(*members(), first_weight=0.7, second_weight=0.4, temperature=1.5)
    assert combined.labels == ("a", "b", "c")
    alone, together = combined.predict(["sure", "torn"], [False, False])
    assert alone.probabilities == pytest.approx({"a": 0.95, "b": 0.05, "c": 1e-6}, rel=1e-5)
    logits = {
        "a": (0.7 * math.log(0.6) + 0.4 * math.log(1e-6)) / 1.5,
        "b": (0.7 * math.log(0.4) + 0.4 * math.log(0.999)) / 1.5,
        "c": (0.7 * math.log(1e-6) + 0.4 * math.log(0.001)) / 1.5,
    }
    total = sum(map(math.exp, logits.values()))
    assert together.probabilities == pytest.approx({label: math.exp(value) / total for label, value in logits.items()})


def test_novelties_are_weighed_and_kept_in_range():
    answers = of(*members(), first_novelty=0.5, second_novelty=0.25).predict(["torn", "sure"], [False] * 2)
    assert [answer.novelty for answer in answers] == pytest.approx([0.5 * 0.2 + 0.25 * 0.4, 0.1])
    [new] = of(*members(), first_novelty=1.0, second_novelty=1.0).predict(["sure but new"], [False])
    assert new.novelty == 1.0


def test_words_are_those_of_the_member_whose_label_the_answer_is():
    first, second = members()
    trusting = of(first, second, first_weight=1.0, second_weight=0.0)
    assert [answer.words for answer in trusting.predict(["sure", "torn"], [True, True])] == [WORD, WORD]
    # Nobody's words speak for the first's label, and the second was not asked for any.
    assert second.asked == [(["torn"], [False])]
    second.asked.clear()
    doubting = of(first, second, first_weight=0.0, second_weight=1.0)
    explained, plain = doubting.predict(["torn", "sure but new"], [True, False])
    assert (explained.words, plain.words) == (WORD, ())
    assert second.asked == [(["torn", "sure but new"], [False, False]), (["torn"], [True])]


def test_no_words_are_shown_for_a_label_that_neither_member_has_put_first():
    first = Member("models/quick/versions/1", {"x": ({"a": 0.5, "b": 0.45, "c": 0.05}, 0.0)})
    second = Member("models/deep/versions/1", {"x": ({"a": 0.05, "b": 0.45, "c": 0.5}, 0.0)})
    [answer] = of(first, second).predict(["x"], [True])
    assert max(answer.probabilities, key=answer.probabilities.__getitem__) == "b"
    assert answer.words == ()


def test_members_that_know_different_labels_are_put_together_from_their_directories(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "nb")
    built = builder()
    built.write_model(tmp_path / "tiny", ("industry/parking_ticket", "financial/receivable/invoice"), built.TINY)
    loaded = load_classifier(cascade(tmp_path / "auto", exit_probability=1.1), threads=2)
    [answer] = loaded.predict(["Invoice number 4711, total amount due"], [False])
    assert answer.members == (loaded.first.model_version, "models/tiny/versions/1")
    assert "industry/parking_ticket" in answer.probabilities
    assert len(answer.probabilities) == len(load_classifier(tmp_path / "nb").labels) + 1


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"first": "absent"}, "names no member"),
        ({"second": "../nb"}, "names no member"),
        ({"second": 3}, "names no member"),
        ({"second": "auto"}, "auto: a cascade cannot be a member"),
        ({"temperature": 0}, "temperature is not above 0"),
        ({"exit_probability": "often"}, "exit_probability is no number"),
        ({"first_weight": -1}, "first_weight is no number"),
        ({"second_novelty": float("nan")}, "second_novelty is no number"),
    ],
)
def test_a_manifest_that_names_no_cascade_is_refused(tmp_path: Path, parameters, reason):
    directory = cascade(tmp_path / "auto")
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    content["parameters"] |= parameters
    path.write_text(json.dumps(content))
    with pytest.raises(ModelFileRefused, match=reason):
        load_classifier(directory)


def test_a_refusal_says_which_member_it_is_about(tmp_path: Path):
    directory = cascade(tmp_path / "auto")
    (tmp_path / "nb" / "weights.npz").write_bytes(b"")
    with pytest.raises(ModelFileRefused, match=r"nb: weights\.npz is not the file"):
        load_classifier(directory)
