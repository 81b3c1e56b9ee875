"""Plans put every sequence in one group, waste little on padding and leave no thread without work."""

from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.classify.token_groups import Plan, plan

_lengths = st.lists(st.integers(1, 512), max_size=64)
_threads = st.integers(1, 8)


@given(_lengths, _threads)
def test_every_sequence_is_in_exactly_one_group(lengths, threads):
    made = plan(lengths, threads)
    assert sorted(place for group in made.narrow + made.wide for place in group) == [*range(len(lengths))]


@given(_lengths, _threads)
def test_company_is_small_and_short(lengths, threads):
    made = plan(lengths, threads)
    for group in made.narrow + made.wide:
        longest = lengths[group[0]]
        assert longest == max(lengths[place] for place in group)
        assert len(group) == 1 or (len(group) <= 8 and len(group) * longest <= 128)


def test_one_sequence_runs_on_all_threads_and_more_side_by_side():
    assert plan([256], 2) == Plan((), ((0,),))
    assert plan([256, 256], 2) == Plan(((0,), (1,)), ())
    assert plan([256], 1) == Plan(((0,),), ())


def test_what_would_leave_a_thread_without_work_runs_on_all():
    made = plan([256, 256, 256], 2)
    assert (len(made.narrow), len(made.wide)) == (2, 1)
    # Two short ones beside a long one keep both threads at work without that.
    assert plan([512, 256, 256], 2).wide == ()
    # One that is longer than all others together does not.
    assert plan([512, 130, 130], 2).wide == ((0,),)


def test_one_thread_runs_everything_in_turn():
    assert plan([200, 300, 300], 1).wide == ()


@given(lengths=st.lists(st.integers(2, 512), max_size=40), threads=st.integers(1, 4))
def test_where_company_would_change_an_answer_each_runs_alone(lengths, threads):
    made = plan(lengths, threads, most=1)
    assert sorted(made.narrow + made.wide) == [(place,) for place in range(len(lengths))]
