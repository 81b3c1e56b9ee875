"""The stages together: order, early exit, decisions, labels."""

import math

import pytest

from heron_grpc.classify.decision_rule import DecisionRule, DecisionRules
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision, StageState
from heron_grpc.domain.document import DocumentWarning, OcrMode, Page, Reading, TextSource
from heron_grpc.domain.errors import InvalidRequest, ModelUnavailable
from heron_grpc.domain.taxonomy import parents
from stage_inputs import (
    LETTERS,
    PACK,
    SETTINGS,
    W9_TEXT,
    ChosenModel,
    classify,
    opinion,
    text_reading,
    uniform_but,
    worded_page,
)

ORDER = ["filename", "metadata", "text", "ocr", "rules", "layout", "model"]


async def test_all_stages_stand_in_order_and_their_weights_add_up_to_one() -> None:
    verdict = await classify("INVOICE\nInvoice no. 7\nBill to: Pelican", ChosenModel(uniform_but(invoice=0.7)))
    assert [stage.stage for stage in verdict.stages] == ORDER
    assert sum(stage.weight for stage in verdict.stages) == pytest.approx(1.0)
    assert {stage.stage for stage in verdict.stages if stage.weight > 0} == {"text", "rules", "model"}
    assert opinion(verdict, "model").confidence == pytest.approx(0.7)


async def test_decisive_rules_answer_without_the_model() -> None:
    model = ChosenModel(uniform_but(invoice=0.9))
    verdict = await classify(W9_TEXT, model)
    assert model.calls == []
    assert verdict.decision is Decision.ACCEPTED
    assert verdict.labels[0].category == "tax/w9"
    assert opinion(verdict, "model").state is StageState.SKIPPED
    assert opinion(verdict, "model").detail == "rules were sure: form-w9-title"
    assert opinion(verdict, "model").weight == 0
    assert (verdict.model_version, verdict.batch_size, verdict.queued_s) == ("", 0, 0.0)


async def test_exhaustive_asks_the_model_and_keeps_the_label() -> None:
    model = ChosenModel(uniform_but(invoice=0.9))
    verdict = await classify(W9_TEXT, model, ClassifyOptions(exhaustive=True))
    assert model.calls == [(W9_TEXT, False)]
    assert verdict.labels[0].category == "tax/w9"
    assert opinion(verdict, "model").category == "financial/receivable/invoice"
    assert (verdict.model_version, verdict.batch_size, verdict.queued_s) == ("models/chosen/versions/1", 4, 0.5)


async def test_decisive_rules_that_disagree_leave_it_to_the_model() -> None:
    both = f"{W9_TEXT}\nForm W-2 Wage and Tax Statement  1 Wages, tips, other compensation"
    model = ChosenModel(uniform_but(invoice=0.9))
    await classify(both, model)
    assert len(model.calls) == 1


async def test_what_is_surely_none_of_the_candidates_is_unknown() -> None:
    options = ClassifyOptions(candidate_categories=("identity/passport",))
    for text, model in [(W9_TEXT, ChosenModel({})), (LETTERS, ChosenModel(uniform_but(receipt=0.9)))]:
        verdict = await classify(text, model, options)
        assert (verdict.decision, verdict.labels) == (Decision.UNKNOWN, ())
        assert verdict.confidence < 0.1


async def test_a_sure_parent_gives_no_label_that_is_not_the_likeliest_below_it() -> None:
    model = ChosenModel(uniform_but(invoice=0.95, receipt=0.02))
    verdict = await classify(LETTERS, model, ClassifyOptions(candidate_categories=("receipt",)))
    assert verdict.decision is Decision.UNKNOWN


@pytest.mark.parametrize("text", ["", "  \n\f ", "--- *** ..."])
async def test_nothing_legible_is_unreadable_and_says_why(text: str) -> None:
    model = ChosenModel(uniform_but(invoice=0.9))
    verdict = await classify(text, model)
    assert (verdict.decision, verdict.labels, model.calls) == (Decision.UNREADABLE, (), [])
    assert [warning.code for warning in verdict.warnings] == ["NO_TEXT_FOUND"]
    assert [stage.stage for stage in verdict.stages] == ORDER


async def test_the_readers_reason_stands_for_an_unreadable_document() -> None:
    warning = DocumentWarning("OCR_BUDGET_EXCEEDED", "the time is up", "ocr", 1)
    reading = Reading("application/pdf", (Page(1, "", source=TextSource.NONE),), warnings=(warning,), ocr_s=3.0)
    verdict = await classify(Subject(reading), ChosenModel({}))
    assert verdict.decision is Decision.UNREADABLE
    assert [found.code for found in verdict.warnings] == [warning.code, "NO_TEXT_FOUND"]
    assert opinion(verdict, "ocr").state is StageState.TIMED_OUT


@pytest.mark.parametrize(
    ("shares", "novelty", "text", "decision"),
    [
        ({"receipt": 0.9}, 0.1, LETTERS, Decision.ACCEPTED),
        ({"receipt": 0.6}, 0.1, LETTERS, Decision.NEEDS_REVIEW),
        ({"receipt": 0.2}, 0.1, LETTERS, Decision.UNKNOWN),
        ({"receipt": 0.95}, 0.95, LETTERS, Decision.UNKNOWN),
        ({"receipt": 0.99}, 0.1, "short", Decision.NEEDS_REVIEW),
        ({"meta/other": 0.9}, 0.1, LETTERS, Decision.UNKNOWN),
        ({"not_a_document": 0.5}, 0.1, LETTERS, Decision.UNKNOWN),
        ({"receipt": 0.2}, 0.99, W9_TEXT, Decision.ACCEPTED),
    ],
)
async def test_decisions(shares: dict[str, float], novelty: float, text: str, decision: Decision) -> None:
    model = ChosenModel(uniform_but(**shares), novelty)
    verdict = await classify(text, model, ClassifyOptions(exhaustive=True))
    assert verdict.decision is decision
    if decision is Decision.UNKNOWN:
        assert verdict.labels == ()
    else:
        best = verdict.labels[0].category
        assert [label.category for label in verdict.labels] == [best, *parents(best)]
        assert verdict.confidence == verdict.labels[0].probability
    assert ("TEXT_TOO_SHORT" in [warning.code for warning in verdict.warnings]) == (text == "short")


async def test_where_no_leaf_is_sure_the_nearest_sure_parent_is_the_answer() -> None:
    model = ChosenModel(uniform_but(receipt=0.3, invoice=0.29, credit_note=0.28))
    verdict = await classify(LETTERS, model)
    assert verdict.decision is Decision.ACCEPTED
    assert [label.category for label in verdict.labels] == ["financial/receivable", "financial"]
    assert verdict.confidence == verdict.labels[0].probability == pytest.approx(0.87 + 3 * 0.13 / 64)
    assert {"financial/receivable/receipt", "financial/receivable/invoice"} < set(verdict.plausible)


async def test_a_parent_with_one_label_below_it_is_no_surer_than_that() -> None:
    verdict = await classify(LETTERS, ChosenModel(uniform_but(utility_bill=0.7, w9=0.2)))
    assert verdict.decision is Decision.NEEDS_REVIEW
    assert verdict.labels[0].category == "financial/bill/utility_bill"


@pytest.mark.parametrize(
    "page",
    [
        Page(1, "Fatura de eletricidade com os dados do cliente e o valor", language="pt", language_confidence=0.9),
        Page(1, "Счёт на оплату товаров и услуг"),
    ],
)
async def test_a_language_nobody_trained_on_is_said_and_lowers_confidence(page: Page) -> None:
    model = ChosenModel(uniform_but(receipt=0.9))
    rules = DecisionRules(DecisionRule(other_language_temperature=2.0))
    subject = Subject(Reading("text/plain", (page,)), is_file=False)
    verdict = await classify_reading(subject, PACK, ClassifyOptions(), model, SETTINGS, rules)
    assert [warning.code for warning in verdict.warnings] == ["LANGUAGE_NOT_SUPPORTED"]
    other = math.sqrt(0.1 / (len(PACK.taxonomy.leaves) - 1)) * (len(PACK.taxonomy.leaves) - 1)
    assert verdict.confidence == pytest.approx(math.sqrt(0.9) / (math.sqrt(0.9) + other))


async def test_scores_are_cut_by_number_and_floor_and_labels_are_not() -> None:
    model = ChosenModel(uniform_but(receipt=0.9))
    for options, count in [
        (ClassifyOptions(), 10),
        (ClassifyOptions(max_scores=3), 3),
        (ClassifyOptions(max_scores=1000), len(PACK.taxonomy.categories)),
        (ClassifyOptions(max_scores=-1), 0),
        (ClassifyOptions(min_score=0.5), 3),
    ]:
        verdict = await classify(LETTERS, model, options)
        assert len(verdict.scores) == count
        assert len(verdict.labels) == 3
        assert list(verdict.scores) == sorted(verdict.scores, key=lambda score: -score.probability)


async def test_only_candidates_are_answered_and_keep_their_own_probability() -> None:
    model = ChosenModel(uniform_but(invoice=0.1, receipt=0.85))
    everything = await classify(LETTERS, model, ClassifyOptions(max_scores=100))
    options = ClassifyOptions(candidate_categories=("receipt", "hr"), max_scores=100)
    verdict = await classify(LETTERS, model, options)
    assert verdict.labels == everything.labels
    assert verdict.labels[0].category == "financial/receivable/receipt"
    leaves = {score.category for score in verdict.scores if score.category in PACK.taxonomy.leaves}
    assert leaves == {"financial/receivable/receipt", "hr/payslip", "hr/resume", "hr/expense_report"}
    assert set(verdict.scores) < set(everything.scores)


async def test_unknown_candidates_are_all_named() -> None:
    options = ClassifyOptions(candidate_categories=("hr", "shopping list", "toys"))
    with pytest.raises(InvalidRequest) as refused:
        await classify(LETTERS, ChosenModel({}), options)
    places = [violation.field for violation in refused.value.violations]
    assert places == ["options.candidate_categories[1]", "options.candidate_categories[2]"]


async def test_an_absent_model_is_the_callers_to_know() -> None:
    async def away(_text: str, _explain: bool) -> None:
        raise ModelUnavailable("the model backend does not answer")

    with pytest.raises(ModelUnavailable):
        await classify(LETTERS, away)  # type: ignore[arg-type]


async def test_metadata_may_nudge_but_not_decide() -> None:
    reading = text_reading(LETTERS, metadata={"title": "Invoice", "subject": "invoice 7", "producer": "Invoice Pro"})
    verdict = await classify(Subject(reading), ChosenModel(uniform_but(receipt=0.92)))
    assert opinion(verdict, "metadata").category == "financial/receivable/invoice"
    assert "invoice" not in opinion(verdict, "metadata").detail
    assert verdict.labels[0].category == "financial/receivable/receipt"


@pytest.mark.parametrize(
    ("mode", "is_file", "state"),
    [
        (OcrMode.AUTO, True, StageState.NOT_APPLICABLE),
        (OcrMode.NEVER, True, StageState.SKIPPED),
        (OcrMode.NEVER, False, StageState.NOT_APPLICABLE),
    ],
)
async def test_ocr_says_why_it_did_not_run(mode: OcrMode, is_file: bool, state: StageState) -> None:
    subject = Subject(text_reading(LETTERS), is_file=is_file)
    verdict = await classify(subject, ChosenModel(uniform_but(receipt=0.9)), ClassifyOptions(ocr=mode))
    assert opinion(verdict, "ocr").state is state


async def test_text_and_ocr_each_speak_for_their_own_pages() -> None:
    pages = (worded_page(1, "Payslip\nMay", TextSource.OCR, 0.9), worded_page(2, "Lease agreement\nHome"))
    reading = Reading("application/pdf", pages, ocr_s=2.0)
    verdict = await classify(Subject(reading, read_s=2.5), ChosenModel(uniform_but(receipt=0.9)))
    assert opinion(verdict, "ocr").category == "hr/payslip"
    assert opinion(verdict, "text").category == "legal/lease"
    assert opinion(verdict, "ocr").duration_s == 2.0
    assert opinion(verdict, "text").duration_s == 0.5


async def test_poor_ocr_lowers_confidence() -> None:
    model = ChosenModel(uniform_but(receipt=0.9))
    found = [
        (
            await classify(
                Subject(Reading("image/png", (Page(1, LETTERS, source=TextSource.OCR, ocr_confidence=c),))), model
            )
        )
        for c in (0.95, 0.6, 0.3)
    ]
    confidences = [verdict.confidence for verdict in found]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] == pytest.approx(0.9)
    assert len(set(confidences)) == 3


async def test_a_field_label_is_no_heading() -> None:
    verdict = await classify("E-mail:\nTax\n" + LETTERS, ChosenModel(uniform_but(receipt=0.9)))
    assert opinion(verdict, "text").category is None


async def test_labels_the_model_does_not_know_can_still_win_by_rules() -> None:
    text = "Pay slip\nGross pay 1,900\nDeductions 420\nNet pay 1,480 for the pay period"
    model = ChosenModel({leaf: 1 / 66 for leaf in PACK.taxonomy.leaves if leaf != "hr/payslip"})
    assert (await classify(text, model)).labels[0].category == "hr/payslip"


async def test_labels_the_taxonomy_does_not_know_are_left_out() -> None:
    model = ChosenModel({"toys/train": 0.9, "hr/resume": 0.1})
    verdict = await classify(LETTERS, model)
    assert verdict.labels[0].category == "hr/resume"
    assert opinion(await classify(LETTERS, ChosenModel({"toys/train": 1.0})), "model").category is None
