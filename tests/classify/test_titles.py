"""A line is a title when it is, begins or ends with the name of a category."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.classify.titles import FIRST_LINES, read_titles
from heron_grpc.domain.document import Page
from heron_grpc.domain.taxonomy import normalise_name
from stage_inputs import PACK

NAMES = sorted(name for name, category in PACK.names.items() if "/" in category and not category.startswith("meta/"))
WORDS = ["of", "the", "2024", "acme", "für", *NAMES]


def title(text: str) -> str | None:
    return read_titles("text", Page(1, text), 0, PACK).category


@pytest.mark.parametrize(
    ("line", "category"),
    [
        ("INVOICE", "financial/receivable/invoice"),
        ("  ** Bank_Statement ** ", "financial/statement/bank_statement"),
        ("Acme Ltd Bank Statement", "financial/statement/bank_statement"),
        ("Bank statement no. 7", "financial/statement/bank_statement"),
        ("bank statement" + " -" * 200, "financial/statement/bank_statement"),
        ("Bank statement:", None),
        ("Acme invoice", None),
        ("bank statement " + "x" * 80, None),
        ("bank statement of one two three four five six", None),
    ],
)
def test_headings(line: str, category: str | None) -> None:
    assert title(line) == category
    assert title("\n" * 50 + "some words\n" + line + "\nmore words") == category
    assert title("words\n" * FIRST_LINES + line) is None


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9), st.sampled_from([" ", "  ", "-", "_ "]))
def test_a_line_is_a_title_where_its_longest_beginning_or_end_is_a_name(words: list[str], gap: str) -> None:
    line = gap.join(words)
    parts = normalise_name(line).split()
    fits = len(parts) <= 7 and len(" ".join(parts)) <= 80
    edges = [part for size in range(len(parts), 0, -1) for part in (parts[:size], parts[-size:])] if fits else []
    named = [" ".join(part) for part in edges if len(part) > 1 or len(parts) == 1]
    assert title(line) == next((PACK.names[name] for name in named if name in NAMES), None)
