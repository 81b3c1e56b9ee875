"""The words that a network's answer rests on are found by covering them up."""

from pathlib import Path

import numpy as np
import pytest

import random_models
from heron_grpc.classify import load_classifier
from heron_grpc.classify.naive_bayes import NaiveBayes
from heron_grpc.classify.occlusion import word_weights
from heron_grpc.lab.evidence_proof import prove

MODELS = Path(__file__).parents[2] / "models"
TOKENIZER = random_models.builder().build_tokenizer(600, 1)


def test_the_word_that_counts_weighs_most_and_runs_are_bounded():
    text = " ".join(["ba di zo"] * 20 + ["nu"] + ["ba di zo"] * 20)
    encoding = TOKENIZER.encode(text)
    telling = set(TOKENIZER.encode("nu", add_special_tokens=False).ids) - set(
        TOKENIZER.encode("ba di zo", add_special_tokens=False).ids
    )
    runs = []

    def score(ids: list[int]) -> np.ndarray:
        runs.append(ids)
        return np.array([4.0 if telling <= set(ids) else 0.0, 0.0])

    strongest, *others = word_weights(encoding, TOKENIZER.token_to_id("[UNK]"), 0, score)
    assert (text[strongest.start : strongest.end], strongest.weight) == ("nu", pytest.approx(4.0))
    assert all(abs(word.weight) < 4.0 for word in others)
    assert len(runs) <= 41


def test_an_empty_text_has_no_words():
    assert word_weights(TOKENIZER.encode(""), 1, 0, lambda _: np.zeros(2)) == ()


@pytest.mark.parametrize("name", ["nb", "distilbert"])
def test_deleting_what_is_told_as_evidence_costs_more_than_deleting_other_words(name):
    text = (
        "Invoice number 4471 from Hill Paper Ltd. Bill to Rowan Mills. Invoice date 3 May, payment due in 30 days. "
        "Quantity, unit price and amount of each item follow: 3 boxes of paper at 12.00 make 36.00. Subtotal 36.00, "
        "VAT 7.20, total due 43.20. Please pay into our account and mention the invoice number. Thank you."
    )
    proof = prove(load_classifier(MODELS / name), [text])
    assert (proof.explained.value, proof.beats_mean.value) == (1.0, 1.0)


def test_words_without_weight_are_no_evidence():
    proof = prove(NaiveBayes.load(MODELS / "nb"), ["§ § §"])
    assert proof.explained.value == 0.0
