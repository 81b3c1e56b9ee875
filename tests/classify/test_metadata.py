"""What files tell of themselves beside their text: names, structured data, sheets, mails, codes on pages."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from heron_grpc.classify.facts import facts_of
from heron_grpc.classify.metadata import matching_rules, read_metadata
from heron_grpc.classify.stages import Subject
from heron_grpc.domain.classification import ClassifyOptions, Decision, StageState
from heron_grpc.domain.document import Page, Part, Reading, ReadRequest, TextSource
from heron_grpc.domain.steps import gather
from heron_grpc.domain.taxonomy import MetadataRule
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings
from stage_inputs import LETTERS, PACK, W9_TEXT, ChosenModel, classify, opinion, uniform_but
from workbooks import rows, text, xlsx

CASES = [(rule, example) for rule in PACK.metadata_rules for example in rule.examples]
UBL = "urn:oasis:names:specification:ubl:schema:xsd"
XML = "application/xml"
CII = "ExchangedDocumentContext\nID: urn:cen.eu:en16931:2017\nExchangedDocument\nID: 7\nTypeCode: {code}\nIssueDateTime"


def held(**fields: str) -> list[str]:
    return [rule.name for rule in matching_rules(PACK.metadata_rules, fields)]


def read(path: Path) -> Reading:
    return gather(read_document(ReadRequest(str(path), path.name), ReadingSettings()))


def mail(body: str, *attached: str) -> Reading:
    pages = (Page(1, body), *(Page(at, text, part=at - 1) for at, text in enumerate(attached, 2)))
    parts = tuple(Part(at, "application/pdf", "a.pdf") for at in range(1, len(attached) + 1))
    headers = {"from": "ana@example.com", "subject": "Hello"}
    return Reading("message/rfc822", pages, metadata=headers, parts=parts)


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[rule.name for rule, _ in CASES])
def test_a_rule_holds_of_its_examples_and_no_decisive_one_of_another_label(
    rule: MetadataRule, example: Mapping[str, str]
) -> None:
    found = matching_rules(PACK.metadata_rules, example)
    assert rule in found
    assert not [other.name for other in found if other.decisive and other.category != rule.category]


def test_every_rule_has_an_example_and_decisive_ones_speak_for_leaves() -> None:
    assert all(rule.examples for rule in PACK.metadata_rules)
    assert {rule.category for rule in PACK.metadata_rules if rule.decisive} <= set(PACK.taxonomy.leaves)


@pytest.mark.parametrize(
    "fields",
    [
        # Other papers in the same languages of data, other data under the same names.
        {"media_type": XML, "xml": CII.format(code="231")},
        {"media_type": XML, "xml": CII.format(code="384")},
        {"media_type": XML, "xml": "Header\nID: 7\nTypeCode: 380"},
        {"media_type": "application/zip", "xml": CII.format(code="380")},
        {"media_type": "application/pkcs7-mime", "xml": "TipoDocumento: TD04"},
        {"parts": "application/xml form.xml\napplication/pdf factur-x.xml.pdf"},
        {"media_type": XML, "root": "Invoice", "namespace": "urn:example:invoice"},
        {"media_type": XML, "root": "Invoice"},
        # A PDF may call its fields as it likes.
        {"media_type": "application/pdf", "root": "Invoice", "namespace": f"{UBL}:Invoice-2"},
        {"media_type": XML, "root": "OrderResponse", "namespace": f"{UBL}:OrderResponse-2"},
        {"media_type": XML, "root": "Document", "namespace": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"},
        {"title": "2023 Instructions for Form 1040"},
        {"title": "2023 Instruction 1040", "author": "W:CAR:MP:FP"},
        {"title": "Form 10400"},
        {"title": "Form W-9S (Rev. October 2023)"},
        {"title": "2024 Form W-2G"},
        {"title": "ACORD 251"},
        {"author": "LinkedIn", "title": "Resume tips"},
        {"author": "SE:W:CAR:MP", "title": "Publication 17"},
        {"sheets": "Invoices\nInvoice register"},
        {"sheets": "Packaging"},
        {"sheets": "Sheet1\nBudgeting tips"},
        {"template": "Newsletter.dotx"},
        {"template": "Normal.dotm"},
        {"template": "Voiceover.dotx"},
        {"barcodes": ""},
        {"media_type": "text/plain", "from": "ana@example.com", "substance": "own"},
        {"media_type": "message/rfc822", "substance": "own"},
    ],
    ids=str,
)
def test_what_only_looks_like_it_matches_no_rule(fields: dict[str, str]) -> None:
    assert held(**fields) == []


def test_a_workbook_with_all_statements_speaks_for_none_of_them() -> None:
    assert held(sheets="Income Statement\nBalance Sheet\nCash Flow") == []
    assert held(sheets="Income Statement\nNotes") == ["income-statement-tab"]


@pytest.mark.parametrize(
    ("content", "category"),
    [
        (f"<Invoice xmlns='{UBL}:Invoice-2'><ID>7</ID><InvoiceTypeCode>380</InvoiceTypeCode></Invoice>", "invoice"),
        (f"<Invoice xmlns='{UBL}:Invoice-2'><ID>7</ID></Invoice>", "invoice"),
        (f"<Invoice xmlns='{UBL}:Invoice-2'><ID>7</ID><InvoiceTypeCode>381</InvoiceTypeCode></Invoice>", "credit_note"),
        (f"<CreditNote xmlns='{UBL}:CreditNote-2'><ID>7</ID></CreditNote>", "credit_note"),
        (
            (
                "<r:CrossIndustryInvoice xmlns:r='urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100'>"
                "<r:ExchangedDocument><r:ID>7</r:ID><r:TypeCode>380</r:TypeCode></r:ExchangedDocument>"
                "</r:CrossIndustryInvoice>"
            ),
            "invoice",
        ),
        (
            (
                "<p:FatturaElettronica xmlns:p='http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2'>"
                "<FatturaElettronicaBody><DatiGenerali><TipoDocumento>TD04</TipoDocumento></DatiGenerali>"
                "</FatturaElettronicaBody></p:FatturaElettronica>"
            ),
            "credit_note",
        ),
        (
            (
                "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'><BkToCstmrStmt><Id>7</Id>"
                "</BkToCstmrStmt></Document>"
            ),
            "bank_statement",
        ),
    ],
)
async def test_structured_data_decide_without_the_model(tmp_path: Path, content: str, category: str) -> None:
    path = tmp_path / "data.xml"
    path.write_text(content, encoding="utf-8")
    model = ChosenModel(uniform_but(nda=0.9))
    verdict = await classify(Subject(read(path)), model)
    assert model.calls == []
    assert verdict.labels[0].category == PACK.resolve(category)
    assert verdict.decision is Decision.ACCEPTED
    assert opinion(verdict, "model").detail.startswith("rules were sure: e") or category == "bank_statement"


async def test_an_invoice_attached_as_data_tells_of_the_pdf_around_it() -> None:
    pages = (Page(1, LETTERS), Page(2, CII.format(code="380"), part=1))
    reading = Reading("application/pdf", pages, parts=(Part(1, XML, "factur-x.xml"),))
    verdict = await classify(Subject(reading), ChosenModel({}), ClassifyOptions(include_evidence=True))
    assert verdict.labels[0].category == "financial/receivable/invoice"
    assert ("metadata", "financial/receivable/invoice", 9.0) in [
        (piece.stage, piece.category, piece.weight) for piece in verdict.evidence
    ]


async def test_data_and_words_that_decide_for_different_labels_leave_it_to_the_model() -> None:
    pages = (Page(1, W9_TEXT), Page(2, CII.format(code="380"), part=1))
    model = ChosenModel(uniform_but(invoice=0.9))
    await classify(Subject(Reading("application/pdf", pages, parts=(Part(1, XML, "x.xml"),))), model)
    assert len(model.calls) == 1


def test_a_mail_with_words_of_its_own_is_a_mail() -> None:
    found = read_metadata(mail("From: ana@example.com\n\n" + "We met and talked. " * 40, LETTERS), PACK)
    assert found.finding.log_odds == {"correspondence/email": 4.0}
    assert found.settled is None
    assert found.finding.detail == "matched: mail-file"


def test_a_mail_that_only_carries_something_is_not_called_one() -> None:
    found = read_metadata(mail("From: ana@example.com\n\nSee attached.", LETTERS * 2), PACK).finding
    assert found.log_odds == {"correspondence/email": -4.5}
    assert (found.category, found.confidence) == (None, None)


async def test_evidence_against_a_label_takes_back_what_its_words_say() -> None:
    headers = "From: ana@example.com\nTo: bo@example.com\nSubject: Hello\nDate: Mon, 3 May\n\nSee attached."
    model = ChosenModel(uniform_but(invoice=0.6, email=0.3))
    alone = await classify(Subject(mail(headers)), model)
    carrying = await classify(Subject(mail(headers, LETTERS * 4)), model)
    assert alone.labels[0].category == "correspondence/email"
    assert carrying.labels[0].category == "financial/receivable/invoice"


async def test_a_cards_barcode_speaks_for_what_it_is() -> None:
    page = Page(1, LETTERS, source=TextSource.OCR)
    reading = Reading("image/jpeg", (page,), metadata={"barcodes": "aamva_id_card"})
    model = ChosenModel(uniform_but(drivers_license=0.5, state_id=0.3))
    verdict = await classify(Subject(reading), model, ClassifyOptions(include_evidence=True))
    assert verdict.labels[0].category == "identity/state_id"
    assert opinion(verdict, "metadata").detail == "matched: id-card-barcode"
    assert [(piece.stage, piece.quote, piece.weight) for piece in verdict.evidence] == [("metadata", "", 5.0)]


def test_names_and_rules_add_up_to_a_cap() -> None:
    reading = Reading("application/pdf", (Page(1, "x"),), metadata={"title": "Form W-9", "subject": "W-9"})
    assert read_metadata(reading, PACK).finding.log_odds == {"tax/w9": 5.0}
    assert read_metadata(reading, PACK).finding.detail == "matched: form-w9-pdf-title; named in title, subject"


def test_a_text_has_nothing_to_tell() -> None:
    found = read_metadata(Reading("text/plain", (Page(1, "Invoice"),)), PACK).finding
    assert (found.state, found.detail) == (StageState.NOT_APPLICABLE, "the document carries no metadata")


def test_fields_that_name_nothing_are_told() -> None:
    reading = Reading("application/pdf", (Page(1, "x"),), metadata={"producer": "Skia/PDF m136", "author": "Ana"})
    found = read_metadata(reading, PACK).finding
    assert (found.state, found.detail) == (StageState.COMPLETED, "no category named in author, producer")


def test_sheets_of_a_workbook_are_known_by_name(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(xlsx({"Data": rows([text("a")]), "AR Aging": rows([text("Balance Sheet")])}))
    assert facts_of(read(path))["sheets"] == "Data\nAR Aging"
    assert read_metadata(read(path), PACK).finding.category == "financial/receivable/aging_report"


def test_a_files_own_fields_cannot_pass_for_what_is_known_of_it() -> None:
    told = {"xml": CII.format(code="380"), "media_type": "application/xml", "sheets": "Invoice"}
    assert facts_of(Reading("application/pdf", (Page(1, "x"),), metadata=told)) == {
        "media_type": "application/pdf",
        "substance": "own",
    }


def test_long_fields_are_cut() -> None:
    reading = Reading("application/xml", (Page(1, "x" * 10_000),), metadata={"title": "word " * 1000})
    assert {name: len(value) for name, value in facts_of(reading).items() if name in {"title", "xml"}} == {
        "title": 200,
        "xml": 3000,
    }
