import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.tally import Tally, percentile


def tally(**latencies_s: list[float]) -> Tally:
    made = Tally(2.0)
    for code, samples in latencies_s.items():
        for latency_s in samples:
            made.add(code, latency_s)
    return made


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_the_least_sample_that_enough_samples_do_not_exceed(samples, share):
    found = percentile(samples, share)
    needed = share * len(samples)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= needed - 1e-6
    assert sum(sample < found for sample in samples) < needed + 1e-6


def test_only_ok_answers_count_for_rate_and_latency():
    found = tally(OK=[0.010, 0.030], RESOURCE_EXHAUSTED=[0.001] * 7)
    assert found.ok_per_s == 1.0
    assert found.percentile_ms(0.5) == pytest.approx(10)
    assert found.percentile_ms(0.99) == pytest.approx(30)
    assert found.percentile_ms(0.5, "RESOURCE_EXHAUSTED") == pytest.approx(1)
    assert found.codes == {"RESOURCE_EXHAUSTED": 7, "OK": 2}
    assert found.failed == 7


def test_an_answer_after_its_deadline_is_no_goodput():
    assert tally(OK=[0.5, 1.0, 1.001, 3.0]).within_per_s(1.0) == 1.0


def test_what_processes_saw_adds_up():
    found, other = tally(OK=[0.1]), tally(OK=[0.3], CANCELLED=[0.2])
    other.lags_s.append(0.004)
    found.merge(other)
    assert found.codes == {"OK": 2, "CANCELLED": 1}
    assert found.percentile_ms(1.0) == pytest.approx(300)
    assert found.summary()["send_lag_p99_ms"] == 4.0


def test_without_answers_there_are_no_figures():
    assert tally().summary() == {"ok_per_s": 0.0, "p50_ms": 0.0, "p99_ms": 0.0, "codes": {}}
