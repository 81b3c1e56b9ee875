"""The trained network as the file that is served: ONNX, fused, its weights 8-bit integers."""

import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model

from heron_grpc.lab.distilbert.network import DocumentNetwork

# The legacy exporter, plain attention and this opset give the graph that ONNX Runtime's fusions know.
_OPSET = 17
_AXES = {0: "batch", 1: "tokens"}


def export(network: DocumentNetwork) -> bytes:
    """The ONNX file, about a quarter of the size of the weights. Blocks for half a minute.

    Inputs input_ids and attention_mask, (batch, tokens) int64; outputs logits, (batch, labels), and embedding,
    (batch, width) of length 1, float32. Weights are rounded for each output channel (Jacob et al., 2018).
    """
    with tempfile.TemporaryDirectory() as directory:
        plain, fused, quantised = (Path(directory) / f"{name}.onnx" for name in ("plain", "fused", "quantised"))
        _write_plain(network, plain)
        _fuse(network, plain, fused)
        quantize_dynamic(
            fused,
            quantised,
            per_channel=True,
            weight_type=QuantType.QInt8,
            # The fused graph tells no types, and products of activations gain nothing.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
        )
        return quantised.read_bytes()


def _write_plain(network: DocumentNetwork, path: Path) -> None:
    network.to("cpu").eval()
    network.encoder.set_attn_implementation("eager")
    ids = torch.ones((2, 8), dtype=torch.int64)
    torch.onnx.export(
        network,
        (ids, torch.ones_like(ids)),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits", "embedding"],
        dynamic_axes={"input_ids": _AXES, "attention_mask": _AXES, "logits": {0: "batch"}, "embedding": {0: "batch"}},
        opset_version=_OPSET,
        dynamo=False,
    )


def _fuse(network: DocumentNetwork, plain: Path, fused: Path) -> None:
    config = network.encoder.config
    optimised = optimize_model(
        str(plain),
        model_type="bert",
        num_heads=config.n_heads,
        hidden_size=config.dim,
        opt_level=0,
        optimization_options=FusionOptions("bert"),
    )
    optimised.save_model_to_file(str(fused))
