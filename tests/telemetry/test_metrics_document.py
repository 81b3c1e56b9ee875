"""docs/metrics.md tells of every metric there is, and of no other."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from heron_grpc.domain.classification import StageOpinion, StageState
from heron_grpc.reading.kill_reasons import KILL_REASONS
from heron_grpc.telemetry.metrics import Metrics
from heron_grpc.telemetry.part_metrics import PartMetrics, Versions
from heron_grpc.telemetry.parts import Parts
from scraping import collected

TEXT = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
ROW = re.compile(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([a-z_, ]*)\| \S.+\|$", re.MULTILINE)

Described = tuple[str, str, frozenset[str]]


@pytest.fixture(scope="module")
def exported() -> set[Described]:
    """Name, type and labels of everything, with each metric used once."""
    metrics = Metrics()
    model = dict.fromkeys(("waiting", "calls_in_flight", "breaker_open", "ready"), 0)
    parts = Parts(
        pool=SimpleNamespace(waiting=0, busy=0, documents=0, refusals=0, kills=Counter(memory=1)),
        spool=SimpleNamespace(bytes_held=0),
        intake=SimpleNamespace(bytes_held=0),
        model=SimpleNamespace(**model, batch_sizes=Counter({1: 1}), model_version="models/fake/versions/1"),
        backend=SimpleNamespace(restarts=0),
        front=SimpleNamespace(serving=True),
    )
    metrics.follow(PartMetrics(parts, Versions("0", "0")))
    metrics.call_refused("/any", "calls")
    metrics.document_failed("NOT_FOUND")
    opinion = StageOpinion("text", StageState.COMPLETED)
    verdict = SimpleNamespace(labels=(), decision=SimpleNamespace(value="unknown"), stages=(opinion,))
    stats = SimpleNamespace(total_s=0.1, queued_s=0.1, pages=1, ocr_pages=1, cache_hit=False)
    metrics.observe_answer(SimpleNamespace(verdict=verdict, stats=stats))
    return set(described(metrics))


def described(metrics: Metrics) -> Iterator[Described]:
    for family in collected(metrics).families.values():
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        if samples:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield name, family.type, frozenset(label for sample in samples for label in sample.labels) - {"le"}


def test_every_metric_is_documented_with_its_type_and_labels_and_every_documented_one_exists(exported):
    documented = {
        (name, kind, frozenset(filter(None, map(str.strip, labels.split(",")))))
        for name, kind, labels in ROW.findall(TEXT)
    }
    assert len(documented) == len(ROW.findall(TEXT))
    assert documented == exported


def test_what_dashboards_and_alerts_ask_for_exists(exported):
    names = {name for name, kind, _ in exported if kind != "histogram"}
    names |= {
        f"{name}_{part}" for name, kind, _ in exported if kind == "histogram" for part in ("bucket", "sum", "count")
    }
    queries = "".join(re.findall(r"```promql\n(.*?)```", TEXT, re.DOTALL))
    asked = set(re.findall(r"\b(?:heron|process)_[a-z_]+", queries))
    assert asked
    assert asked <= names


def test_why_children_are_killed_is_documented():
    [row] = [line for line in TEXT.splitlines() if line.startswith("| `heron_reading_children_killed_total`")]
    reasons = re.sub(r"\([^)]*\)", "", row.partition("by why: ")[2]).strip(" .|")
    assert {reason.strip() for reason in reasons.split(",")} == set(KILL_REASONS)


def test_names_carry_the_units_and_endings_that_prometheus_asks_for(exported):
    """https://prometheus.io/docs/practices/naming/"""
    for name, kind, _ in exported:
        assert (kind == "counter") == name.endswith("_total"), name
        assert not re.search(r"(_ms|_millis|_kb|_mb|_us)(_|$)", name), name
