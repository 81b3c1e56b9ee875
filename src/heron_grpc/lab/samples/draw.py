"""Which samples there are, and how each is drawn."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from heron_grpc.lab.samples import business, people
from heron_grpc.lab.samples.blocks import Blocks
from heron_grpc.lab.samples.documents import docx_document, pdf_document, scanned_pdf
from heron_grpc.lab.samples.pictures import card, jpeg, paper, photo, png

MANIFEST = "manifest.csv"


@dataclass(frozen=True, slots=True)
class Sample:
    """A file under a name that tells nothing, its label and its bytes."""

    file: str
    label: str
    draw: Callable[[], bytes]


def write_samples(directory: Path) -> None:
    """Writes every sample and the manifest. The same releases of the libraries give the same bytes. Blocks."""
    directory.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES:
        (directory / sample.file).write_bytes(sample.draw())
    rows = [("file", "label"), *((sample.file, sample.label) for sample in SAMPLES)]
    (directory / MANIFEST).write_bytes(_csv(tuple(rows)))


def _csv(rows: tuple[tuple[str, ...], ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def _pdf(blocks: Blocks) -> Callable[[], bytes]:
    return lambda: pdf_document(blocks)


def _docx(blocks: Blocks) -> Callable[[], bytes]:
    return lambda: docx_document(blocks)


def _text(text: str) -> Callable[[], bytes]:
    return text.encode


SAMPLES = (
    Sample("sample-01.pdf", "financial/statement/bank_statement", _pdf(business.BANK_STATEMENT)),
    Sample("sample-02.pdf", "financial/receivable/invoice", _pdf(business.INVOICE)),
    Sample("sample-03.pdf", "financial/bill/utility_bill", lambda: scanned_pdf(paper(business.UTILITY_BILL))),
    Sample("sample-04.jpg", "financial/receivable/receipt", lambda: jpeg(photo(business.RECEIPT))),
    Sample("sample-05.docx", "hr/resume", _docx(people.RESUME)),
    Sample("sample-06.pdf", "legal/nda", _pdf(people.NDA)),
    Sample("sample-07.pdf", "hr/payslip", _pdf(business.PAYSLIP)),
    Sample("sample-08.pdf", "tax/w9", _pdf(business.W9)),
    Sample("sample-09.png", "identity/drivers_license", lambda: png(card(people.DRIVERS_LICENSE))),
    Sample("sample-10.jpg", "identity/passport", lambda: jpeg(card(people.PASSPORT, people.PASSPORT_MRZ))),
    Sample("sample-11.pdf", "insurance/acord_25", _pdf(people.ACORD_25)),
    Sample("sample-12.docx", "legal/lease", _docx(people.LEASE)),
    Sample("sample-13.csv", "financial/report/balance_sheet", lambda: _csv(business.BALANCE_SHEET_ROWS)),
    Sample("sample-14.txt", "correspondence/email", _text(people.EMAIL)),
    Sample("sample-15.pdf", "financial/receivable/purchase_order", _pdf(business.PURCHASE_ORDER)),
    Sample("sample-16.docx", "medical/medical_record", _docx(people.MEDICAL_RECORD)),
    Sample("sample-17.csv", "insurance/loss_run", lambda: _csv(business.LOSS_RUN_ROWS)),
    Sample("sample-18.txt", "meta/other", _text(people.RECIPE)),
)
