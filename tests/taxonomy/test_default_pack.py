"""The built-in taxonomy: complete, consistent, and its rules say what they should."""

import pytest

from heron_grpc.classify.rules import DECISIVE_HEAD, RuleBook, matches
from heron_grpc.domain.taxonomy import Rule, parents
from heron_grpc.domain.text_pattern import folded
from heron_grpc.taxonomy import load_taxonomies

PACK = load_taxonomies()["taxonomies/default"]
CASES = [(rule, example) for rule in PACK.rules for example in rule.examples]
LABELS = """
financial/statement/{bank_statement, credit_card_statement, investment_statement, merchant_processing_statement}
financial/report/{balance_sheet, income_statement, cash_flow_statement, audited_financials, financial_report, budget,
    projection, business_plan}
financial/receivable/{invoice, credit_note, receipt, purchase_order, delivery_note, aging_report}
financial/payment/{voided_check, remittance}
financial/bill/{utility_bill}
financial/debt/{debt_schedule, payoff_letter, credit_report}
tax/{form_1040, business_return, schedule, w2, w9, form_1099}
identity/{drivers_license, passport, state_id, other_id}
lending/{funding_application, funding_agreement, personal_financial_statement}
insurance/{acord_25, acord_125, acord_126, acord_140, loss_run, policy, certificate, claim_form, inspection_report,
    health_card}
legal/{contract, employment_contract, nda, lease, articles_of_incorporation, business_license, court_filing}
hr/{payslip, resume, expense_report}
medical/{medical_record, medical_bill}
correspondence/{email, letter, memo}
form/{other_form}
meta/{other, not_a_document, blank, unreadable}
"""


def documented_leaves() -> set[str]:
    groups = " ".join(LABELS.split()).split("} ")
    pairs = (group.rstrip("}").split("/{") for group in groups)
    return {f"{parent}/{leaf.strip()}" for parent, leaves in pairs for leaf in leaves.split(",")}


def test_the_leaves_are_the_documented_labels() -> None:
    assert set(PACK.taxonomy.leaves) == documented_leaves()


def test_parents_stand_before_their_children_and_all_have_words_for_people() -> None:
    seen: set[str] = set()
    for category in PACK.taxonomy.categories:
        assert set(parents(category.id)) <= seen
        assert category.display_name
        assert category.description
        seen.add(category.id)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("invoice", "financial/receivable/invoice"),
        ("bank_statement", "financial/statement/bank_statement"),
        ("financial_report", "financial/report/financial_report"),
        ("drivers_licence", "identity/drivers_license"),
        ("contract", "legal/contract"),
        ("email", "correspondence/email"),
        ("form", "form"),
        ("id_doc", "identity"),
        ("W-2", "tax/w2"),
        ("Pay Stub", "hr/payslip"),
        ("financial/receivable/receipt", "financial/receivable/receipt"),
        ("Non-disclosure agreement", "legal/nda"),
    ],
)
def test_old_names_aliases_and_short_names_resolve(name: str, category: str) -> None:
    assert PACK.resolve(name) == category


def test_a_name_nobody_has_resolves_to_nothing() -> None:
    assert PACK.resolve("shopping list") is None


def test_every_rule_has_an_example_and_speaks_for_a_category() -> None:
    assert all(rule.examples for rule in PACK.rules)
    assert {rule.category for rule in PACK.rules} <= set(PACK.taxonomy.leaves)
    assert len({rule.category for rule in PACK.rules}) >= 35


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[rule.name for rule, _ in CASES])
def test_a_rule_matches_its_examples(rule: Rule, example: str) -> None:
    assert matches(rule, example, folded(example))


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[rule.name for rule, _ in CASES])
def test_no_decisive_rule_of_another_label_matches(rule: Rule, example: str) -> None:
    others = [other for other in PACK.rules if other.decisive and other.category != rule.category]
    assert not [other.name for other in others if matches(other, example, folded(example))]


@pytest.mark.parametrize("rule", [rule for rule in PACK.rules if rule.decisive], ids=lambda rule: rule.name)
def test_a_mention_deep_in_a_document_settles_nothing(rule: Rule) -> None:
    text = "word " * (DECISIVE_HEAD // 5) + "\n" + rule.examples[0]
    book = RuleBook([rule])
    assert book.apply(rule.examples[0]).settled == rule.category
    assert book.apply(text).settled is None
