"""What a document tells of itself beside its text: names of categories, and what the taxonomy's rules know.

Names are a weak hint: people copy files and rarely change what these say of themselves; rules name what only one kind
of document has.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from heron_grpc.classify.facts import facts_of
from heron_grpc.classify.filename import named_category
from heron_grpc.classify.findings import Mark, finding, no_finding
from heron_grpc.classify.rules import MATCHED, RuleFinding
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.document import Reading
from heron_grpc.domain.taxonomy import MetadataRule, TaxonomyPack
from heron_grpc.domain.text_pattern import folded

STAGE = "metadata"
# Natural log-odds for a category the field names, by field.
FIELD_WEIGHTS = {"title": 0.8, "subject": 0.8, "keywords": 0.5, "producer": 0.3, "creator": 0.3}
# Names in all fields together count for no more than this.
CAP = 1.0
# Names and rules that are not decisive together.
RULES_CAP = 5.0


def read_metadata(reading: Reading, pack: TaxonomyPack) -> RuleFinding:
    """Rules that hold, and names of categories in title, subject, keywords, producer and creator."""
    facts = facts_of(reading)
    named = _named(facts, pack)
    held = matching_rules(pack.metadata_rules, facts)
    if not named and not held:
        told = sorted(reading.metadata)
        detail = f"no category named in {', '.join(told)}" if told else "the document carries no metadata"
        return RuleFinding(no_finding(STAGE, StageState.COMPLETED if told else StageState.NOT_APPLICABLE, detail))
    decisive = [rule for rule in held if rule.decisive]
    names = _name_weights(named)
    marks = tuple(Mark(rule.category, rule.weight) for rule in held)
    marks += tuple(Mark(category, weight) for category, weight in names.items())
    found = finding(STAGE, _log_odds(names, held, decisive), marks, _detail(held, named))
    if found.log_odds[found.category or ""] < 0:
        # Evidence against a category is no opinion on which it is.
        found = replace(found, category=None, confidence=None)
    settled = {rule.category for rule in decisive}
    return RuleFinding(found, settled.pop() if len(settled) == 1 else None)


def matching_rules(rules: Sequence[MetadataRule], facts: Mapping[str, str]) -> list[MetadataRule]:
    """The rules that hold of these fields, in order."""
    known = facts.keys()
    return [rule for rule in rules if rule.patterns.keys() <= known and _holds(rule, facts)]


def _holds(rule: MetadataRule, facts: Mapping[str, str]) -> bool:
    if any(not pattern.search(facts[name], folded(facts[name])) for name, pattern in rule.patterns.items()):
        return False
    excluded = ((pattern, facts.get(name, "")) for name, pattern in rule.exclude.items())
    return not any(pattern.search(value, folded(value)) for pattern, value in excluded)


def _named(facts: Mapping[str, str], pack: TaxonomyPack) -> dict[str, str]:
    """The category each field names."""
    found = {name: named_category(facts[name], pack) for name in FIELD_WEIGHTS if name in facts}
    return {name: category for name, category in found.items() if category is not None}


def _name_weights(named: Mapping[str, str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for name, category in named.items():
        weights[category] = min(CAP, weights.get(category, 0.0) + FIELD_WEIGHTS[name])
    return weights


def _log_odds(
    names: Mapping[str, float], held: Sequence[MetadataRule], decisive: Collection[MetadataRule]
) -> dict[str, float]:
    """Each category's sum, capped unless a decisive rule speaks for it: then that rule's weight if it is more."""
    sums = dict(names)
    for rule in held:
        sums[rule.category] = min(RULES_CAP, sums.get(rule.category, 0.0) + rule.weight)
    for rule in decisive:
        sums[rule.category] = max(sums[rule.category], rule.weight)
    return sums


def _detail(held: Sequence[MetadataRule], named: Mapping[str, str]) -> str:
    rules = f"{MATCHED}{', '.join(rule.name for rule in held)}" if held else ""
    return "; ".join(filter(None, (rules, f"named in {', '.join(named)}" if named else "")))
