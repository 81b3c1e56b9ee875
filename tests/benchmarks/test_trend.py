import random

import pytest

from benchmarks.soak.trend import trend

SECONDS = [2.0 * number for number in range(450)]


def test_a_straight_rise_is_found_exactly():
    found = trend(SECONDS, [100 + 5 * at / 3600 for at in SECONDS])
    assert found.slope_per_h == pytest.approx(5)
    assert found.uncertainty_per_h == pytest.approx(0, abs=1e-6)


def test_the_interval_holds_the_true_slope_as_often_as_it_says():
    draw = random.Random(1)
    hits = 0
    for _ in range(300):
        found = trend(SECONDS, [100 + 5 * at / 3600 + draw.gauss(0, 2) for at in SECONDS])
        hits += abs(found.slope_per_h - 5) <= found.uncertainty_per_h
    assert 0.9 <= hits / 300 <= 0.99


def test_samples_that_resemble_their_neighbours_tell_less():
    draw = random.Random(1)
    walk, level = [], 0.0
    for _ in SECONDS:
        level = 0.9 * level + draw.gauss(0, 1)
        walk.append(level)
    shuffled = random.Random(2).sample(walk, len(walk))
    assert trend(SECONDS, walk).uncertainty_per_h > 2 * trend(SECONDS, shuffled).uncertainty_per_h


def test_flat_memory_has_no_slope_and_two_samples_no_trend():
    assert trend(SECONDS, [80.0] * len(SECONDS)).slope_per_h == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="three samples"):
        trend([0, 1], [1, 2])
