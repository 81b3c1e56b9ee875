"""The example clients, run as programs against a live service."""

import subprocess
import sys
from pathlib import Path

import pytest

from running import SAMPLES

UPLOAD = Path(__file__).parents[2] / "clients" / "python" / "upload.py"

pytestmark = pytest.mark.xdist_group("service")


def upload(path: Path, address: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(UPLOAD), str(path), address]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_the_python_example_uploads_and_prints_the_label(service):
    done = upload(SAMPLES / "sample-02.pdf", service.address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DECISION_ACCEPTED financial/receivable/invoice")


def test_the_python_example_reads_the_reason_of_a_refusal(service, tmp_path):
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 and nothing more")
    done = upload(broken, service.address)
    assert done.returncode == 1
    assert done.stdout.startswith("INVALID_ARGUMENT DOCUMENT_CORRUPT")
