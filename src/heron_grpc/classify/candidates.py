"""Which leaves may be answered: all of the taxonomy, or those below the categories the caller names."""

from collections.abc import Sequence

from heron_grpc.domain.errors import FieldViolation, InvalidRequest
from heron_grpc.domain.taxonomy import TaxonomyPack

FIELD = "options.candidate_categories"


def candidate_leaves(pack: TaxonomyPack, names: Sequence[str]) -> tuple[str, ...]:
    """Leaves in taxonomy order; `names` are ids or aliases, none means all. Retired categories never compete.

    Raises InvalidRequest naming every unknown entry by its place.
    """
    leaves = pack.taxonomy.open_leaves
    if not names:
        return leaves
    found = [pack.resolve(name) for name in names]
    violations = tuple(
        FieldViolation(f"{FIELD}[{place}]", "no such category") for place, name in enumerate(found) if name is None
    )
    if violations:
        raise InvalidRequest("unknown candidate categories", violations)
    wanted = {leaf for name in found if name for leaf in pack.taxonomy.open_leaves_below.get(name, ())}
    if not wanted:
        raise InvalidRequest("no candidate is left", (FieldViolation(FIELD, "all these categories are retired"),))
    return tuple(leaf for leaf in leaves if leaf in wanted)
