"""The labels of the system before this one are names of today's categories, and its two non-labels are decisions."""

from pathlib import Path

import pytest

from heron_grpc.cli.labelled_folder import read_manifest
from heron_grpc.domain.classification import Decision
from heron_grpc.lab.measures import Judged
from stage_inputs import PACK

ORIGINAL = {
    "invoice": "financial/receivable/invoice",
    "bank_statement": "financial/statement/bank_statement",
    "financial_report": "financial/report/financial_report",
    "drivers_licence": "identity/drivers_license",
    "contract": "legal/contract",
    "email": "correspondence/email",
    "form": "form",
    "id_doc": "identity",
}


def test_every_original_label_resolves() -> None:
    assert {name: PACK.resolve(name) for name in ORIGINAL} == ORIGINAL


@pytest.mark.parametrize(
    ("label", "likeliest", "decision", "right"),
    [
        ("unsure", "hr/resume", Decision.NEEDS_REVIEW, True),
        ("unsure", "hr/resume", Decision.ACCEPTED, False),
        ("unknown", "hr/resume", Decision.UNKNOWN, True),
        ("unknown", "hr/resume", Decision.NEEDS_REVIEW, False),
        ("id_doc", "identity/passport", Decision.ACCEPTED, True),
        ("id_doc", "hr/resume", Decision.ACCEPTED, False),
        ("form", "form/other_form", Decision.ACCEPTED, True),
    ],
)
def test_files_may_be_labelled_by_the_original_words(
    tmp_path: Path, label: str, likeliest: str, decision: Decision, right: bool
) -> None:
    (tmp_path / "manifest.csv").write_text(f"file,label\na.pdf,{label}\n")
    (file,) = read_manifest(tmp_path, PACK)
    assert Judged(file.label, {likeliest: 1.0}, decision).is_right is right
