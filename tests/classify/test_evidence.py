"""Evidence quotes the document, and its boxes lie on the quoted words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.classify.evidence import LONGEST_QUOTE, MOST_EVIDENCE, StageMark, gather_evidence
from heron_grpc.classify.findings import Mark
from heron_grpc.classify.stages import Subject
from heron_grpc.domain.classification import ClassifyOptions, WordWeight
from heron_grpc.domain.document import Reading
from stage_inputs import W9_TEXT, ChosenModel, classify, uniform_but, worded_page

PAGES = ("Invoice no. 7\nBill to: Pelican Tea Room\nTotal due 20", "Terms\nPayable within ten days")
READING = Reading("application/pdf", tuple(worded_page(number, text) for number, text in enumerate(PAGES, start=1)))
marks = st.lists(
    st.builds(
        lambda stage, category, weight, start, length: StageMark(stage, Mark(category, weight, start, start + length)),
        st.sampled_from(["rules", "model"]),
        st.sampled_from(["a", "b"]),
        st.floats(-5, 5).filter(lambda weight: abs(weight) > 0.01),
        st.integers(0, len(READING.text)),
        st.integers(0, 200),
    ),
    max_size=40,
)


@given(marks)
def test_quotes_are_the_text_at_their_span_and_strongest_first(found: list[StageMark]) -> None:
    evidence = gather_evidence(READING, found)
    assert len(evidence) <= MOST_EVIDENCE
    weights = [abs(piece.weight) for piece in evidence]
    assert weights == sorted(weights, reverse=True)
    for piece in evidence:
        assert READING.text[piece.start : piece.end] == piece.quote
        assert len(piece.quote) <= LONGEST_QUOTE
        assert {region.page for region in piece.regions} <= {1, 2}


def test_the_words_of_rules_and_model_are_quoted_with_their_places() -> None:
    start = READING.text.index("Payable")
    evidence = gather_evidence(READING, [StageMark("model", Mark("a", 1.5, start, start + len("Payable within")))])
    (piece,) = evidence
    assert piece.quote == "Payable within"
    (region,) = piece.regions
    assert region.page == 2
    box = region.box
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx((0.0, 0.1, 0.14, 0.15))


def test_a_span_over_two_lines_has_a_box_on_each() -> None:
    start = READING.text.index("Room")
    (piece,) = gather_evidence(READING, [StageMark("rules", Mark("a", 1.0, start, start + len("Room\nTotal")))])
    assert [round(region.box.y_min, 3) for region in piece.regions] == [0.1, 0.2]


def test_marks_that_overlap_become_one_and_far_ones_stay_apart() -> None:
    found = gather_evidence(
        READING,
        [
            StageMark("rules", Mark("a", 2.0, 0, 10)),
            StageMark("model", Mark("a", 0.5, 0, 7)),
            StageMark("model", Mark("a", 0.4, 23, 30)),
            StageMark("model", Mark("b", 0.3, 0, 7)),
        ],
    )
    assert [(piece.stage, piece.category, piece.quote, piece.weight) for piece in found] == [
        ("rules", "a", "Invoice no", 2.5),
        ("model", "a", "Pelican", 0.4),
        ("model", "b", "Invoice", 0.3),
    ]


async def test_evidence_comes_only_when_asked_for() -> None:
    words = (WordWeight(0, 7, 1.0),)
    model = ChosenModel(uniform_but(invoice=0.9), words=words)
    quiet = await classify(Subject(READING), model)
    asked = await classify(Subject(READING), model, ClassifyOptions(include_evidence=True))
    assert quiet.evidence == ()
    assert [call[1] for call in model.calls] == [False, True]
    assert {piece.stage for piece in asked.evidence} >= {"rules"}
    assert asked.evidence[0].regions


async def test_metadata_is_evidence_without_a_quote() -> None:
    reading = Reading("application/pdf", READING.pages, metadata={"title": "Invoice"})
    model = ChosenModel(uniform_but(invoice=0.9))
    verdict = await classify(Subject(reading), model, ClassifyOptions(include_evidence=True))
    (piece,) = [piece for piece in verdict.evidence if piece.stage == "metadata"]
    assert (piece.quote, piece.start, piece.end, piece.regions) == ("", 0, 0, ())


async def test_rules_alone_bring_evidence() -> None:
    verdict = await classify(W9_TEXT, ChosenModel({}), ClassifyOptions(include_evidence=True))
    assert verdict.evidence
    for piece in verdict.evidence:
        assert piece.category == "tax/w9"
        assert W9_TEXT[piece.start : piece.end] == piece.quote
