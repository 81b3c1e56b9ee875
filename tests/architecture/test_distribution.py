"""What a user installs: the wheel works outside the source tree, and the client works without the server's packages."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from running import SAMPLES, environment

ROOT = Path(__file__).parents[2]
SERVER_PACKAGES = ("bentoml", "numpy", "pydantic_settings", "structlog", "sklearn", "PIL", "psutil", "yaml")
BLOCKED = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {SERVER_PACKAGES!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
from heron_grpc.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel's content, as pip lays it out."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=100)
    [wheel] = out.glob("*.whl")
    site = out / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_wheel_serves_and_classifies_outside_the_source_tree(installed, tmp_path):
    program = (
        "import heron_grpc, heron_grpc.cli.main as cli, sys; "
        f"assert heron_grpc.__file__.startswith({str(installed)!r}); sys.argv[0] = 'heron'; cli.main()"
    )
    service = subprocess.Popen(
        [sys.executable, "-c", program, "serve", "--classify", str(next(SAMPLES.glob("*.pdf")))],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(installed), HERON_FRONT_ADDRESS="127.0.0.1:0", COLUMNS="200"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        lines = []
        for line in service.stdout:
            lines.append(line)
            if line.startswith("listening on"):
                break
        shown = "".join(lines)
        assert "is ready on 127.0.0.1:" in shown
        assert "accepted" in shown or "needs_review" in shown
    finally:
        service.terminate()
        assert service.wait(60) == 0
        service.stdout.close()


def client_only(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_the_client_commands_need_the_plain_install_alone():
    done = client_only("classify", str(SAMPLES / "manifest.csv"), "--json", "--server", "127.0.0.1:1")
    assert done.returncode == 4
    assert client_only("read", str(SAMPLES / "manifest.csv"), "--server", "127.0.0.1:1").returncode == 4
    assert client_only("doctor", "--ready", "--server", "127.0.0.1:1").returncode == 4


def test_a_server_command_without_the_server_packages_says_what_to_install():
    done = client_only("serve")
    assert done.returncode == 2
    assert "heron-grpc[server,lab]" in done.stderr
