"""Training without torch: documents as tokens, how they are drawn, what a teacher says, and how a cascade is fitted."""

import random

import numpy as np
import pytest
from tokenizers import Tokenizer

import random_models
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.corpus import CorpusRow
from heron_grpc.lab.distilbert.batches import POOL, Draw, SpecialTokens, in_order, pool
from heron_grpc.lab.distilbert.gathering import Sources, gather
from heron_grpc.lab.distilbert.out_of_fold import OutOfFold, fit_temperature, folds_of
from heron_grpc.lab.distilbert.tokens import TokenSet, bare, joined, tokenise
from heron_grpc.lab.train_cascade import fit_cascade

LABELS = ("a", "b")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return bare(random_models.builder().build_tokenizer(600, 1))


def _set(tokenizer: Tokenizer, texts: list[str], groups: tuple[str, ...] | None = None) -> TokenSet:
    truth = [place % 2 for place in range(len(texts))]
    return tokenise(texts, truth, LABELS, groups or tuple(map(str, range(len(texts)))), tokenizer)


def test_a_long_document_keeps_its_head_and_its_tail(tokenizer):
    text = " ".join(["ba"] * 900 + ["be"] * 900)
    data = _set(tokenizer, [text, "bi"])
    ids = data.document(0).tolist()
    head, tail = (set(tokenizer.encode(word, add_special_tokens=False).ids) for word in ("ba", "be"))
    assert (len(ids), set(ids[:768]), set(ids[-256:])) == (1024, head, tail)
    assert data.document(1).tolist() == tokenizer.encode("bi", add_special_tokens=False).ids


def test_a_token_set_comes_back_from_its_file(tokenizer, tmp_path):
    data = joined(_set(tokenizer, ["ba be", "bi"]), _set(tokenizer, ["bo bu ba"], ("layout",)))
    data.save(tmp_path / "data.npz")
    again = TokenSet.load(tmp_path / "data.npz")
    assert (again.real, again.groups, again.labels) == (2, ("0", "1", "layout"), LABELS)
    assert again.document(2).tolist() == data.document(2).tolist()


def test_batches_hold_the_share_of_real_documents_asked_for_and_are_drawn_alike_again(tokenizer):
    data = joined(_set(tokenizer, ["ba be bi"] * 4), _set(tokenizer, ["bo " * 80] * 40))
    special, how = SpecialTokens.of(tokenizer), Draw(batch=8, max_tokens=16, real_share=0.5)
    first, again = (pool(data, np.arange(len(data)), special, how, (1, 0)) for _ in range(2))
    places = np.concatenate([batch.places for batch in first])
    assert len(first) == POOL
    assert 0.35 < (places < data.real).mean() < 0.65
    assert all((one.ids == other.ids).all() for one, other in zip(first, again, strict=True))
    assert all(batch.ids.shape[1] <= 16 for batch in first)
    assert all((batch.ids[:, 0] == special.start).all() for batch in first)
    assert all(((batch.ids == special.pad) == (batch.mask == 0)).all() for batch in first)


def test_documents_in_order_come_once_with_their_heads(tokenizer):
    data = _set(tokenizer, ["ba", "be bi bo bu " * 20, "bi bo " * 5])
    special = SpecialTokens.of(tokenizer)
    batches = [*in_order(data, np.arange(3), special, 8, batch=2)]
    assert [batch.places.tolist() for batch in batches] == [[1, 2], [0]]
    assert batches[0].ids[0].tolist() == [special.start, *data.document(1)[:6].tolist(), special.end]


def test_a_tokenizer_without_berts_special_tokens_is_refused(tokenizer):
    del tokenizer
    with pytest.raises(ConfigurationError, match="special tokens"):
        SpecialTokens.of(Tokenizer.from_str('{"version":"1.0","model":{"type":"WordLevel","vocab":{},"unk_token":""}}'))


def test_gathered_documents_are_the_real_ones_their_copies_and_generated_ones(tokenizer):
    rows = [
        CorpusRow(str(each), "hr/resume", "en", "s", "l", f"g{each}", "train", "ba be bi bo " * 9) for each in (1, 2)
    ]
    sources = Sources(per_label=1, read_per_label=0, worn_copies=2)
    from heron_grpc.lab.generator import Generator

    labels = Generator().labels
    gathered = gather(rows, labels, tokenizer, sources, lambda _: None)
    data = gathered.tokens
    assert data.real == 6
    assert data.groups[:6] == ("g1", "g2") * 3
    assert set(data.truth[data.real :]) == set(range(len(labels)))
    assert sorted(gathered.texts)[:3] == [0, 1, 6]


def test_a_worn_copy_is_taught_what_its_original_is(tokenizer):
    data = _set(tokenizer, ["ba", "be", "ba", "be"], ("g", "h", "g", "h"))
    nobody = [np.nan, np.nan]
    network = np.array([[4.0, 0.0], [0.0, 4.0], nobody, nobody], np.float32)
    naive_bayes = np.array([[2.0, 0.0], [0.0, 2.0], nobody, nobody], np.float32)
    taught = OutOfFold(network, naive_bayes).teacher(data)
    assert np.allclose(taught.sum(axis=1), 1.0)
    assert np.allclose(taught[2:], taught[:2])
    assert taught[0, 0] > 0.9


def test_a_group_lies_in_one_fold(tokenizer):
    data = _set(tokenizer, ["ba"] * 30, tuple("abcdef" * 5))
    folds = folds_of(data, 3)
    assert all(len(set(folds[[group == each for group in data.groups]])) == 1 for each in "abcdef")


def test_the_temperature_found_is_the_one_the_scores_were_spoilt_with():
    draw = np.random.default_rng(1)
    logits = draw.normal(size=(4000, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([draw.choice(3, p=row) for row in shares])
    assert fit_temperature(logits * 2.5, truth) == pytest.approx(2.5, rel=0.1)


def test_a_cascade_trusts_the_model_that_knows_and_exits_where_nothing_is_lost(tokenizer):
    """The second knows; the first knows but for every fourth document, of which it is not sure."""
    count = 400
    data = joined(_set(tokenizer, ["ba"] * count), _set(tokenizer, ["be"] * count))
    right = np.where(data.truth[:, None] == np.arange(2), 1.0, -1.0)
    unsure = np.arange(2 * count) % 4 == 1
    first = np.where(unsure[:, None], -0.2 * right, 6.0 * right)
    shuffled = random.Random(1).sample(range(2 * count), 40)
    second = 3.0 * right
    second[shuffled] *= -0.1
    fit = fit_cascade(data, OutOfFold(second.astype(np.float32), first.astype(np.float32)))
    figures = {figure.name: figure.value for figure in fit.figures}
    assert figures["out_of_fold_real_both_accuracy"] > figures["out_of_fold_real_first_accuracy"]
    assert figures["out_of_fold_real_accuracy"] >= figures["out_of_fold_real_both_accuracy"] - 0.0025
    assert figures["out_of_fold_real_exits"] == pytest.approx(0.75)
