"""When another call of the backend goes out, and with how many texts."""

import pytest

from heron_grpc.serving.coalescing import Coalescing
from heron_grpc.settings import ServingSettings


def coalescing(text_s: float, **settings: int) -> Coalescing:
    """One that has seen a call with 4 texts of so many seconds each."""
    found = Coalescing(ServingSettings(**settings))
    if text_s:
        found.learn(4 * text_s, 4)
    return found


@pytest.mark.parametrize("text_s", [0.0, 0.001, 0.5])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_idle_worker_gets_what_waits_at_once(text_s: float, workers: int) -> None:
    found = coalescing(text_s)
    assert found.is_worth_a_call(1, workers - 1, workers)
    assert not found.is_worth_a_call(0, 0, workers)


@pytest.mark.parametrize(("text_s", "waiting", "worth"), [(0.0, 1, True), (0.5, 1, True), (0.001, 7, False)])
def test_a_call_beside_busy_workers_goes_out_for_slow_texts_or_for_enough(
    text_s: float, waiting: int, worth: bool
) -> None:
    found = coalescing(text_s)
    assert found.is_worth_a_call(waiting, 1, 1) is worth
    assert found.is_worth_a_call(8, 1, 1)
    assert not found.is_worth_a_call(100, 2, 1)


def test_the_calls_set_are_never_exceeded() -> None:
    found = coalescing(0.5, calls_in_flight=3)
    assert [found.is_worth_a_call(9, under_way, 1) for under_way in (2, 3)] == [True, False]


@pytest.mark.parametrize(("text_s", "sizes"), [(0.5, [1, 5, 10, 32]), (0.001, [8, 8, 10, 32])])
def test_a_call_takes_its_share_and_of_quick_texts_what_makes_it_worth_its_cost(
    text_s: float, sizes: list[int]
) -> None:
    found = coalescing(text_s)
    assert [found.most_texts(texts, 1) for texts in (2, 10, 20, 100)] == sizes


def test_what_is_known_of_the_model_follows_its_calls() -> None:
    found = coalescing(0.5)
    for _ in range(60):
        found.learn(0.004, 4)
    assert not found.is_worth_a_call(2, 1, 1)
    for _ in range(5):
        found.learn(2.0, 4)
    assert found.is_worth_a_call(2, 1, 1)
