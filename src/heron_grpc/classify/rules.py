"""Runs the taxonomy's rules over the head of a text."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from heron_grpc.classify.findings import Finding, Mark, finding, no_finding
from heron_grpc.domain.checks import CHECKS
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.taxonomy import Rule, TaxonomyPack
from heron_grpc.domain.text_pattern import TextPattern, folded, spaced

STAGE = "rules"
# Code points rules look at.
HEAD = 20_000
# A form says what it is on its first page; the same words further down may be a mention.
DECISIVE_HEAD = 4_000
# Rules that are not decisive count for no more than this together, in natural log-odds.
CAP = 5.0
# What the finding's detail says before the names of the rules.
MATCHED = "matched: "
# Taxonomies a deployment has, generously.
_MOST_BOOKS = 64


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What the rules found and the label they settle, if decisive ones agree on one."""

    finding: Finding
    settled: str | None = None


class RuleBook:
    """Rules in their order, with an index that tells which of them a text can match at all."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        gates = [_gate(rule) for rule in self._rules]
        self._always = frozenset(place for place, gate in enumerate(gates) if not gate.phrases)
        opened: dict[str, list[int]] = {}
        for place, gate in enumerate(gates):
            for phrase in gate.phrases:
                opened.setdefault(phrase, []).append(place)
        # By the number of the phrase.
        self._opened = tuple(opened.values())
        self._finder = BytesAhoCorasick(list(map(_bytes, opened)), MatchKind.Standard)

    def apply(self, text: str) -> RuleFinding:
        """All rules on the first HEAD code points; CPU only, bounded on hostile text."""
        matched = self.matched(text)
        if not matched:
            return RuleFinding(no_finding(STAGE, StageState.COMPLETED, "no rule matched"))
        marks = tuple(
            Mark(rule.category, rule.weight / len(spans), start, end) for rule, spans in matched for start, end in spans
        )
        decisive = [rule for rule, spans in matched if is_decisive(rule, spans)]
        log_odds = _log_odds([rule for rule, _ in matched], decisive)
        names = ", ".join(rule.name for rule, _ in matched)
        settled = {rule.category for rule in decisive}
        return RuleFinding(
            finding(STAGE, log_odds, marks, f"{MATCHED}{names}"), settled.pop() if len(settled) == 1 else None
        )

    def matched(self, text: str) -> list[tuple[Rule, list[tuple[int, int]]]]:
        """The rules that hold of the first HEAD code points, in order, and where their patterns first match."""
        head = text[:HEAD]
        folded_head = folded(head)
        found = ((rule, matches(rule, head, folded_head)) for rule in self._possible(folded_head))
        return [(rule, spans) for rule, spans in found if spans]

    def _possible(self, folded_head: str) -> list[Rule]:
        """The rules of whose gate a phrase stands in the text, in order."""
        found = self._finder.find_matches_as_indexes(_bytes(spaced(folded_head)), overlapping=True)
        numbers = {number for number, _, _ in found}
        places = self._always.union(*map(self._opened.__getitem__, numbers))
        return [self._rules[place] for place in sorted(places)]


@lru_cache(maxsize=_MOST_BOOKS)
def rule_book(pack: TaxonomyPack) -> RuleBook:
    """The pack's rules, indexed once."""
    return RuleBook(pack.rules)


def matches(rule: Rule, text: str, folded_text: str) -> list[tuple[int, int]]:
    """Where each pattern of the rule first matches; empty when one does not, a check fails or `exclude` matches.

    A pattern with a group means the group's place. `folded_text` is folded(text).
    """
    found = []
    for pattern in rule.patterns:
        match = pattern.search(text, folded_text)
        if match is None:
            return []
        found.append(match.span(1) if match.lastindex else match.span())
    if rule.exclude is not None and rule.exclude.search(text, folded_text) is not None:
        return []
    return found if all(CHECKS[name](text, found) for name in rule.checks) else []


def _gate(rule: Rule) -> TextPattern:
    """The pattern that the fewest texts can match."""
    return min(rule.patterns, key=_chance)


def _chance(pattern: TextPattern) -> float:
    """How likely a text holds a phrase, on a scale of its own: each letter of a phrase halves it."""
    return sum(0.5 ** len(phrase) for phrase in pattern.phrases) if pattern.phrases else math.inf


def _bytes(text: str) -> bytes:
    # Damaged documents may hold lone surrogates.
    return text.encode("utf-8", "surrogatepass")


def is_decisive(rule: Rule, spans: list[tuple[int, int]]) -> bool:
    """Whether a rule that matched there settles the label alone."""
    return rule.decisive and all(start < DECISIVE_HEAD for start, _ in spans)


def _log_odds(matched: list[Rule], decisive: Collection[Rule]) -> dict[str, float]:
    """Each category's sum, capped unless a decisive rule speaks for it: then that rule's weight if it is more."""
    sums: dict[str, float] = {}
    for rule in matched:
        sums[rule.category] = min(CAP, sums.get(rule.category, 0.0) + rule.weight)
    for rule in decisive:
        sums[rule.category] = max(sums[rule.category], rule.weight)
    return sums
