"""The README's tour: every command and every piece of Python in it is run, against the address of a test's service."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from running import HERON, environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TOUR = README[README.index("## A minute's tour") : README.index("## How it works")]
BLOCKS = re.findall(r"```(console|python)\n(.*?)```", TOUR, re.DOTALL)
# Accepted, or some need review: both are answers.
ANSWERED = {0, 5}


def run(command: list[str] | str) -> subprocess.CompletedProcess[str]:
    path = f"{HERON.parent}:{environment()['PATH']}"
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        executable="/bin/bash" if isinstance(command, str) else None,
        cwd=ROOT,
        env=environment(PATH=path, COLUMNS="120"),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def shape(output: str) -> set[str]:
    """The words of an output that do not depend on the run."""
    return {word for word in re.findall(r"[A-Za-z_/]{4,}", output) if not word.startswith("heron_")}


def addressed(text: str, address: str) -> str:
    """The block for a service that is not on the default address."""
    named = text.replace("127.0.0.1:50051", address)
    return re.sub(r"heron (classify|read|doctor --ready)", rf"heron \1 --server {address}", named)


@pytest.mark.xdist_group("service")
@pytest.mark.parametrize(("language", "block"), BLOCKS)
def test_a_block_of_the_tour_runs_and_says_what_the_readme_says(service, language, block):
    if language == "python":
        done = run([sys.executable, "-c", addressed(block, service.address)])
        assert done.returncode == 0, done.stderr
        return
    for part in block.split("$ ")[1:]:
        command, _, expected = part.partition("\n")
        done = run(f"set -o pipefail; {addressed(command, service.address)}")
        assert done.returncode in ANSWERED, done.stderr
        assert shape(expected) <= shape(done.stdout), done.stdout


def test_the_tour_has_commands():
    assert len(BLOCKS) >= 4
