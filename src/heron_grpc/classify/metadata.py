"""What a document's own metadata says: a weak hint, as people copy files and rarely change it."""

from heron_grpc.classify.filename import named_category
from heron_grpc.classify.findings import Finding, Mark, finding, no_finding
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.document import Reading
from heron_grpc.domain.taxonomy import TaxonomyPack

STAGE = "metadata"
# Natural log-odds for a category the field names, by field.
FIELD_WEIGHTS = {"title": 0.8, "subject": 0.8, "keywords": 0.5, "producer": 0.3, "creator": 0.3}
# All fields together count for no more than this.
CAP = 1.0
_LONGEST_FIELD = 200


def read_metadata(reading: Reading, pack: TaxonomyPack) -> Finding:
    """Names of categories in title, subject, keywords, producer and creator."""
    fields = {name: reading.metadata[name][:_LONGEST_FIELD] for name in FIELD_WEIGHTS if reading.metadata.get(name)}
    if not fields:
        return no_finding(STAGE, StageState.NOT_APPLICABLE, "the document carries no metadata")
    log_odds: dict[str, float] = {}
    named: list[str] = []
    for name, value in fields.items():
        category = named_category(value, pack)
        if category is not None:
            log_odds[category] = min(CAP, log_odds.get(category, 0.0) + FIELD_WEIGHTS[name])
            named.append(name)
    if not log_odds:
        return no_finding(STAGE, StageState.COMPLETED, f"no category named in {', '.join(fields)}")
    marks = tuple(Mark(category, weight) for category, weight in log_odds.items())
    return finding(STAGE, log_odds, marks, f"named in {', '.join(named)}")
