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
    assert all(rule.category in PACK.taxonomy for rule in PACK.rules)
    assert {rule.category for rule in PACK.rules if rule.decisive} <= set(PACK.taxonomy.leaves)
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


PASSPORT = "PASSPORT\nP<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
CARD = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
CHECK = "PAY TO THE ORDER OF Elm Bakery $ 12.00\n|:021000021|: 123456789 1001"
RUNNING = "Date Text Amount Balance\n100.00\nA 20.00 120.00\nB 50.00 70.00\nC 5.50 64.50\nD 1.00 65.50"
IBAN = "IBAN DE89 3704 0044 0532 0130 00  alter Kontostand 10,00  neuer Kontostand 30,00"
COLUMNS = "Date  Description  Debit  Credit  Balance\n02/05  Rent  800.00    1,200.00"


@pytest.mark.parametrize(
    ("name", "text", "true", "untrue"),
    [
        ("passport-mrz-digits", PASSPORT, "L898902C36", "L898902C37"),
        ("passport-mrz-digits", PASSPORT, "P<UTO", "PASSPORT UTO"),
        ("id-card-mrz-digits", CARD, "7408122F", "7408123F"),
        ("id-card-mrz-digits", CARD, "I<UTO", "RESIDENCE PERMIT\nI<UTO"),
        ("check-routing-number", CHECK, "021000021", "021000022"),
        ("check-routing-number", CHECK, "|:021000021|:", "call 021000021 now"),
        ("check-routing-number", CHECK, "PAY TO", "invoice PAY TO"),
        ("statement-running-balance", RUNNING, "C 5.50 64.50", "C 5.50 64.00"),
        ("statement-running-balance", RUNNING, "Date", "Loan amortization date"),
        ("statement-running-balance", RUNNING, "Date", "Cashier"),
        ("statement-running-balance", RUNNING, "Balance", "Sum"),
        ("bank-statement-iban-balance", IBAN, "0130 00", "0130 01"),
        ("bank-statement-iban-balance", IBAN, "alter Kontostand 10,00  neuer Kontostand", "zu zahlen"),
        ("bank-statement-iban-balance", IBAN, "IBAN", "Bonifico a saldo delle fatture, IBAN"),
        ("bank-statement-columns-german", "Buchungstag;Verwendungszweck;Betrag", "Betrag", "Betrag;Kartennummer"),
        ("bank-statement-columns", COLUMNS, "Date", "Invoice"),
        ("bank-statement-columns", COLUMNS, "Balance", "Total"),
        ("bank-statement-columns-german", "Buchungstag;Verwendungszweck;Betrag", "Verwendungszweck;Betrag", "ISIN"),
        ("budget-columns", "Category  Budget  Actual  Variance", "Actual", "Planned"),
        ("budget-columns", "Category  Budget  Actual  Variance", "Variance", "Note"),
    ],
)
def test_a_rule_lets_near_misses_go(name: str, text: str, true: str, untrue: str) -> None:
    (rule,) = [rule for rule in PACK.rules if rule.name == name]
    assert true in text
    assert matches(rule, text, folded(text))
    assert not matches(rule, text.replace(true, untrue), folded(text.replace(true, untrue)))


def test_a_misread_zone_is_evidence_that_decides_nothing() -> None:
    book = RuleBook(PACK.rules)
    assert book.apply(PASSPORT).settled == "identity/passport"
    misread = book.apply(PASSPORT.replace("L898902C36", "L898902C37"))
    assert misread.settled is None
    assert misread.finding.log_odds == {"identity/passport": 4.5}
