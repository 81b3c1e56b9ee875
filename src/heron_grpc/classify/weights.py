"""What share each stage had in the decision."""

import math
from collections.abc import Collection, Sequence

from heron_grpc.classify.findings import Finding
from heron_grpc.domain.classification import StageOpinion, StageState

MODEL = "model"
FILENAME = "filename"
# A name that broke a tie moved the log-odds by at most about this.
_NAME_LOG_ODDS = 0.1


def shares(
    findings: Sequence[Finding], lineage: Collection[str], model_log_odds: float, *, name_used: bool
) -> tuple[StageOpinion, ...]:
    """The opinions with weights: each stage's log-odds for the best leaf, as shares that add up to 1 if any counted.

    `lineage` is the best leaf and what lies above it, `model_log_odds` what the model added to the leaf's.
    """
    sizes = [_size(found, lineage, model_log_odds, name_used=name_used) for found in findings]
    total = math.fsum(sizes)
    return tuple(found.opinion(size / total if total else 0.0) for found, size in zip(findings, sizes, strict=True))


def _size(found: Finding, lineage: Collection[str], model_log_odds: float, *, name_used: bool) -> float:
    stage = found.stage
    if found.state is not StageState.COMPLETED:
        return 0.0
    if stage == FILENAME:
        return _NAME_LOG_ODDS if name_used else 0.0
    if stage == MODEL:
        return abs(model_log_odds)
    return abs(math.fsum(value for category, value in found.log_odds.items() if category in lineage))
