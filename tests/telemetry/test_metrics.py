"""What happens is counted under labels that nobody can multiply."""

import random
from datetime import UTC, datetime

import grpc
import pytest
from prometheus_client import REGISTRY

from heron_grpc.domain import errors
from heron_grpc.domain.classification import (
    Classification,
    Decision,
    LabelScore,
    ProcessingStats,
    StageOpinion,
    StageState,
    Verdict,
)
from heron_grpc.telemetry.call_metrics import CODES
from heron_grpc.telemetry.metrics import Metrics
from scraping import collected

CLASSIFY = "/heron.v1.ClassificationService/Classify"
LABEL = CLASSIFY.removeprefix("/")


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.know_methods([CLASSIFY])
    return metrics


def answer(
    category: str | None = "financial/receivable/invoice",
    stages: tuple[StageOpinion, ...] = (),
    **stats: object,
) -> Classification:
    labels = (LabelScore(category, 0.9), LabelScore(category.split("/")[0], 0.9)) if category else ()
    decision = Decision.ACCEPTED if category else Decision.UNKNOWN
    verdict = Verdict(decision, labels, labels, 0.9, 0.1, stages, (), ())
    now = datetime.now(UTC)
    return Classification(verdict, "0", "taxonomies/default", 1, "text/plain", "0" * 64, now, ProcessingStats(**stats))


def test_a_call_is_in_flight_until_it_ends_with_a_code(metrics):
    metrics.call_started(CLASSIFY)
    metrics.call_started(CLASSIFY)
    assert collected(metrics).value("heron_calls_in_flight", method=LABEL) == 2
    metrics.call_finished(CLASSIFY, "OK", 0.02)
    metrics.call_finished(CLASSIFY, "NOT_FOUND", 3.0)
    found = collected(metrics)
    assert found.value("heron_calls_in_flight", method=LABEL) == 0
    assert found.value("heron_calls_total", method=LABEL, code="OK") == 1
    assert found.value("heron_calls_total", method=LABEL, code="NOT_FOUND") == 1
    assert found.value("heron_call_duration_seconds_bucket", method=LABEL, le="0.025") == 1
    assert found.value("heron_call_duration_seconds_count", method=LABEL) == 2
    assert found.value("heron_call_duration_seconds_sum", method=LABEL) == pytest.approx(3.02)


def test_the_first_failure_is_a_rise_and_no_new_series(metrics):
    series = collected(metrics).series()
    metrics.call_started(CLASSIFY)
    metrics.call_finished(CLASSIFY, "INTERNAL", 0.1)
    assert collected(metrics).series() == series


def test_codes_are_those_of_grpc(metrics):
    assert set(CODES) == {code.name for code in grpc.StatusCode}
    metrics.call_started(CLASSIFY)
    metrics.call_finished(CLASSIFY, "MADE_UP", 0.1)
    assert collected(metrics).value("heron_calls_total", method=LABEL, code="UNKNOWN") == 1


def test_method_names_that_clients_make_up_are_counted_together(metrics):
    metrics.call_refused("/made/up", "calls")
    series = collected(metrics).series()
    made_up = random.Random(3)
    for _ in range(10_000):
        method = f"/{made_up.randbytes(8).hex()}/{made_up.randbytes(8).hex()}"
        metrics.call_started(method)
        metrics.call_refused(method, "calls")
        metrics.call_finished(method, "UNIMPLEMENTED", 0.001)
    found = collected(metrics)
    assert found.series() == series
    assert found.value("heron_calls_total", method="other", code="UNIMPLEMENTED") == 10_000
    assert found.value("heron_calls_refused_total", method="other", resource="calls") == 10_001


def test_a_refusal_tells_what_was_full(metrics):
    metrics.call_refused(CLASSIFY, "uploads")
    metrics.call_refused(CLASSIFY, "deadline")
    metrics.call_refused(CLASSIFY, "uploads")
    found = collected(metrics)
    assert found.value("heron_calls_refused_total", method=LABEL, resource="uploads") == 2
    assert found.value("heron_calls_refused_total", method=LABEL, resource="deadline") == 1


def test_no_label_takes_more_than_a_bounded_number_of_values(metrics):
    for number in range(1_000):
        metrics.call_refused(CLASSIFY, f"resource {number}")
        metrics.document_failed(f"REASON_{number}")
        opinion = StageOpinion(f"stage {number}", StageState.COMPLETED, duration_s=0.1)
        metrics.observe_answer(answer(f"category{number}/leaf", (opinion,)))
    found = collected(metrics)
    for name, label, most in (
        ("heron_calls_refused", "resource", 33),
        ("heron_documents_failed", "reason", 1),
        ("heron_documents", "category", 65),
        ("heron_stages", "stage", 33),
        ("heron_stage_duration_seconds", "stage", 33),
    ):
        values = {sample.labels[label] for sample in found.families[name].samples}
        assert "other" in values
        assert len(values) <= most
    assert sum(sample.value for sample in found.families["heron_documents"].samples) == 1_000


def test_every_reason_of_an_error_has_a_label_of_its_own(metrics):
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HeronError)]
    assert len(kinds) > 10
    for kind in kinds:
        metrics.document_failed(kind.reason)
    failed = collected(metrics).families["heron_documents_failed"]
    assert {sample.labels["reason"] for sample in failed.samples} == {kind.reason for kind in kinds}


def test_an_answer_tells_its_decision_its_stages_its_pages_and_its_times(metrics):
    stages = (
        StageOpinion("text", StageState.COMPLETED, "financial", 0.9, duration_s=0.02),
        StageOpinion("ocr", StageState.NOT_APPLICABLE),
        StageOpinion("model", StageState.TIMED_OUT, duration_s=7.0),
    )
    metrics.document_received(3_000)
    metrics.observe_answer(answer(stages=stages, total_s=0.5, queued_s=0.25, pages=12, ocr_pages=2))
    found = collected(metrics)
    assert found.value("heron_documents_total", decision="accepted", category="financial") == 1
    assert found.value("heron_document_size_bytes_bucket", le="4096.0") == 1
    assert found.value("heron_document_duration_seconds_sum") == 0.5
    assert found.value("heron_document_queue_seconds_sum") == 0.25
    assert (found.value("heron_pages_total"), found.value("heron_ocr_pages_total")) == (12, 2)
    assert found.value("heron_stages_total", stage="ocr", state="not_applicable") == 1
    assert found.value("heron_stages_total", stage="model", state="timed_out") == 1
    assert found.value("heron_stage_duration_seconds_sum", stage="text") == 0.02
    assert found.value("heron_stage_duration_seconds_sum", stage="model") == 7
    assert found.value("heron_stage_duration_seconds_count", stage="ocr") == 0
    assert found.value("heron_cache_hits_total") == 0


def test_work_that_a_cached_answer_saved_is_not_counted_again(metrics):
    stages = (StageOpinion("text", StageState.COMPLETED, duration_s=0.02),)
    metrics.observe_answer(answer(stages=stages, total_s=0.001, pages=12, cache_hit=True))
    found = collected(metrics)
    assert found.value("heron_cache_hits_total") == 1
    assert found.value("heron_documents_total", decision="accepted", category="financial") == 1
    assert found.value("heron_pages_total") == 0
    assert found.value("heron_stages_total", stage="text", state="completed") == 0


def test_a_document_without_a_label_has_no_category(metrics):
    metrics.observe_answer(answer(category=None))
    assert collected(metrics).value("heron_documents_total", decision="unknown", category="none") == 1


def test_two_services_in_one_process_count_apart_and_leave_the_process_wide_registry_alone(metrics):
    other = Metrics()
    metrics.document_failed("NOT_FOUND")
    assert collected(other).value("heron_documents_failed_total", reason="NOT_FOUND") == 0
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("heron")]


def test_the_process_tells_its_memory_processor_time_and_descriptors(metrics):
    found = collected(metrics)
    assert found.value("process_resident_memory_bytes") > 1_000_000
    assert found.value("process_cpu_seconds_total") > 0
    assert 0 < found.value("process_open_fds") <= found.value("process_max_fds")
