"""From text and clues to calibrated labels: models and rules, inference only."""

from heron_grpc.classify.loading import load_classifier

__all__ = ["load_classifier"]
