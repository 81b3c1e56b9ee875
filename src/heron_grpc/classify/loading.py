"""Chooses the classifier a model directory is for."""

from pathlib import Path

from heron_grpc.classify import naive_bayes
from heron_grpc.classify.manifest import load_manifest
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier


def load_classifier(directory: Path) -> Classifier:
    """The classifier of the manifest's kind. Blocks.

    Raises ModelFileRefused when the kind is unknown or a file is not as the manifest says.
    """
    kind = load_manifest(directory).kind
    if kind == naive_bayes.KIND:
        return naive_bayes.NaiveBayes.load(directory)
    raise ModelFileRefused("the manifest's kind of model is unknown to this release")
