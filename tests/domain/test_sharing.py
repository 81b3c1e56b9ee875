"""What callers share: queues in turn, amounts by what is left free, time by how fast work gets done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.domain.errors import Overloaded
from heron_grpc.domain.fair_queue import FairQueue
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.domain.pace import Pace


def taken(queue: FairQueue[int]) -> list[int]:
    return [queue.take() for _ in range(len(queue))]


def test_callers_are_served_in_turn_and_each_in_its_own_order():
    queue: FairQueue[int] = FairQueue()
    for entry, caller in enumerate("aaaabbc"):
        queue.add(entry, caller)
    assert taken(queue) == [0, 4, 6, 1, 5, 2, 3]


def test_what_waited_its_turn_before_goes_first():
    queue: FairQueue[int] = FairQueue()
    queue.add(1, "a")
    queue.add_first(2)
    queue.add_first(3)
    assert queue.first() == 3
    assert taken(queue) == [3, 2, 1]


def test_an_empty_queue_has_no_first_and_gives_nothing():
    queue: FairQueue[int] = FairQueue()
    assert queue.first() is None
    with pytest.raises(KeyError):
        queue.take()


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcd"))), st.sampled_from("abcde"))
def test_ahead_of_is_how_many_are_served_before_a_new_entry(entries, caller):
    queue: FairQueue[int] = FairQueue()
    for number, (kind, owner) in enumerate(entries):
        if kind == 0:
            queue.add_first(number)
        else:
            queue.add(number, owner)
    promised = queue.ahead_of(caller)
    queue.add(-1, caller)
    served = taken(queue).index(-1)
    # Callers whose turn is past already are served once less.
    assert served <= promised <= served + 3


@given(
    st.lists(st.tuples(st.sampled_from(["add", "first", "remove", "take"]), st.integers(0, 8), st.sampled_from("abc")))
)
def test_every_entry_added_is_taken_or_removed_once(steps):
    queue: FairQueue[int] = FairQueue()
    inside: set[int] = set()
    for number, (step, entry, caller) in enumerate(steps):
        if step in {"add", "first"}:
            inside.add(number)
            queue.add(number, caller) if step == "add" else queue.add_first(number)
        elif step == "remove":
            queue.remove(entry)
            inside.discard(entry)
        elif inside:
            inside.remove(queue.take())
        assert set(queue) == inside
        assert len(queue) == len(inside)


def test_one_caller_alone_gets_half():
    share = FairShare(10, "things")
    for _ in range(5):
        share.take("a")
    with pytest.raises(Overloaded) as caught:
        share.take("a")
    assert caught.value.metadata == {"resource": "things", "max": "10"}
    share.take("b", 2)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5), st.booleans()), max_size=60))
def test_no_share_is_lost_and_none_is_given_twice(steps):
    share = FairShare(20, "things")
    held: list[tuple[str, int]] = []
    for caller, amount, give in steps:
        if give and held:
            share.give_back(*held.pop())
        else:
            own = sum(size for owner, size in held if owner == caller)
            total = sum(size for _, size in held)
            try:
                share.take(caller, amount)
            except Overloaded:
                assert own + amount > 20 - total
            else:
                held.append((caller, amount))
        assert share.in_use == sum(size for _, size in held) <= 20
    for one in held:
        share.give_back(*one)
    assert share.in_use == 0
    share.take("anyone", 10)


def test_a_block_gives_back_what_it_held():
    share = FairShare(10, "things")
    with share.held("a", 3):
        assert share.in_use == 3
    assert share.in_use == 0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_price_of_one_more_is_the_time_between_two_ends_while_busy():
    clock = Clock()
    pace = Pace(clock)
    assert pace.expected_s == 0.0
    for _ in range(10):
        pace.begin()
    for _ in range(5):
        clock.now += 0.1
        pace.end()
    # 5 are at work, and one ends every 0.1 s.
    assert pace.expected_s == pytest.approx(0.6, rel=0.1)


def test_idle_time_costs_nothing():
    clock = Clock()
    pace = Pace(clock)
    for _ in range(3):
        pace.begin()
        clock.now += 0.1
        pace.end()
        clock.now += 0.5
    assert pace.expected_s == pytest.approx(0.1, rel=0.2)


def test_what_was_slow_long_ago_is_forgotten():
    clock = Clock()
    pace = Pace(clock)
    pace.begin()
    clock.now += 5.0
    pace.end()
    for _ in range(100):
        clock.now += 0.1
        pace.begin()
        clock.now += 0.01
        pace.end()
    assert pace.expected_s < 0.05
