"""Serves the labels that `heron labels add` taught beside those a model was trained on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier
from heron_grpc.telemetry.logging import get_logger

if TYPE_CHECKING:
    from heron_grpc.classify.few_shot import FewShotHead, Floats

_log = get_logger(__name__)


def with_taught_labels(
    base: Classifier,
    transformer: Classifier,
    embed: "Callable[[Sequence[str]], Floats]",
    directory: Path | None,
) -> Classifier:
    """`base` and the labels of the directory; `base` alone where there are none, or none that fit the transformer.

    Those that do not fit are logged: the trained labels are served whatever is wrong with the others.
    """
    from heron_grpc.classify.few_shot import WithFewShotLabels  # noqa: PLC0415

    if directory is None or not directory.is_dir() or not any(directory.iterdir()):
        return base
    try:
        taught = WithFewShotLabels(base, _fitting_head(directory, transformer), embed)
        taught.predict(["a"], [False])
    except ModelFileRefused as error:
        _log.error("taught_labels_refused", detail=error.message)
        return base
    return taught


def _fitting_head(directory: Path, transformer: Classifier) -> "FewShotHead":
    from heron_grpc.classify.few_shot import ENCODER, FewShotHead, encoder_digest  # noqa: PLC0415
    from heron_grpc.classify.transformer import OnnxTransformer  # noqa: PLC0415

    if not isinstance(transformer, OnnxTransformer):
        raise ModelFileRefused("labels are taught to a transformer, which the model served does not ask")
    head = FewShotHead.load(directory)
    if head.manifest.parameters.get(ENCODER) != encoder_digest(transformer.manifest):
        raise ModelFileRefused("the labels were taught to another encoder: add them again")
    return head
