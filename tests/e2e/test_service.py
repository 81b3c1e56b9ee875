"""The whole service in its own processes: failures, recovery, drain, silence about content."""

import concurrent.futures
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from heron import HeronClient, HeronServiceError
from heron.client import Options
from heron.v1 import classification_pb2
from heron_grpc.classify.manifest import load_manifest
from running import SAMPLES, heron

MODELS = Path(__file__).parents[2] / "models"
SERVING = health_pb2.HealthCheckResponse.SERVING
FRESH = Options(bypass_cache=True)
ALWAYS_OCR = Options(bypass_cache=True, ocr=classification_pb2.OCR_MODE_ALWAYS)
SCAN = next(path for path in sorted(SAMPLES.iterdir()) if path.suffix == ".jpg")


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds; the test's own time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.05)


def serving(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return answer.status == SERVING


def test_a_dead_model_backend_is_noticed_and_comes_back_by_itself(start_service):
    service = start_service()
    with HeronClient(service.address) as client:
        before = client.classify_file(SCAN, options=FRESH)
        for backend in service.children("bentoml"):
            backend.kill()
        wait_for(lambda: not serving(service.address))
        wait_for(lambda: serving(service.address))
        after = client.classify_file(SCAN, options=FRESH)
    assert after.labels == before.labels


def test_a_call_without_a_model_is_unavailable_and_says_so(start_service):
    # A backend that is stuck is not replaced: its successor would answer the call.
    service = start_service(HERON_SERVING_BACKEND_STUCK_S="600")
    channel = grpc.insecure_channel(service.address, options=[("grpc.enable_retries", 0)])
    from heron.v1 import classification_pb2_grpc

    stub = classification_pb2_grpc.ClassificationServiceStub(channel)
    request = classification_pb2.ClassifyRequest(text="words that no rule knows, at some length", options=FRESH)
    for backend in service.children("bentoml"):
        backend.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(grpc.RpcError) as caught:
            stub.Classify(request, timeout=60)
    finally:
        for backend in service.children("bentoml"):
            backend.send_signal(signal.SIGCONT)
        channel.close()
    error = HeronServiceError(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "MODEL_UNAVAILABLE")


def test_each_request_may_name_its_model(start_service):
    pinned = load_manifest(MODELS / "nb").model_version
    aliases = json.dumps({"stable": pinned, "gone": "models/nb/versions/0"})
    service = start_service(HERON_SERVING_MODEL="auto", HERON_SERVING_MODEL_ALIASES=aliases)
    text = "words that neither a rule nor a heading knows, long enough for a model to say what they are"

    def ask(model: str) -> classification_pb2.Classification:
        return client.classify_text(text, options=Options(model=model, bypass_cache=True))

    with HeronClient(service.address) as client:
        served = [model.model_version for model in client.get_server_info().models]
        assert served == [load_manifest(MODELS / name).model_version for name in ("auto", "nb", "distilbert")]
        named = {"": 0, "auto": 0, "models/auto": 0, "nb": 1, "models/nb": 1, pinned: 1, "stable": 1, "distilbert": 2}
        answers = {model: ask(model) for model in named}
        assert {model: answer.model_version for model, answer in answers.items()} == {
            model: served[place] for model, place in named.items()
        }
        assert f"asked {served[1]}" in answers[""].stages[-1].detail
        assert "asked" not in answers["nb"].stages[-1].detail
        for absent in ("absent", "gone", "models/nb/versions/0"):
            with pytest.raises(HeronServiceError) as refused:
                ask(absent)
            assert refused.value.code == grpc.StatusCode.NOT_FOUND
            assert refused.value.metadata["served"] == ", ".join(served)


def test_a_reading_child_that_dies_costs_nothing(start_service):
    service = start_service(HERON_READING_CHILDREN="1")
    with HeronClient(service.address) as client, concurrent.futures.ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(client.classify_file, SCAN, options=FRESH) for _ in range(4)]
        wait_for(lambda: any(is_busy(child) for child in readers(service)))
        dead = readers(service)
        for child in dead:
            child.kill()
        found = [answer.result(100) for answer in answers]
        assert {child.pid for child in dead}.isdisjoint(child.pid for child in readers(service))
    assert len({str(answer.labels) for answer in found}) == 1
    assert found[0].decision != classification_pb2.DECISION_UNREADABLE


def readers(service) -> list[psutil.Process]:
    """The reading children: below the forkserver."""
    return [child for server in service.children("forkserver") for child in server.children()]


def is_busy(child: psutil.Process) -> bool:
    """Whether a child is reading now."""
    try:
        return child.cpu_percent(0.05) > 20
    except psutil.NoSuchProcess:
        return False


def test_sigterm_with_work_in_flight_loses_nothing_and_leaves_nothing(start_service):
    service = start_service()
    below = psutil.Process(service.process.pid).children(recursive=True)
    with HeronClient(service.address) as client, concurrent.futures.ThreadPoolExecutor(6) as threads:
        answers = [threads.submit(client.classify_file, SCAN, options=ALWAYS_OCR) for _ in range(6)]
        # Both children at work, and more to do for both: the calls are in.
        wait_for(lambda: sum(is_busy(child) for child in readers(service)) > 1)
        assert service.terminate() == 0
        assert all(answer.result(60).pipeline_version for answer in answers)
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive


def test_a_service_that_is_killed_leaves_no_process_behind(start_service):
    service = start_service()
    below = psutil.Process(service.process.pid).children(recursive=True)
    assert len(below) >= 4
    service.process.kill()
    service.process.wait(20)
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive


@pytest.mark.xdist_group("service")
def test_logs_tell_ids_and_codes_but_never_content(service, tmp_path):
    canary = "zanzibarquux"
    path = tmp_path / f"{canary}-name.txt"
    path.write_text(f"Dear {canary}, your account is overdrawn. " * 20)
    with HeronClient(service.address) as client:
        client.classify_file(path, options=Options(include_evidence=True))
        client.classify_text(f"the word {canary} again and again")
        broken = tmp_path / f"{canary}.pdf"
        broken.write_bytes(b"%PDF-1.7 " + canary.encode())
        with pytest.raises(HeronServiceError) as caught:
            client.classify_file(broken)
    log = service.log.read_text()
    assert caught.value.request_id in log
    assert canary not in log
    lines = [json.loads(line) for line in log.splitlines()]
    calls = [line for line in lines if line["event"] == "call_finished"]
    assert calls
    assert all({"request_id", "method", "code", "duration_ms"} <= set(line) for line in calls)


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("HERON_FRONT_ADDRESS", "0.0.0.0:50051", "loopback"),
        ("HERON_FRONT_ADRESS", "127.0.0.1:1", "HERON_FRONT_ADRESS"),
        ("HERON_FRONT_ADDRESS", "127.0.0.1:99999", "99999"),
        ("HERON_FRONT_SPOOL_DIR", "/absent", "HERON_FRONT_SPOOL_DIR"),
        ("HERON_SERVING_MODEL", "absent", "HERON_SERVING_MODEL"),
        ("HERON_SERVING_MODEL_ALIASES", "nonsense", "HERON_SERVING_MODEL_ALIASES"),
        ("HERON_SERVING_MODEL_ALIASES", '{"auto": "models/nb"}', "auto always means"),
        ("HERON_SERVING_BACKEND_URL", "nowhere", "HERON_SERVING_BACKEND_URL"),
        ("HERON_READING_CHILDREN", "none", "HERON_READING_CHILDREN"),
        ("HERON_CLASSIFY_PACKS_DIR", "/absent", "packs"),
    ],
)
def test_a_wrong_set_up_is_a_message_and_not_a_traceback(setting, value, word):
    done = heron("serve", **{setting: value})
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
