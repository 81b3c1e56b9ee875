import itertools

import pytest

from benchmarks.load.arrivals import Step, moments, ramp

STEPS = (Step(100.0, 2.0), Step(400.0, 1.0))


def test_constant_arrivals_are_evenly_spaced_within_their_step():
    first, second = moments(STEPS, "constant", seed=1)
    assert (len(first), len(second)) == (200, 400)
    assert first[0] == 0.0
    assert second[0] == 2.0
    assert {round(b - a, 9) for a, b in itertools.pairwise(second)} == {0.0025}


def test_poisson_arrivals_keep_the_rate_and_bunch_as_independent_callers_do():
    [found] = moments([Step(500.0, 40.0)], "poisson", seed=1)
    gaps = [b - a for a, b in itertools.pairwise(found)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert len(found) == pytest.approx(20_000, rel=0.03)
    # An exponential distribution's spread is its mean; evenly spaced calls have none.
    assert spread == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_calls_lie_in_their_steps_in_order_and_the_same_for_the_same_seed(arrivals):
    found = moments(STEPS, arrivals, seed=3)
    for (begin, end), step in zip([(0, 2), (2, 3)], found, strict=True):
        assert step == sorted(step)
        assert all(begin <= moment < end for moment in step)
    assert moments(STEPS, arrivals, seed=3) == found


def test_a_ramp_holds_every_rate_from_first_to_last():
    assert [step.per_s for step in ramp(50, 200, 50, 5)] == [50, 100, 150, 200]
    assert [step.per_s for step in ramp(0.1, 0.3, 0.1, 1)] == pytest.approx([0.1, 0.2, 0.3])
