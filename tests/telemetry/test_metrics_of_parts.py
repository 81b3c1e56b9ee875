"""What the parts say of themselves is read when somebody asks, and one part's fault is not the others'."""

from collections import Counter
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from heron_grpc.telemetry.metrics import Metrics
from heron_grpc.telemetry.part_metrics import PartMetrics, Versions
from heron_grpc.telemetry.parts import Parts
from scraping import collected

MODEL = "models/fake/versions/1"


@pytest.fixture
def parts() -> Parts:
    return Parts(
        pool=SimpleNamespace(waiting=3, busy=2, documents=40, refusals=5, kills=Counter(memory=1)),
        spool=SimpleNamespace(bytes_held=4096),
        intake=SimpleNamespace(bytes_held=512),
        model=SimpleNamespace(
            waiting=5,
            calls_in_flight=2,
            batch_sizes=Counter({1: 10, 3: 4, 32: 2}),
            breaker_open=False,
            ready=True,
            model_version=MODEL,
        ),
        backend=SimpleNamespace(restarts=1),
        front=SimpleNamespace(serving=True),
    )


@pytest.fixture
def metrics(parts) -> Metrics:
    metrics = Metrics()
    metrics.follow(PartMetrics(parts, Versions("0.1.0", "0.1.0+c0ffee12")))
    return metrics


def test_every_part_is_asked(metrics):
    found = collected(metrics)
    assert found.value("heron_reading_waiting_documents") == 3
    assert found.value("heron_reading_busy_children") == 2
    assert found.value("heron_reading_documents_total") == 40
    assert found.value("heron_reading_children_killed_total", reason="memory") == 1
    assert found.value("heron_spooled_bytes") == 4096
    assert found.value("heron_request_bytes") == 512
    assert found.value("heron_model_ready") == 1
    assert found.value("heron_model_breaker_open") == 0
    assert found.value("heron_model_waiting_texts") == 5
    assert found.value("heron_model_calls_in_flight") == 2
    assert found.value("heron_model_backend_restarts_total") == 1
    assert found.value("heron_serving") == 1
    versions = {"version": "0.1.0", "pipeline_version": "0.1.0+c0ffee12", "model_version": MODEL}
    assert found.value("heron_build_info", **versions) == 1


def test_what_has_changed_shows_in_the_next_scrape(parts, metrics):
    collected(metrics)
    parts.pool.kills["wall"] += 1
    parts.model.breaker_open = True
    parts.front.serving = False
    found = collected(metrics)
    assert found.value("heron_reading_children_killed_total", reason="wall") == 1
    assert found.value("heron_model_breaker_open") == 1
    assert found.value("heron_serving") == 0


def test_batch_sizes_are_a_histogram(metrics):
    found = collected(metrics)
    at_most = {most: found.value("heron_model_batch_texts_bucket", le=most) for most in ("1.0", "2.0", "4.0", "+Inf")}
    assert at_most == {"1.0": 10, "2.0": 10, "4.0": 14, "+Inf": 16}
    assert found.value("heron_model_batch_texts_count") == 16
    assert found.value("heron_model_batch_texts_sum") == 10 + 12 + 64


def test_a_backend_that_runs_elsewhere_is_not_ours_to_restart(parts):
    metrics = Metrics()
    elsewhere = Parts(parts.pool, parts.spool, parts.intake, parts.model, None, parts.front)
    metrics.follow(PartMetrics(elsewhere, Versions("0", "0")))
    assert "heron_model_backend_restarts" not in collected(metrics).families


def test_a_part_that_cannot_answer_loses_its_own_metrics_and_is_logged_once(parts, metrics):
    kills, parts.pool.kills = parts.pool.kills, None
    with capture_logs() as logs:
        found = collected(metrics)
        collected(metrics)
    assert not [name for name in found.families if name.startswith("heron_reading_")]
    assert found.value("heron_model_ready") == 1
    assert [(log["event"], log["part"]) for log in logs] == [("metrics_not_collected", "pool")]
    parts.pool.kills = kills
    assert collected(metrics).value("heron_reading_documents_total") == 40
