"""The own backend: a real `bentoml serve`, killed, damaged and left behind."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from backends import until
from heron_grpc.classify import load_classifier
from heron_grpc.domain.call import Call
from heron_grpc.serving import backend_process
from heron_grpc.serving.backend_process import BackendProcess
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import ServingSettings

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("model_backend")]

TEXTS = [
    "Invoice number 4711, total amount due 30 days after receipt",
    "This agreement is made between the parties and governed by the laws of the state",
    "",
    "Kontoauszug 12/2025 ÄÖÜ 你好",
    "a\ud800b",
]

# A front as far as processes go: gRPC runs when the backend is started anew.
FRONT = """
import asyncio, grpc, os, psutil, signal, uvloop
from heron_grpc.serving.backend_process import BackendProcess
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import ServingSettings
from heron_grpc.telemetry.logging import configure

async def ready(client):
    while not client.ready:
        await asyncio.sleep(0.02)

async def main():
    configure("error", "json")
    server = grpc.aio.server()
    server.add_insecure_port("127.0.0.1:0")
    await server.start()
    backend = BackendProcess(ServingSettings(backend_stuck_s=90))
    client = ModelClient(ServingSettings(), lambda: backend.url)
    await client.start()
    await backend.start()
    await ready(client)
    os.kill(backend.pid, signal.SIGKILL)
    while not backend.restarts or backend.pid is None:
        await asyncio.sleep(0.02)
    await ready(client)
    print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


async def test_predictions_are_those_of_the_classifier_itself(client: ModelClient) -> None:
    classifier = load_classifier(ServingSettings().models_dir / "nb")
    direct = classifier.predict([text.replace("\ud800", "?") for text in TEXTS], [True] * len(TEXTS))
    served = await asyncio.gather(*(client.predict(text, explain=True) for text in TEXTS))
    for ours, theirs in zip(served, direct, strict=True):
        assert (ours.probabilities, ours.novelty, ours.words) == (theirs.probabilities, theirs.novelty, theirs.words)
        assert ours.model_version == theirs.model_version == client.model_version


async def test_words_come_only_when_asked_for(client: ModelClient) -> None:
    assert (await client.predict(TEXTS[0], explain=True)).words
    assert not (await client.predict(TEXTS[0], explain=False)).words


async def test_concurrent_callers_share_calls(client: ModelClient) -> None:
    answers = await asyncio.gather(*(client.predict(f"invoice {number}", explain=False) for number in range(100)))
    sizes = [answer.batch_size for answer in answers]
    assert max(sizes) == ServingSettings().max_batch
    assert all(answer.queued_s >= 0 for answer in answers)


@pytest.mark.parametrize("victim", ["backend", "worker"])
async def test_a_killed_backend_is_noticed_and_replaced(
    backend: BackendProcess, client: ModelClient, victim: str
) -> None:
    restarts = backend.restarts
    assert backend.pid
    tree = psutil.Process(backend.pid)
    worker = tree.children(recursive=True)[0]
    worker.send_signal(signal.SIGSTOP)
    in_flight = asyncio.create_task(client.predict(TEXTS[0], explain=False, call=Call.within(100)))
    await asyncio.sleep(0)
    (tree if victim == "backend" else worker).kill()
    await until(lambda: not client.ready)
    await until(lambda: client.ready)
    if victim == "backend":
        assert backend.restarts == restarts + 1
    # BentoML may come first with a new worker.
    assert backend.restarts <= restarts + 1
    assert (await in_flight).probabilities == (await client.predict(TEXTS[0], explain=False)).probabilities
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


async def test_a_kill_of_the_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    front = subprocess.Popen(  # noqa: ASYNC220  it lasts as long as the test
        [sys.executable, "-c", FRONT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert front.stdout
    try:
        line = await asyncio.to_thread(front.stdout.readline)
        children = [psutil.Process(int(pid)) for pid in line.split()]
        assert len(children) == 2
    finally:
        front.kill()
        await asyncio.to_thread(front.wait)
        front.stdout.close()
    await until(lambda: not any(_lives(child) for child in children))


async def test_a_tampered_model_is_never_ready_and_the_log_says_why(copied_models: Path) -> None:
    weights = copied_models / "nb" / "weights.npz"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with capture_logs() as logs:
        backend = BackendProcess(ServingSettings(models_dir=copied_models, model="nb"))
        client = ModelClient(ServingSettings(), lambda: backend.url)
        ready: list[bool] = []
        client.on_change(lambda: ready.append(client.ready))
        await client.start()
        await backend.start()
        assert backend._home
        home, pid = backend._home.path, backend.pid
        await until(lambda: any(log["event"] == "model_refused" for log in logs))
        refused = next(log for log in logs if log["event"] == "model_refused")
        # One more round of questions after the backend has made up its mind.
        await asyncio.sleep(0.5)
        await client.close()
        restarts = backend.restarts
        await backend.close()
    assert refused["log_level"] == "error"
    assert refused["reason"] == "MODEL_FILE_REFUSED"
    assert refused["detail"] == "weights.npz is not the file its manifest names"
    assert refused["pid"] == pid
    assert (ready, restarts) == ([], 0)
    assert not await asyncio.to_thread(home.exists)


async def test_a_backend_that_hangs_is_replaced(copied_models: Path) -> None:
    (copied_models / "nb" / "manifest.json").unlink()
    backend = BackendProcess(ServingSettings(models_dir=copied_models, model="nb", backend_stuck_s=0.5))
    with capture_logs() as logs:
        await backend.start()
        await until(lambda: backend.restarts >= 2)
        await backend.close()
    stops = [log for log in logs if log["event"] == "model_backend_stopped"]
    assert {stop["cause"] for stop in stops} == {"not ready"}
    assert stops[1]["restart_in_s"] > stops[0]["restart_in_s"]


async def test_a_machine_that_does_not_tell_its_processes_does_not_end_the_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> list[psutil.Process]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(psutil.Process, "children", fail)
    backend = BackendProcess(ServingSettings(backend_stuck_s=0.5))
    with capture_logs() as logs:
        await backend.start()
        assert backend.pid
        first = psutil.Process(backend.pid)
        await until(lambda: backend.restarts == 1 and backend.pid is not None, within_s=20)
        assert not _lives(first)
        await backend.close()
    events = [log["event"] for log in logs]
    assert "model_backend_not_seen" in events
    assert [log["cause"] for log in logs if log["event"] == "model_backend_stopped"] == ["not ready"]


async def test_a_start_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no")

    backend = BackendProcess(ServingSettings(backend_stuck_s=90))
    with capture_logs() as logs:
        await backend.start()
        with monkeypatch.context() as patch:
            patch.setattr(backend_process, "_command", fail)
            assert backend.pid
            os.kill(backend.pid, signal.SIGKILL)
            await until(lambda: any(log["event"] == "model_backend_not_replaced" for log in logs), within_s=20)
        await until(lambda: backend.pid is not None, within_s=20)
        await backend.close()
    stops = [log["cause"] for log in logs if log["event"] == "model_backend_stopped"]
    assert stops[:2] == ["exited", "exited"]


async def test_closing_ends_every_process_and_clears_up() -> None:
    backend = BackendProcess(ServingSettings(backend_stuck_s=90))
    await backend.start()
    assert backend.pid
    watcher = psutil.Process(backend.pid)
    await until(lambda: len(watcher.children(recursive=True)) == 1)
    tree = [watcher, *watcher.children(recursive=True)]
    assert os.getsid(watcher.pid) != os.getsid(0)
    await backend.close()
    assert not any(_lives(process) for process in tree)
    assert (backend.url, backend.pid) == (None, None)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
