"""What a confined process can still do: read what readers need, and nothing to anybody."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import ConfigurationError, ReaderUnavailable
from heron_grpc.reading import sandbox
from heron_grpc.reading.landlock import landlock_abi
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.sandbox import SandboxStatus, sandbox_status
from heron_grpc.reading.seccomp import has_seccomp
from heron_grpc.settings import ReadingSettings
from stopped_children import ready_pid

MakePool = Callable[..., ReadingPool]
needs_landlock = pytest.mark.skipif(not landlock_abi(), reason="the kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not has_seccomp(), reason="the kernel takes no seccomp filters")

ATTEMPTS = {
    "reads a file of the user's": "open(folder + '/secret').read()",
    "reads the spool": "open(spooled).read()",
    "reads a file in memory": "open(f'/proc/self/fd/{memory}').read()",
    "writes a file in memory": "os.write(memory, b'more')",
    "imports a module": "__import__('xmlrpc.client')",
    "starts a thread": "run_thread()",
    "sets its own limits": "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    "signals itself": "signal.raise_signal(signal.SIGUSR1)",
    "lists a directory": "os.listdir(folder)",
    "reads its parent's descriptor": "open(f'/proc/{parent}/fd/{theirs}').read()",
    "reads its parent's memory": "open(f'/proc/{parent}/mem', 'rb').read(1)",
    "reads its parent's environment": "open(f'/proc/{parent}/environ').read()",
    "writes a file": "open(folder + '/new', 'w')",
    "overwrites a file": "open(folder + '/secret', 'r+')",
    "empties a file": "os.truncate(folder + '/secret', 0)",
    "removes a file": "os.unlink(folder + '/secret')",
    "renames a file": "os.rename(folder + '/secret', folder + '/other')",
    "makes a directory": "os.mkdir(folder + '/directory')",
    "makes a link": "os.symlink('/etc', folder + '/link')",
    "changes a mode": "os.chmod(folder + '/secret', 0)",
    "changes a time": "os.utime(folder + '/secret')",
    "opens a socket": "socket.socket()",
    "opens a local socket": "socket.socket(socket.AF_UNIX)",
    "forks": "os.fork() or os._exit(0)",
    "runs a program": "os.execv('/bin/true', ['true'])",
    "spawns a program": "os.posix_spawn('/bin/true', ['true'], {})",
    "signals its parent": "os.kill(parent, 0)",
    "changes its parent's limits": "resource.prlimit(parent, resource.RLIMIT_NOFILE)",
    "traces its parent": "call(101 if platform.machine() == 'x86_64' else 117, 16, parent)",
    "reaches io_uring": "call(425, 1)",
    "reaches a process by a descriptor": "os.pidfd_open(parent)",
    "shares memory by a key": "call(29 if platform.machine() == 'x86_64' else 194, 1, 4096, 0o1666)",
}
ALLOWED = list(ATTEMPTS)[1:8]
SCRIPT = """
import ctypes, json, os, platform, resource, signal, socket, sys, threading
from heron_grpc.reading.sandbox import Sandbox
from heron_grpc.settings import ReadingSettings

folder, spool, attempts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
spooled = "/proc/self/fd/" + os.environ["SPOOLED"]
parent, theirs = os.getppid(), os.environ["THEIRS"]
memory = os.memfd_create("memory")
signal.signal(signal.SIGUSR1, lambda *_: None)
os.write(memory, b"text")

def run_thread():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()

def call(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

def outcome(attempt):
    try:
        eval(attempt)
    except PermissionError:
        return "refused"
    except OSError as error:
        return str(error.errno)
    return "done"

Sandbox(ReadingSettings(), spool).enter()
print(json.dumps({name: outcome(attempt) for name, attempt in attempts.items()}))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What came of the attempts in a confined process; its parent holds a file of the user's open."""
    folder, spool = tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("spool")
    (folder / "secret").write_text("secret", encoding="ascii")
    with (folder / "secret").open() as theirs, tempfile.TemporaryFile(dir=spool) as spooled:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, folder, spool, json.dumps(ATTEMPTS)],
            env={**os.environ, "SPOOLED": str(spooled.fileno()), "THEIRS": str(theirs.fileno())},
            pass_fds=[spooled.fileno()],
            capture_output=True,
            check=True,
            timeout=60,
        )
    return json.loads(done.stdout)


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_confined_process(outcomes: dict[str, str], attempt: str) -> None:
    assert outcomes[attempt] == ("done" if attempt in ALLOWED else "refused")


def status_of(pid: int) -> dict[str, str]:
    """What the kernel says of a process (proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@needs_seccomp
async def test_children_are_confined(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool()
    await pool.read(note)
    status = status_of(await ready_pid(pool))
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


@pytest.fixture
def open_pool() -> Iterator[ReadingPool]:
    pool = ReadingPool(ReadingSettings(children=1, sandbox="off"))
    pool.start()
    yield pool
    asyncio.run(pool.close())


async def test_the_sandbox_can_be_switched_off(open_pool: ReadingPool, note: ReadRequest) -> None:
    assert (await open_pool.read(note)).reading.text
    assert status_of(await ready_pid(open_pool))["Seccomp"] == "0"


async def test_a_document_outside_the_spool_is_read_from_a_copy(make_pool: MakePool, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("a heron\n" * 300_000, encoding="ascii")
    assert len((await make_pool().read(ReadRequest(str(path)))).reading.text) == path.stat().st_size


@needs_landlock
async def test_a_document_outside_the_spool_that_is_too_large_to_copy(make_pool: MakePool, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("a heron\n" * 300_000, encoding="ascii")
    with pytest.raises(ReaderUnavailable):
        await make_pool(file_size_mb=1).read(ReadRequest(str(path)))


def test_a_machine_that_lacks_what_is_required_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    # No kernel can be without it for one test alone.
    monkeypatch.setattr(sandbox.landlock, "landlock_abi", lambda: 0)
    assert sandbox_status(ReadingSettings()).landlock_abi == 0
    with pytest.raises(ConfigurationError, match="HERON_READING_SANDBOX"):
        sandbox_status(ReadingSettings(sandbox="require"))


def test_what_is_switched_off_is_not_there() -> None:
    assert sandbox_status(ReadingSettings(sandbox="off")) == SandboxStatus(0, seccomp=False)
