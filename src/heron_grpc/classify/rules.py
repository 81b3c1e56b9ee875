"""Runs the taxonomy's rules over the head of a text."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from heron_grpc.classify.findings import Finding, Mark, finding, no_finding
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.taxonomy import Rule

STAGE = "rules"
# Code points rules look at.
HEAD = 20_000
# A form says what it is on its first page; the same words further down may be a mention.
DECISIVE_HEAD = 4_000
# Rules that are not decisive count for no more than this together, in natural log-odds.
CAP = 5.0


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What the rules found and the label they settle, if decisive ones agree on one."""

    finding: Finding
    settled: str | None = None


def apply_rules(text: str, rules: Iterable[Rule]) -> RuleFinding:
    """All rules on the first HEAD code points; CPU only, below 0.1 s on hostile text, 2 ms on a long report."""
    head = text[:HEAD]
    lowered = head.lower()
    matched = [(rule, spans) for rule in rules if (spans := matches(rule, head, lowered))]
    if not matched:
        return RuleFinding(no_finding(STAGE, StageState.COMPLETED, "no rule matched"))
    marks = tuple(
        Mark(rule.category, rule.weight / len(spans), start, end) for rule, spans in matched for start, end in spans
    )
    decisive = [rule for rule, spans in matched if _is_decisive(rule, spans)]
    log_odds = _log_odds([rule for rule, _ in matched], decisive)
    names = ", ".join(rule.name for rule, _ in matched)
    settled = {rule.category for rule in decisive}
    return RuleFinding(
        finding(STAGE, log_odds, marks, f"matched: {names}"), settled.pop() if len(settled) == 1 else None
    )


def matches(rule: Rule, text: str, lowered: str) -> list[tuple[int, int]]:
    """Where each pattern of the rule first matches; empty when one does not or `exclude` does.

    A pattern with a group means the group's place.
    """
    found = []
    for pattern in rule.patterns:
        match = pattern.search(text, lowered)
        if match is None:
            return []
        found.append(match.span(1) if match.lastindex else match.span())
    if rule.exclude is not None and rule.exclude.search(text, lowered) is not None:
        return []
    return found


def _is_decisive(rule: Rule, spans: list[tuple[int, int]]) -> bool:
    return rule.decisive and all(start < DECISIVE_HEAD for start, _ in spans)


def _log_odds(matched: list[Rule], decisive: Collection[Rule]) -> dict[str, float]:
    """Each category's sum, capped unless a decisive rule speaks for it: then that rule's weight if it is more."""
    sums: dict[str, float] = {}
    for rule in matched:
        sums[rule.category] = min(CAP, sums.get(rule.category, 0.0) + rule.weight)
    for rule in decisive:
        sums[rule.category] = max(sums[rule.category], rule.weight)
    return sums
