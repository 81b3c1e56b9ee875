"""Chooses the classifier a model directory is for."""

from functools import partial
from pathlib import Path

from heron_grpc.classify import cascade, naive_bayes
from heron_grpc.classify.manifest import load_manifest
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier

ONNX_TRANSFORMER = "onnx_transformer"


def load_classifier(directory: Path, threads: int = 1) -> Classifier:
    """The classifier of the manifest's kind, which runs on as many threads as it can use. Blocks.

    Raises ModelFileRefused when the kind is unknown or a file is not as the manifest says.
    """
    kind = load_manifest(directory).kind
    if kind == naive_bayes.KIND:
        return naive_bayes.NaiveBayes.load(directory)
    if kind == ONNX_TRANSFORMER:
        # Imported here: 40 MB of ONNX Runtime that Naive Bayes does without.
        from heron_grpc.classify.transformer import OnnxTransformer  # noqa: PLC0415

        return OnnxTransformer.load(directory, threads)
    if kind == cascade.KIND:
        return cascade.Cascade.load(directory, partial(load_classifier, threads=threads))
    raise ModelFileRefused("the manifest's kind of model is unknown to this release")
