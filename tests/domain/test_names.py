"""Names compare without case and punctuation, whatever letters they are written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.domain.taxonomy import normalise_name


@pytest.mark.parametrize(
    ("name", "normalised"),
    [
        ("  ** Bank_Statement ** ", "bank statement"),
        ("W-9", "w 9"),
        ("Straße Nr. 3", "strasse nr 3"),
        ("\x1fA\x00b\t", "a b"),
        ("...", ""),
    ],
)
def test_a_name_is_its_words(name: str, normalised: str) -> None:
    assert normalise_name(name) == normalised


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_normalised_as_everything_else(name: str) -> None:
    assert normalise_name(f"{name} é") == f"{normalise_name(name)} é".strip()
