"""Programs a child started count as its own while they run, and never outlive it."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import ReadingLimitExceeded
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.process_tree import Usage, children_of, usage
from heron_grpc.settings import ReadingSettings

MakePool = Callable[..., ReadingPool]

BUSY_BELOW = textwrap.dedent("""
    import subprocess, sys
    subprocess.run([sys.executable, "-c", "while True: pass"], start_new_session=True)
""")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def busy_below() -> Iterator[int]:
    """A process that waits for one at work."""
    process = subprocess.Popen([sys.executable, "-c", BUSY_BELOW])
    yield process.pid
    for each in [*psutil.Process(process.pid).children(recursive=True), process]:
        each.kill()
    process.wait()


async def test_what_runs_below_a_process_counts(busy_below: int) -> None:
    await until(lambda: usage(busy_below).cpu_s > 0.5)
    own = psutil.Process(busy_below).cpu_times()
    assert own.user + own.system < 0.5
    assert usage(busy_below).resident_bytes > psutil.Process(busy_below).memory_info().rss


def test_what_is_gone_uses_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert usage(process.pid) == Usage()
    assert children_of(process.pid) == []


TESSERACT = textwrap.dedent("""\
    #!/bin/sh
    [ "$1" = --version ] && echo "tesseract 5.3.0" && exit
    (setsid sleep 3600 & echo $! >>{pids})
    setsid sh -c 'setsid sleep 3600 & echo $! >>{pids}; while :; do :; done'
""")


@pytest.fixture
def program_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadingPool]:
    """Its children run a tesseract that works for ever and leaves processes behind in sessions of their own.

    No sandbox would let it.
    """
    pytest.importorskip("pytesseract")
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(TESSERACT.format(pids=tmp_path / "pids"), encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pool = ReadingPool(ReadingSettings(children=1, ocr_engine="pytesseract", sandbox="off", cpu_s=2, wall_s=25))
    pool.start()
    yield pool
    asyncio.run(pool.close())


async def test_a_program_at_work_meets_the_cpu_limit_and_leaves_nothing(
    program_pool: ReadingPool, scanned_pdf: Path, tmp_path: Path
) -> None:
    with pytest.raises(ReadingLimitExceeded) as refused:
        await program_pool.read(ReadRequest(str(scanned_pdf)))
    assert refused.value.metadata == {"limit": "cpu"}
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) >= 2
    await until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


async def test_the_end_of_the_fork_server_is_the_end_of_all_below(
    program_pool: ReadingPool, scanned_pdf: Path, tmp_path: Path
) -> None:
    reading = asyncio.ensure_future(program_pool.read(ReadRequest(str(scanned_pdf))))
    await until(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) >= 2)
    await program_pool.close()
    await asyncio.wait({reading})
    assert reading.exception()
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_the_kernel_stops_a_child_the_parent_does_not_look_at(make_pool: MakePool, note: ReadRequest) -> None:
    pool = make_pool(cpu_s=7)
    await pool.read(note)
    process = psutil.Process(pool._idle[-1].pid)
    first, _ = process.rlimit(resource.RLIMIT_CPU)
    assert 7 < first <= 7 + 10
    process.rlimit(resource.RLIMIT_CPU, (first + 1000, resource.RLIM_INFINITY))
    await pool.read(note)
    again, _ = process.rlimit(resource.RLIMIT_CPU)
    assert first <= again <= first + 10
    os.kill(process.pid, signal.SIGXCPU)
    assert (await pool.read(note)).reading.text
