"""What needs torch: `make test-train` runs these, elsewhere they are skipped."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="make test-train has it")

import onnxruntime
import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

import random_models
from heron_grpc.classify import load_classifier
from heron_grpc.classify.manifest import Manifest, describe_file
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.distilbert.assembling import assemble
from heron_grpc.lab.distilbert.batches import POOL, Draw, SpecialTokens
from heron_grpc.lab.distilbert.encoder import (
    distilled_shape,
    installed_minilm,
    largest_difference,
    load_encoder,
    require_minilm,
)
from heron_grpc.lab.distilbert.export import export
from heron_grpc.lab.distilbert.fine_tuning import FineTuning, Lesson, fine_tune, outputs
from heron_grpc.lab.distilbert.network import DocumentNetwork
from heron_grpc.lab.distilbert.pretraining import PreTraining, pre_train
from heron_grpc.lab.distilbert.tokens import TokenSet, bare, tokenise
from heron_grpc.lab.keeping import write_model

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

WORDS, LABELS = 600, ("first", "second")
TOKENIZER = bare(random_models.builder().build_tokenizer(WORDS, 1))
SPECIAL = SpecialTokens.of(TOKENIZER)
OPTIONS = FineTuning(steps=2 * POOL, rate=1e-3, checkpoint_every=POOL, draw=Draw(batch=4, max_tokens=32))


def _bert(**differences) -> BertModel:
    config = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return BertModel(BertConfig(**{**config, "intermediate_size": 64, **differences}), add_pooling_layer=False).eval()


def _network() -> DocumentNetwork:
    torch.manual_seed(1)
    network = DocumentNetwork(distilled_shape(_bert()), len(LABELS))
    network.freeze_words()
    return network


def _data() -> TokenSet:
    """Documents of the first label say one word, those of the second another."""
    texts = ["ba di " * 12, "zo nu " * 12] * 12
    return tokenise(texts, [0, 1] * 12, LABELS, tuple(map(str, range(24))), TOKENIZER)


def _lesson(teacher=None) -> Lesson:
    data = _data()
    return Lesson(data, np.arange(len(data)), SPECIAL, teacher)


def test_minilm_becomes_a_distilbert_of_the_same_states():
    directory = installed_minilm()
    bert = BertModel.from_pretrained(directory, add_pooling_layer=False)
    assert largest_difference(bert, load_encoder(directory)) < 1e-5


def test_other_weights_are_not_taken_for_minilm(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ConfigurationError, match="not those of all-MiniLM-L6-v2"):
        require_minilm(tmp_path)


def test_a_stock_distilbert_directory_loads_as_it_is(tmp_path):
    config = DistilBertConfig(vocab_size=WORDS, dim=32, hidden_dim=64, n_layers=2, n_heads=4)
    stock = DistilBertModel(config).eval()
    stock.save_pretrained(tmp_path)
    TOKENIZER.save(str(tmp_path / "tokenizer.json"))
    ids = torch.arange(20).reshape(2, 10)
    theirs, ours = (model(input_ids=ids).last_hidden_state for model in (stock, load_encoder(tmp_path).eval()))
    assert torch.equal(theirs, ours)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_directory_that_lacks_a_file_is_refused(tmp_path, missing):
    _bert().save_pretrained(tmp_path)
    TOKENIZER.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / missing).unlink()
    with pytest.raises(ConfigurationError, match=missing):
        load_encoder(tmp_path)


def test_another_kind_of_encoder_is_refused(tmp_path):
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(ConfigurationError, match="must be a BERT"):
        load_encoder(tmp_path)


def test_an_encoder_with_another_activation_is_refused():
    with pytest.raises(ConfigurationError, match="activation"):
        distilled_shape(_bert(hidden_act="relu"))


def test_fine_tuning_learns_and_leaves_the_word_table_alone():
    network, lesson = _network(), _lesson()
    words = network.encoder.embeddings.word_embeddings.weight.clone()
    fine_tune(network, lesson, OPTIONS)
    logits, embeddings = outputs(network, lesson.data, lesson.rows, SPECIAL, 32)
    assert (logits.argmax(axis=1) == lesson.data.truth).all()
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)
    assert torch.equal(words, network.encoder.embeddings.word_embeddings.weight)


def test_a_teacher_is_followed_against_the_labels():
    network, lesson = _network(), _lesson()
    against = np.eye(2, dtype=np.float32)[1 - lesson.data.truth]
    fine_tune(network, _lesson(against), FineTuning(**{**_plain(OPTIONS), "teacher_share": 0.9}))
    logits, _ = outputs(network, lesson.data, lesson.rows, SPECIAL, 32)
    assert (logits.argmax(axis=1) == 1 - lesson.data.truth).all()


def test_a_stopped_training_goes_on_from_its_checkpoint(tmp_path):
    class Stopped(Exception):
        pass

    def stop(step: int, loss: float) -> None:
        assert loss > 0
        if step == POOL:
            raise Stopped

    with pytest.raises(Stopped):
        fine_tune(_network(), _lesson(), OPTIONS, tmp_path, stop)
    seen: list[int] = []
    fine_tune(_network(), _lesson(), OPTIONS, tmp_path, lambda step, _: seen.append(step))
    curve = [json.loads(line)["step"] for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert (seen, curve) == ([2 * POOL], [POOL, 2 * POOL])


def test_a_training_of_other_options_is_not_gone_on_with(tmp_path):
    fine_tune(_network(), _lesson(), OPTIONS, tmp_path)
    with pytest.raises(ConfigurationError, match="other options"):
        fine_tune(_network(), _lesson(), FineTuning(**{**_plain(OPTIONS), "seed": 2}), tmp_path)


def test_guessing_hidden_tokens_gets_better():
    losses: list[float] = []
    options = PreTraining(steps=12 * POOL, rate=3e-3, warm_up_steps=4, draw=Draw(batch=4, max_tokens=32))
    network, lesson = _network(), _lesson()
    pre_train(network.encoder, lesson.data, lesson.rows, SPECIAL, options, lambda _, loss: losses.append(loss))
    assert losses[-1] < 0.95 * losses[0]


def test_the_exported_network_is_the_trained_one(tmp_path):
    network, lesson = _network(), _lesson()
    fine_tune(network, lesson, OPTIONS)
    expected, _ = outputs(network, lesson.data, lesson.rows, SPECIAL, 32)
    session = onnxruntime.InferenceSession(export(network))
    ids = np.array([[SPECIAL.start, *lesson.data.document(each)[:30], SPECIAL.end] for each in (0, 1)], np.int64)
    logits, embedding = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    assert np.abs(logits - expected[:2]).max() < 0.2
    assert np.allclose(np.linalg.norm(embedding, axis=1), 1.0, atol=1e-3)


def test_an_assembled_model_serves(tmp_path):
    network, lesson = _network(), _lesson()
    fine_tune(network, lesson, OPTIONS)
    contents = assemble(network, lesson.data, TOKENIZER, 32, seed=1)
    files = tuple(describe_file(name, content) for name, content in contents.items())
    manifest = Manifest(
        "tiny",
        "onnx_transformer",
        "1",
        "2026-01-01",
        LABELS,
        files,
        "taxonomies/default",
        1,
        parameters={"max_tokens": 32},
    )
    write_model(tmp_path / "tiny", manifest, contents)
    classifier = load_classifier(Path(tmp_path / "tiny"))
    said = classifier.predict(["ba di " * 12, "zo nu " * 12], [False, False])
    assert [max(one.probabilities, key=one.probabilities.__getitem__) for one in said] == [*LABELS]


def _plain(options: FineTuning) -> dict:
    return {name: getattr(options, name) for name in FineTuning.__slots__}
