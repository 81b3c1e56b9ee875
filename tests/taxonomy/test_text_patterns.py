"""Looking for strings first changes nothing of what a regular expression finds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron_grpc.classify.rules import HEAD, RuleBook
from heron_grpc.domain.checks import CHECKS
from heron_grpc.domain.taxonomy import Rule
from heron_grpc.domain.text_pattern import TextPattern, folded, spaced
from heron_grpc.taxonomy import load_taxonomies
from heron_grpc.taxonomy.patterns import compile_pattern

PACK = load_taxonomies()["taxonomies/default"]
PATTERNS = [pattern for rule in PACK.rules for pattern in (*rule.patterns, *([rule.exclude] if rule.exclude else []))]
EXAMPLES = [example for rule in PACK.rules for example in rule.examples]
# What rules look for, what surrounds it, and letters whose case is odd: "K" is the Kelvin sign.
PIECES = sorted(
    {needle.text for pattern in PATTERNS for needle in pattern.needles}
    | {phrase for pattern in PATTERNS for phrase in pattern.phrases}
    | {word for example in EXAMPLES for word in example.split()}
)
ODD = [
    "\u0130",
    "\u0131",
    "\u017f",
    "\u212a",
    "ς",
    "Σ",
    "ß",
    "ẞ",
    "µ",
    "ü",
    "Ü",
    "\ud800",
    "😀",
    "e\u0301",
    "\x85",
    "\u2028",
]
GAPS = ["", " ", " ", "\n", "  ", "\t \n", "\f", "\x1c", " " * 5, "-", ".", ": "]
texts = st.lists(
    st.tuples(
        st.sampled_from(PIECES) | st.sampled_from(EXAMPLES) | st.sampled_from(ODD), st.booleans(), st.sampled_from(GAPS)
    ),
    max_size=60,
).map(lambda parts: "".join((piece.upper() if raised else piece) + gap for piece, raised, gap in parts))


def by_definition(rule: Rule, text: str) -> list[tuple[int, int]]:
    """What `matches` gives, with nothing but the regular expressions and the rule's checks."""
    if rule.exclude is not None and rule.exclude.regex.search(text):
        return []
    found = [pattern.regex.search(text) for pattern in rule.patterns]
    spans = [match.span(1) if match.lastindex else match.span() for match in found if match]
    return spans if all(found) and all(CHECKS[name](text, spans) for name in rule.checks) else []


def check_book(text: str) -> None:
    expected = [(rule.category, span) for rule in PACK.rules for span in by_definition(rule, text[:HEAD])]
    marks = BOOK.apply(text).finding.marks
    assert [(mark.category, (mark.start, mark.end)) for mark in marks] == expected


BOOK = RuleBook(PACK.rules)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_a_rule_book_finds_what_the_regular_expressions_alone_find(text: str) -> None:
    check_book(text)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_rule_book_finds_examples_wherever_they_stand(example: str) -> None:
    check_book(example)
    check_book("\n" + example.upper() + "\n" + example)
    check_book("x" * (HEAD - len(example)) + example)
    check_book("The " * 300 + example.lower().replace(" ", " \n"))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [
            r"\b(?:cash|change)\b",
            "(?:a|b)?total",
            r"x{2,3}y",
            r"[ab]c\d",
            "W-?9",
            "(?=due)due",
            "(?<=a)b",
            r"a.{0,3}b|c",
            r"(?:ab ?){1,3}c",
            r"licen[cs]e  ?no",
            "^a$",
            r"\Aab",
            r"(?s:.{0,300}?)(ba)",
            "(?-i:A)b",
            r"i\nk",
            "s[^a]k",
        ]
    ),
    st.text(alphabet="abcdexyw9- \nAB\u0130\u0131\u017f\u212aikslnotu1", max_size=40),
)
def test_a_pattern_finds_what_its_regular_expression_finds_first(source: str, text: str) -> None:
    pattern = compile_pattern(source)
    found, expected = pattern.search(text, folded(text)), pattern.regex.search(text)
    assert (found and found.span()) == (expected and expected.span())
    if expected is not None and pattern.phrases:
        assert any(phrase in spaced(folded(text)) for phrase in pattern.phrases)


@pytest.mark.parametrize("count", [3, 1000])
def test_of_many_places_the_first_that_matches_is_found(count: int) -> None:
    pattern = compile_pattern(r"\bcash\b|\b(?:big )?change\b")
    text = "cashew " * count + "big  change, cash"
    match = pattern.search(text, folded(text))
    assert match is not None
    assert match.group() == "big  change"


def test_a_pattern_without_needles_is_searched_as_it_is() -> None:
    pattern = TextPattern(re.compile(r"\d"))
    assert pattern.search("a 1", "a 1")


def test_gates_spell_phrases_out() -> None:
    pattern = compile_pattern(r"\b(?:net|gross)  ?pay-?roll\b")
    assert set(pattern.phrases) >= {"net payroll", "net pay-roll", "gross payroll"}
