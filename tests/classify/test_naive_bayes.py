"""The shipped model: documents written apart, explanations from its own features."""

from pathlib import Path

import pytest
import yaml

from heron_grpc.classify.naive_bayes import NaiveBayes
from heron_grpc.domain.classification import Prediction

MODEL = Path(__file__).parents[2] / "models" / "nb"
SANITY = yaml.safe_load((Path(__file__).parent / "sanity_texts.yaml").read_text(encoding="utf-8"))
TEXTS = [entry["text"] for entry in SANITY]
# Of 29 texts written apart from the generator; the shipped model gets no fewer.
LEAST_RIGHT = 27


@pytest.fixture(scope="module")
def classifier() -> NaiveBayes:
    return NaiveBayes.load(MODEL)


def best(prediction: Prediction) -> str:
    return max(prediction.probabilities, key=lambda label: prediction.probabilities[label])


def one(classifier: NaiveBayes, text: str, *, explain: bool = False) -> Prediction:
    return classifier.predict([text], [explain])[0]


def test_documents_written_apart_from_the_generator_get_their_labels(classifier):
    right = [best(one(classifier, entry["text"])) == entry["label"] for entry in SANITY]
    assert sum(right) >= LEAST_RIGHT


def test_explained_words_are_whole_words_of_the_text_strongest_first(classifier):
    for text in TEXTS:
        words = one(classifier, text, explain=True).words
        assert 0 < len(words) <= 20
        assert all(text[word.start : word.end].isalnum() for word in words)
        strengths = [abs(word.weight) for word in words]
        assert strengths == sorted(strengths, reverse=True)


def test_spans_count_code_points_and_survive_characters_beyond_the_basic_plane(classifier):
    text = "😀😀 Straße École 📄 invoice número 12"
    words = {text[word.start : word.end] for word in one(classifier, text, explain=True).words}
    assert words <= {"Straße", "École", "invoice", "número", "12"}
    assert "invoice" in words


def test_deleting_the_words_that_spoke_for_a_label_lowers_its_probability(classifier):
    for text in TEXTS:
        answer = one(classifier, text, explain=True)
        label = best(answer)
        spans = sorted((word.start, word.end) for word in answer.words if word.weight > 0)
        shortened = text
        for start, end in reversed(spans):
            shortened = shortened[:start] + shortened[end:]
        assert one(classifier, shortened).probabilities[label] < answer.probabilities[label]


def test_a_text_without_words_gives_the_prior_and_is_all_new(classifier):
    empty, blank, signs = classifier.predict(["", " \n\t\f", "--- *** ,,, \x00"], [True] * 3)
    assert empty.novelty == blank.novelty == signs.novelty == 1.0
    assert empty.probabilities == blank.probabilities == signs.probabilities
    assert empty.words == ()


def test_gibberish_is_newer_than_a_document(classifier):
    gibberish = "xqzvk wprtfy bnmlqz zzxqwv kjhgtr pqowme vvbnxz"
    assert one(classifier, gibberish).novelty > 0.5 > one(classifier, TEXTS[0]).novelty


def test_broken_text_gets_an_answer(classifier):
    assert one(classifier, "\ud800 lone surrogate", explain=True).model_version == classifier.model_version
