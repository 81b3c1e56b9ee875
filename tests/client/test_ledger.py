"""The books of a bulk call, on a clock of the test's own."""

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron import DeadlineExceeded, Document, RetryPolicy, Unavailable
from heron.calls import LogicalCall
from heron.errors import local_error
from heron.ledger import GRANT_S, STALL_S, Ledger
from heron.v1 import classification_pb2 as pb
from scripted_server import refused

BROKEN = local_error(grpc.StatusCode.UNAVAILABLE, "gone")


class Books(Ledger):
    """A ledger with a clock that a test moves."""

    def __init__(self, *, ordered=False, document_timeout_s=60.0, deadline=None, retry=None):
        self.now = 1000.0
        call = LogicalCall("id", (), deadline)
        super().__init__(call, retry or RetryPolicy(), document_timeout_s, ordered, lambda: self.now)

    def take_texts(self, count: int) -> None:
        for number in range(count):
            self.take(Document.from_text(str(number)))

    def granted(self, window: int) -> None:
        self.stream_began()
        self.receive(pb.ClassifyBulkResponse(grant=pb.ClassifyBulkGrant(max_in_flight=window)))

    def answered(self, item_id: str) -> None:
        result = pb.ClassifyBulkResult(item_id=item_id, classification=pb.Classification())
        self.receive(pb.ClassifyBulkResponse(result=result))

    def refused(self, item_id: str, retry_after_s: float | None) -> None:
        status = refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s)
        self.receive(pb.ClassifyBulkResponse(result=pb.ClassifyBulkResult(item_id=item_id, error=status)))

    def later(self, seconds: float) -> None:
        self.now += seconds
        while self.tick():
            pass

    def results(self) -> list:
        found = []
        while (result := self.result()) is not None:
            found.append(result)
        return found


def test_one_document_is_taken_in_before_the_window_is_known():
    books = Books()
    assert books.has_room()
    books.take_texts(1)
    assert not books.has_room()
    assert books.claim() is None
    books.granted(3)
    assert books.has_room()
    assert books.claim().item_id == "0.1"


def test_a_new_stream_that_is_granted_less_is_sent_less():
    books = Books()
    books.take_texts(1)
    books.granted(5)
    books.take_texts(4)
    assert [books.claim().index for _ in range(5)] == [0, 1, 2, 3, 4]
    books.stream_ended(BROKEN)
    books.later(5)
    books.granted(2)
    assert [books.claim().item_id for _ in range(2)] == ["0.2", "1.2"]
    assert books.claim() is None
    books.answered("0.2")
    assert books.claim().item_id == "2.2"


def test_a_stream_that_is_granted_nothing_is_given_up():
    books = Books()
    books.take_texts(1)
    books.stream_began()
    books.later(GRANT_S - 1)
    assert not books.is_stalled
    books.later(1)
    assert books.is_stalled


def test_a_stream_that_stays_silent_about_a_document_whose_time_is_up_is_given_up_and_the_others_are_sent_again():
    books = Books(document_timeout_s=60)
    books.take_texts(1)
    books.granted(3)
    books.claim()
    books.later(30)
    books.take_texts(1)
    books.claim()
    books.later(30)
    [result] = books.results()
    assert isinstance(result.error, DeadlineExceeded)
    assert books.claim_cancel() == "0.1"
    books.later(STALL_S)
    assert books.is_stalled
    books.stream_ended(BROKEN)
    books.later(5)
    assert books.wants_stream()
    books.granted(3)
    assert books.claim().item_id == "1.2"


def test_an_answer_to_the_cancelled_document_frees_the_stream_and_is_not_given_twice():
    books = Books()
    books.take_texts(1)
    books.granted(1)
    books.claim()
    books.later(60)
    assert len(books.results()) == 1
    books.answered("0.1")
    assert books.results() == []
    books.later(STALL_S * 2)
    assert not books.is_stalled
    books.take_texts(1)
    assert books.claim()


def test_a_late_answer_to_an_earlier_attempt_is_ignored():
    books = Books()
    books.take_texts(1)
    books.granted(2)
    books.claim()
    books.refused("0.1", 1.0)
    books.later(1.1)
    assert books.claim().item_id == "0.2"
    books.answered("0.1")
    assert books.results() == []
    books.answered("0.2")
    assert len(books.results()) == 1


def test_a_refused_document_waits_as_long_as_the_service_says():
    books = Books()
    books.take_texts(1)
    books.granted(2)
    books.claim()
    books.refused("0.1", 7.0)
    assert books.wait_s() == pytest.approx(7.0)
    books.later(6.9)
    assert books.claim() is None
    books.later(0.2)
    assert books.claim()


def test_a_service_that_never_answered_is_given_up_after_so_many_attempts():
    books = Books()
    books.take_texts(1)
    for _ in range(4):
        assert books.failure() is None
        assert books.wants_stream()
        books.stream_began()
        books.stream_ended(BROKEN)
        books.later(5)
    assert books.failure() is BROKEN
    assert [result.error for result in books.results()] == [BROKEN]
    assert books.is_over


def test_a_service_that_answered_before_is_tried_for_longer():
    books = Books(retry=RetryPolicy(reconnect_s=30))
    books.take_texts(2)
    books.granted(2)
    books.claim()
    books.answered("0.1")
    books.stream_ended(BROKEN)
    tried = 0
    while books.failure() is None:
        books.later(2.0)
        assert books.wants_stream()
        books.stream_began()
        books.stream_ended(BROKEN)
        tried += 1
    assert tried == 15
    assert isinstance(books.failure(), Unavailable)


def test_a_stream_that_ends_with_nothing_to_send_is_not_missed():
    books = Books()
    books.take_texts(1)
    books.granted(2)
    books.claim()
    books.answered("0.1")
    for _ in range(20):
        books.granted(2)
        books.stream_ended(local_error(grpc.StatusCode.DEADLINE_EXCEEDED, "idle"))
    assert not books.wants_stream()
    books.take_texts(1)
    assert books.wants_stream()


def test_a_call_ends_at_its_deadline_even_without_a_stream():
    books = Books(deadline=1010.0)
    books.take_texts(1)
    books.later(10.0)
    assert isinstance(books.failure(), DeadlineExceeded)
    assert len(books.results()) == 1
    assert books.is_over


EVENTS = st.lists(
    st.sampled_from(["take", "end", "claim", "answer", "refuse", "overload", "break", "open", "give", "wait"]),
    max_size=200,
)


@given(EVENTS, st.booleans(), st.integers(1, 5))
def test_whatever_happens_every_document_taken_in_is_given_out_once_and_the_window_holds(events, ordered, window):
    books = Books(ordered=ordered, document_timeout_s=30)
    is_streaming, in_flight, given_out, taken = False, {}, [], 0
    # Whatever was left undone is done at the end.
    finish = ["end", *["wait", "open", "claim", "answer", "give"] * (len(events) + 5)]
    for event in [*events, *finish]:
        if event == "take" and books.has_room():
            books.take_texts(1)
            taken += 1
        elif event == "end":
            books.no_more()
        elif event == "open" and not is_streaming and books.wants_stream():
            books.granted(window)
            is_streaming = True
        elif event == "claim" and is_streaming and (item := books.claim()):
            in_flight[item.item_id] = item
        elif event in {"answer", "refuse", "overload"} and in_flight:
            item_id, _ = in_flight.popitem()
            retry_after_s = {"refuse": None, "overload": 1.0}
            books.answered(item_id) if event == "answer" else books.refused(item_id, retry_after_s[event])
        elif event == "break" and is_streaming:
            books.stream_ended(BROKEN)
            is_streaming = False
            in_flight.clear()
        elif event == "wait":
            books.later(3.0)
        elif event == "give" and (result := books.result()):
            given_out.append(result.index)
        assert len(in_flight) <= window
        assert taken - len(given_out) <= max(1, window)
    assert sorted(given_out) == list(range(taken))
    assert not ordered or given_out == sorted(given_out)
    assert books.is_over
