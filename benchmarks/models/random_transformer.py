"""A transformer of random weights as a complete model directory, to measure the model path with."""

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from heron_grpc.classify.loading import ONNX_TRANSFORMER
from heron_grpc.classify.manifest import Manifest, describe_file, load_manifest, write_manifest
from heron_grpc.classify.transformer import MODEL, TOKENIZER

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;-/()'\"&%#@!?$"
SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
FUSED = "com.microsoft"
OPSET = 17


@dataclass(frozen=True)
class Shape:
    """The defaults are those of a distilled MiniLM: 6 layers of 384 in 12 heads, 23 million parameters."""

    layers: int = 6
    hidden: int = 384
    heads: int = 12
    words: int = 30_522
    max_tokens: int = 256


TINY = Shape(layers=2, hidden=32, heads=4, words=600, max_tokens=64)


def write_model(directory: Path, labels: tuple[str, ...], shape: Shape = Shape(), seed: int = 1) -> Path:
    """A model directory with manifest; the same bytes for the same arguments. Gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        MODEL: build_network(shape, len(labels), seed).SerializeToString(deterministic=True),
        TOKENIZER: build_tokenizer(shape.words, seed).to_str().encode(),
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    manifest = Manifest(
        name=directory.name,
        kind=ONNX_TRANSFORMER,
        version="1",
        created="2026-01-01",
        labels=labels,
        files=tuple(describe_file(name, content) for name, content in contents.items()),
        taxonomy="taxonomies/default",
        taxonomy_revision=1,
        parameters={"max_tokens": shape.max_tokens, "temperature": 1.0},
        notes=("Random weights: for measuring speed, not documents.",),
    )
    write_manifest(directory, manifest)
    return directory


def build_tokenizer(words: int, seed: int) -> Tokenizer:
    """A WordPiece tokenizer over characters and words of random syllables."""
    draw = random.Random(seed)
    pieces = [*SPECIAL, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]
    made = dict.fromkeys(pieces)
    while len(made) < words:
        word = "".join(draw.choices(SYLLABLES, k=draw.randint(1, 4)))
        made[draw.choice(("", "##")) + word] = None
    tokenizer = Tokenizer(
        models.WordPiece(
            {piece: place for place, piece in enumerate(made)}, unk_token="[UNK]", max_input_chars_per_word=100
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", SPECIAL.index("[CLS]")), ("[SEP]", SPECIAL.index("[SEP]"))]
    )
    return tokenizer


def build_network(shape: Shape, labels: int, seed: int) -> onnx.ModelProto:
    """input_ids and attention_mask, (batch, tokens) int64, to logits, (batch, labels) float32."""
    graph = _Graph(np.random.default_rng(seed))
    hidden = graph.embed(shape)
    for _ in range(shape.layers):
        hidden = graph.layer(hidden, shape)
    graph.classify(hidden, shape.hidden, labels)
    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    )
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])
    made = helper.make_graph(graph.nodes, "random_transformer", [ids, mask], [logits], graph.weights)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8, producer_name="heron")


class _Graph:
    """Nodes and weights as they are added; ONNX Runtime's fused operators, as its own optimiser writes them."""

    def __init__(self, draw: np.random.Generator) -> None:
        self._draw = draw
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def embed(self, shape: Shape) -> str:
        ids = self._add("Cast", ["input_ids"], domain="", to=TensorProto.INT32)
        self._mask = self._add("Cast", ["attention_mask"], domain="", to=TensorProto.INT32)
        tables = [self._normal(count, shape.hidden) for count in (shape.words, shape.max_tokens)]
        inputs = [ids, "", *tables, "", *self._scale(shape.hidden)]
        # The second output, of masks by their lengths, has no use here but must be there.
        outputs = ["embedded", "lengths"]
        self.nodes.append(helper.make_node("EmbedLayerNormalization", inputs, outputs, domain=FUSED, epsilon=1e-12))
        return outputs[0]

    def layer(self, hidden: str, shape: Shape) -> str:
        width = shape.hidden
        attention = [hidden, self._normal(width, 3 * width), self._normal(3 * width), self._mask]
        context = self._add("Attention", attention, num_heads=shape.heads)
        hidden = self._join(self._linear(context, width, width), hidden, width)
        inner = self._add("BiasGelu", [self._linear(hidden, width, 4 * width), self._normal(4 * width)])
        return self._join(self._linear(inner, 4 * width, width), hidden, width)

    def classify(self, hidden: str, width: int, labels: int) -> None:
        first = self._constant(np.array(0, dtype=np.int64))
        pooled = self._add("Gather", [hidden, first], domain="", axis=1)
        inner = self._add("Relu", [self._linear(pooled, width, width)], domain="")
        self.nodes.append(
            helper.make_node("Gemm", [inner, self._normal(width, labels, spread=0.5), self._normal(labels)], ["logits"])
        )

    def _linear(self, values: str, inputs: int, outputs: int) -> str:
        return self._add("MatMul", [values, self._normal(inputs, outputs)], domain="")

    def _join(self, values: str, skipped: str, width: int) -> str:
        return self._add(
            "SkipLayerNormalization", [values, skipped, *self._scale(width), self._normal(width)], epsilon=1e-12
        )

    def _scale(self, width: int) -> list[str]:
        return [self._constant(np.ones(width, dtype=np.float32)), self._constant(np.zeros(width, dtype=np.float32))]

    def _normal(self, *shape: int, spread: float = 0.05) -> str:
        return self._constant((spread * self._draw.standard_normal(shape, dtype=np.float32)).astype(np.float32))

    def _constant(self, values: NDArray[np.generic]) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def _add(self, operator: str, inputs: list[str], *, domain: str = FUSED, **attributes: float) -> str:
        name = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name


def main() -> None:
    """Writes the model directory named on the command line, with the labels of the model beside this project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tiny", action="store_true", help="2 layers of 32: for trying things out")
    parser.add_argument("--labels-of", type=Path, default=Path(__file__).parents[2] / "models" / "nb")
    arguments = parser.parse_args()
    shape = TINY if arguments.tiny else Shape()
    print(write_model(arguments.directory, load_manifest(arguments.labels_of).labels, shape))


if __name__ == "__main__":
    main()
