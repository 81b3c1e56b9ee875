"""The client's promises that need a backend which misbehaves on demand."""

import asyncio
from contextlib import suppress

import pytest
import structlog
from structlog.testing import capture_logs

from backends import FAKE, LABELS, Connect, ScriptedBackend, prediction, until
from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import (
    DeadlineExceeded,
    ModelFailed,
    ModelUnavailable,
    NotFound,
    Overloaded,
    ProtocolError,
)
from heron_grpc.serving import wire
from heron_grpc.serving.model_facts import HostedModel
from heron_grpc.serving.wire import NO_SUCH_MODEL, Item, ItemFailure
from heron_grpc.serving.worker_lanes import Lane
from heron_grpc.telemetry.logging import get_logger

Results = list[Prediction | ItemFailure]


# Never less, however fast the machine.
SLOW_S = 0.05
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def slow(items: list[Item]) -> Results:
    await asyncio.sleep(SLOW_S)
    return [prediction(item.text) for item in items]


class Gate:
    """Holds every call until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, items: list[Item]) -> Results:
        await self.open.wait()
        return [prediction(item.text) for item in items]


async def test_what_waits_travels_together(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=1, max_batch=4)
    first = asyncio.create_task(client.predict("first", explain=False))
    await until(lambda: len(scripted.calls) == 1)
    rest = [asyncio.create_task(client.predict(f"text {number}", explain=False)) for number in range(6)]
    await asyncio.sleep(0)
    gate.open.set()
    answers = await asyncio.gather(first, *rest)
    assert [len(call) for call in scripted.calls] == [1, 4, 2]
    assert [answer.batch_size for answer in answers] == [1, 4, 4, 4, 4, 2, 2]
    assert [answer.probabilities for answer in answers[1:]] == [
        prediction(f"text {number}").probabilities for number in range(6)
    ]
    assert all(answer.queued_s >= 0 for answer in answers)


async def test_no_more_calls_are_in_flight_than_set(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=2, max_batch=1)
    texts = [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(5)]
    await until(lambda: len(scripted.calls) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(scripted.calls) == 2
    gate.open.set()
    await asyncio.gather(*texts)
    assert len(scripted.calls) == 5


async def test_a_full_queue_refuses_with_a_time_to_try_again(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=1, max_waiting=6)
    texts = [asyncio.create_task(client.predict("held", explain=False))]
    await until(lambda: len(scripted.calls) == 1)
    texts += [asyncio.create_task(client.predict("waits", explain=False)) for _ in range(2)]
    await asyncio.sleep(0)
    assert (client.waiting, client.calls_in_flight) == (2, 1)
    with pytest.raises(Overloaded) as refused:
        await client.predict("too many", explain=False)
    assert 0.1 <= refused.value.retry_after_s <= 30
    assert refused.value.metadata["resource"] == "model queue"
    # What is left is for others.
    texts.append(asyncio.create_task(client.predict("of another", explain=False, call=Call(caller="another"))))
    gate.open.set()
    await asyncio.gather(*texts)


async def test_a_cancelled_text_is_never_sent_and_makes_room(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=1, max_waiting=4)
    held = asyncio.create_task(client.predict("held", explain=False))
    await until(lambda: len(scripted.calls) == 1)
    gone = asyncio.create_task(client.predict("gone", explain=False))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    next_one = asyncio.create_task(client.predict("next", explain=False))
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(held, next_one)
    assert scripted.calls == [["held"], ["next"]]


async def test_a_text_past_its_deadline_is_never_sent(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=1)
    held = asyncio.create_task(client.predict("held", explain=False))
    await until(lambda: len(scripted.calls) == 1)
    with pytest.raises(DeadlineExceeded):
        await client.predict("late", explain=False, call=Call.within(0.01))
    gate.open.set()
    await held
    await client.predict("last", explain=False)
    assert scripted.calls == [["held"], ["last"]]


async def test_a_text_sent_but_not_answered_in_time_is_late(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = Gate()
    client = await connect()
    with pytest.raises(DeadlineExceeded):
        await client.predict("held", explain=False, call=Call.within(0.05))
    with pytest.raises(DeadlineExceeded):
        await client.predict("never sent", explain=False, call=Call.within(0))


async def test_only_the_poisonous_text_of_a_failed_batch_fails(scripted: ScriptedBackend, connect: Connect) -> None:
    async def choke(items: list[Item]) -> Results:
        if any("poison" in item.text for item in items):
            raise ValueError
        return [prediction(item.text) for item in items]

    scripted.answer = choke
    client = await connect(calls_in_flight=1)
    texts = ["good", "poison", "better"]
    answers = await asyncio.gather(*(client.predict(text, explain=False) for text in texts), return_exceptions=True)
    assert scripted.calls[0] == texts
    assert isinstance(answers[1], ProtocolError)
    assert [answer.batch_size for answer in (answers[0], answers[2]) if isinstance(answer, Prediction)] == [1, 1]


async def test_a_text_the_backend_dies_over_fails_alone(scripted: ScriptedBackend, connect: Connect) -> None:
    async def die(items: list[Item]) -> Results:
        if any("poison" in item.text for item in items):
            raise ConnectionResetError
        return [prediction(item.text) for item in items]

    scripted.answer = die
    client = await connect(calls_in_flight=1)
    texts = ["good", "poison", "better"]
    answers = await asyncio.gather(*(client.predict(text, explain=False) for text in texts), return_exceptions=True)
    assert isinstance(answers[1], ModelUnavailable)
    assert isinstance(answers[0], Prediction)
    assert isinstance(answers[2], Prediction)
    assert sum("poison" in call for call in scripted.calls) == 2


async def test_an_item_the_model_cannot_work_on_fails_alone(scripted: ScriptedBackend, connect: Connect) -> None:
    async def report(items: list[Item]) -> Results:
        return [ItemFailure("ValueError") if item.text == "bad" else prediction(item.text) for item in items]

    scripted.answer = report
    client = await connect(calls_in_flight=1)
    good, bad = await asyncio.gather(
        client.predict("good", explain=False), client.predict("bad", explain=False), return_exceptions=True
    )
    assert isinstance(good, Prediction)
    assert isinstance(bad, ModelFailed)
    assert len(scripted.calls) == 1


async def test_the_breaker_opens_after_failures_in_a_row_and_closes(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    async def fail(_: list[Item]) -> Results:
        raise ValueError

    scripted.answer = fail
    client = await connect(breaker_failures=3, breaker_open_s=0.2)
    for _ in range(3):
        with pytest.raises(ProtocolError):
            await client.predict("text", explain=False)
    calls = len(scripted.calls)
    with pytest.raises(ModelUnavailable, match="in a row"):
        await client.predict("text", explain=False)
    assert len(scripted.calls) == calls
    scripted.answer = None
    async with asyncio.timeout(30):
        while True:
            try:
                await client.predict("text", explain=False)
                break
            except ModelUnavailable:
                await asyncio.sleep(0.05)


async def test_a_client_without_backend_refuses_at_once(scripted: ScriptedBackend, connect: Connect) -> None:
    client = await connect()
    scripted.ready = False
    await until(lambda: not client.ready)
    with pytest.raises(ModelUnavailable):
        await client.predict("text", explain=False)
    assert client.model_version == ""
    scripted.ready = True
    await until(lambda: client.ready)
    assert client.model_version == "models/fake/versions/1"


async def test_changes_of_readiness_are_told(scripted: ScriptedBackend, connect: Connect) -> None:
    client = await connect()
    seen: list[bool] = []
    client.on_change(lambda: seen.append(client.ready))
    scripted.ready = False
    await until(lambda: seen == [False])
    scripted.ready = True
    await until(lambda: seen == [False, True])


async def test_a_refused_connection_ends_readiness_at_once(scripted: ScriptedBackend, connect: Connect) -> None:
    client = await connect(health_poll_s=1000, comeback_s=0.05)
    await scripted.stop()
    with pytest.raises(ModelUnavailable, match="did not come back"):
        await client.predict("text", explain=False)
    assert not client.ready


async def test_texts_in_flight_when_the_backend_dies_are_answered_by_the_next(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    scripted.answer = Gate()
    client = await connect(comeback_s=60)
    texts = [asyncio.create_task(client.predict(text, explain=False)) for text in ("one", "two")]
    await until(lambda: len(scripted.calls) == 2)
    await scripted.stop()
    await until(lambda: not client.ready)
    scripted.answer = None
    await scripted.start()
    assert [answer.batch_size for answer in await asyncio.gather(*texts)] == [1, 1]


async def test_a_backend_that_answers_nonsense_is_a_protocol_error(scripted: ScriptedBackend, connect: Connect) -> None:
    async def forget(items: list[Item]) -> Results:
        return [prediction(item.text) for item in items[1:]]

    scripted.answer = forget
    client = await connect()
    with pytest.raises(ProtocolError):
        await client.predict("text", explain=False)


async def test_texts_are_cut_to_what_the_model_sees(scripted: ScriptedBackend, connect: Connect) -> None:
    client = await connect(max_text_chars=10)
    await client.predict("a" * 100, explain=False)
    assert scripted.calls == [["a" * 10]]


async def test_closing_fails_what_waits(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = Gate()
    client = await connect(calls_in_flight=1)
    held = asyncio.create_task(client.predict("held", explain=False))
    await until(lambda: len(scripted.calls) == 1)
    waits = asyncio.create_task(client.predict("waits", explain=False))
    await asyncio.sleep(0)
    await client.close()
    answers = await asyncio.gather(held, waits, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ModelUnavailable, ModelUnavailable]


async def test_what_a_call_logs_carries_no_request_s_id(scripted: ScriptedBackend, connect: Connect) -> None:
    async def choke(_: list[Item]) -> Results:
        raise ValueError

    scripted.answer = choke
    client = await connect()
    with (
        capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs,
        structlog.contextvars.bound_contextvars(request_id="first"),
    ):
        get_logger("here").info("asked")
        with pytest.raises(ProtocolError):
            await client.predict("text", explain=False)
    assert [(log["event"], log.get("request_id")) for log in logs] == [("asked", "first"), ("model_call_failed", None)]


async def test_a_call_cancelled_while_it_asks_for_health_fails_its_texts(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    async def die(_: list[Item]) -> Results:
        raise ConnectionResetError

    scripted.answer = die
    client = await connect(calls_in_flight=1, health_poll_s=1000)
    async with client._health._asking:
        texts = [asyncio.create_task(client.predict(text, explain=False)) for text in ("one", "two")]
        # It then waits for its turn to ask.
        await until(lambda: bool(client._health._asking._waiters))
        for call in client._line(FAKE)._calls:
            call.cancel()
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*texts, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the service is shutting down"] * 2


async def test_a_backend_whose_state_cannot_be_asked_for_is_away_until_it_can(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    client = await connect()
    with capture_logs() as logs:
        await client._connection._asking.close()
        await until(lambda: not client.ready, within_s=10)
        client._connection._asking = Lane()
        await until(lambda: client.ready, within_s=10)
    unknown = [log for log in logs if log["event"] == "model_backend_health_unknown"]
    assert [type(log["exc_info"]) for log in unknown] == [RuntimeError]


async def test_a_listener_that_fails_keeps_readiness_from_nobody(scripted: ScriptedBackend, connect: Connect) -> None:
    client = await connect()
    seen: list[bool] = []

    def fail() -> None:
        raise OSError("no")

    client.on_change(fail)
    client.on_change(lambda: seen.append(client.ready))
    scripted.ready = False
    await until(lambda: seen == [False], within_s=10)
    scripted.ready = True
    await until(lambda: seen == [False, True], within_s=10)


async def test_only_one_call_tries_a_backend_that_failed(scripted: ScriptedBackend, connect: Connect) -> None:
    async def fail(_: list[Item]) -> Results:
        raise ValueError

    scripted.answer = fail
    client = await connect(breaker_failures=1, breaker_open_s=0.05, calls_in_flight=2, max_batch=1)
    with pytest.raises(ProtocolError):
        await client.predict("text", explain=False)
    await until(lambda: not client._breaker.is_open)
    scripted.answer = gate = Gate()
    scripted.calls.clear()
    texts = [asyncio.create_task(client.predict(text, explain=False)) for text in ("probe", "refused")]
    await until(lambda: texts[1].done() and bool(scripted.calls), within_s=10)
    with pytest.raises(ModelUnavailable, match="being tried"):
        await texts[1]
    with pytest.raises(ModelUnavailable, match="in a row"):
        await client.predict("later", explain=False)
    assert scripted.calls == [["probe"]]
    gate.open.set()
    await texts[0]


async def test_a_caller_with_hundreds_of_texts_does_not_make_another_s_wait_for_them(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=1, max_batch=10)
    greedy = [asyncio.create_task(client.predict(f"greedy {number}", explain=False)) for number in range(500)]
    await until(lambda: len(scripted.calls) == 1)
    modest = asyncio.create_task(client.predict("modest", explain=False, call=Call(caller="another")))
    await asyncio.sleep(0)
    gate.open.set()
    await modest
    assert "modest" in scripted.calls[1]
    assert sum(text.done() for text in greedy) < 30
    await asyncio.gather(*greedy)


async def test_a_text_that_would_wait_past_its_deadline_is_refused_at_once(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    client = await connect(calls_in_flight=1, max_batch=1)
    scripted.answer = slow
    await client.predict("measured", explain=False)
    scripted.answer = gate = Gate()
    texts = [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(10)]
    await until(lambda: len(scripted.calls) == 2)
    # Ten times SLOW_S lie before it.
    with pytest.raises(Overloaded, match="outlast the deadline") as refused:
        await client.predict("too late", explain=False, call=Call.within(5 * SLOW_S))
    assert refused.value.metadata["resource"] == "model queue"
    assert refused.value.retry_after_s >= 0.1
    texts.append(asyncio.create_task(client.predict("in time", explain=False, call=Call.within(1000))))
    gate.open.set()
    await asyncio.gather(*texts)


async def test_who_finds_nobody_waiting_is_let_in_whatever_is_expected(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    client = await connect(calls_in_flight=1)
    scripted.answer = slow
    await client.predict("measured", explain=False)
    scripted.answer = None
    # Late at worst, never refused: else a slow moment would keep everybody out for good.
    with suppress(DeadlineExceeded):
        await client.predict("in a hurry", explain=False, call=Call.within(SLOW_S))


async def test_a_call_leaves_the_others_their_share(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=2, max_batch=32)
    texts = [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(20)]
    await until(lambda: len(scripted.calls) == 2)
    assert [len(call) for call in scripted.calls] == [10, 10]
    gate.open.set()
    await asyncio.gather(*texts)


async def test_quick_texts_wait_for_the_call_under_way_and_share_the_next(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    client = await connect(max_batch=32)
    client._line(FAKE)._coalescing.learn(0.001, 1)
    scripted.answer = gate = Gate()
    texts = [asyncio.create_task(client.predict("0", explain=False))]
    await until(lambda: len(scripted.calls) == 1)
    texts += [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(1, 8)]
    await until(lambda: client.waiting == 7)
    assert len(scripted.calls) == client.calls_in_flight == 1
    texts.append(asyncio.create_task(client.predict("8", explain=False)))
    await until(lambda: len(scripted.calls) == 2)
    texts.append(asyncio.create_task(client.predict("9", explain=False)))
    await until(lambda: client.waiting == 1)
    gate.open.set()
    answers = await asyncio.gather(*texts)
    assert [len(call) for call in scripted.calls] == [1, 8, 1]
    assert [answer.batch_size for answer in answers] == [1, *[8] * 8, 1]


async def test_the_sizes_of_calls_are_counted(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.answer = gate = Gate()
    client = await connect(calls_in_flight=1, max_batch=2)
    first = asyncio.create_task(client.predict("first", explain=False))
    await until(lambda: len(scripted.calls) == 1)
    rest = [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(4)]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(first, *rest)
    assert client.batch_sizes == {1: 1, 2: 2}
    assert (client.waiting, client.calls_in_flight, client.breaker_open) == (0, 0, False)


DEEP = HostedModel("models/deep/versions/2", LABELS, "fake")


async def test_a_text_goes_to_the_model_asked_for_by_any_of_its_names(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    scripted.models = (FAKE, DEEP)
    client = await connect(model_aliases={"stable": "models/deep/versions/2", "old": "models/deep/versions/1"})
    for name in ("", "auto", "fake", "models/fake", FAKE.model_version):
        assert client.find(name) == FAKE
    for name in ("deep", "models/deep", DEEP.model_version, "stable"):
        assert client.find(name) == DEEP
        await client.predict("text", explain=False, model=name)
    assert scripted.asked == ["models/deep", "models/deep", DEEP.model_version, DEEP.model_version]
    for name in ("absent", "models/absent", "models/deep/versions/1", "old", "models/auto"):
        with pytest.raises(NotFound, match="served: models/fake/versions/1, models/deep/versions/2"):
            await client.predict("text", explain=False, model=name)


async def test_texts_for_a_quick_model_wait_for_no_other(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.models = (FAKE, DEEP)
    gate = asyncio.Event()

    async def slow_if_deep(items: list[Item]) -> Results:
        if any(item.model for item in items):
            await gate.wait()
        return [prediction(item.text) for item in items]

    scripted.answer = slow_if_deep
    client = await connect(max_batch=4)
    deep = [asyncio.create_task(client.predict("deep", explain=False, model="deep")) for _ in range(20)]
    await until(lambda: len(scripted.calls) == 2)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(client.predict("quick", explain=False) for _ in range(20)))
    assert len(answers) == 20
    assert client.waiting + sum(map(len, scripted.calls)) == 40
    assert not any(task.done() for task in deep)
    gate.set()
    await asyncio.gather(*deep)
    assert sum(texts * calls for texts, calls in client.batch_sizes.items()) == 40


async def test_places_are_shared_whatever_model_a_text_is_for(scripted: ScriptedBackend, connect: Connect) -> None:
    scripted.models = (FAKE, DEEP)
    scripted.answer = gate = Gate()
    client = await connect(max_waiting=4)
    texts = [asyncio.create_task(client.predict("held", explain=False, model=name)) for name in ("fake", "deep")]
    await until(lambda: len(scripted.calls) == 2)
    for name in ("fake", "deep"):
        with pytest.raises(Overloaded):
            await client.predict("too many", explain=False, model=name)
    gate.open.set()
    await asyncio.gather(*texts)


async def test_a_backend_that_no_longer_hosts_what_its_facts_named_is_no_fault_of_the_caller_s(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    async def forget(items: list[Item]) -> Results:
        return [ItemFailure(NO_SUCH_MODEL) for _ in items]

    scripted.models = (FAKE, DEEP)
    scripted.answer = forget
    client = await connect()
    with pytest.raises(ModelUnavailable, match="does not host"):
        await client.predict("text", explain=False, model="deep")


async def test_behind_one_address_there_may_be_an_older_backend_than_the_one_that_told_its_facts(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    scripted.models = (FAKE, DEEP)
    scripted.takes = (wire.OLDER_FORMAT,)
    client = await connect(calls_in_flight=1)
    assert (await client.predict("text", explain=False)).model_version == FAKE.model_version
    assert (await client.predict("text", explain=False, model="fake")).model_version == FAKE.model_version
    # It does not know what was asked, and answered with the model it has.
    with pytest.raises(ModelUnavailable, match="does not host"):
        await client.predict("text", explain=False, model="deep")
    assert scripted.calls == [["text"]] * 3


@pytest.mark.parametrize("workers", [1, 3])
async def test_two_calls_a_worker_are_in_flight(scripted: ScriptedBackend, connect: Connect, workers: int) -> None:
    scripted.workers = workers
    scripted.answer = gate = Gate()
    client = await connect(max_batch=1)
    texts = [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(10)]
    await until(lambda: len(scripted.calls) == 2 * workers)
    assert client.calls_in_flight == 2 * workers
    gate.open.set()
    await asyncio.gather(*texts)


@pytest.mark.parametrize("others", [TRACE, OTHER_TRACE, ""])
async def test_each_text_carries_its_trace_and_a_call_the_one_they_share(
    scripted: ScriptedBackend, connect: Connect, others: str
) -> None:
    client = await connect(calls_in_flight=1)
    calls = [Call(traceparent=TRACE), Call(traceparent=others)]
    await asyncio.gather(*(client.predict("text", explain=False, call=call) for call in calls))
    assert scripted.traces == [(TRACE if others == TRACE else "", [TRACE, others])]


async def test_connections_that_lead_to_the_same_worker_are_drawn_again(
    scripted: ScriptedBackend, connect: Connect
) -> None:
    ports: list[int] = []

    def worker_of(port: int) -> str:
        # The kernel sends the first three connections the same way.
        if port not in ports:
            ports.append(port)
        return "busy" if ports.index(port) < 3 else "idle"

    scripted.workers = 2
    scripted.worker_of = worker_of
    client = await connect(calls_in_flight=2, max_batch=1)
    lanes = client._connection._lanes

    async def pair() -> set[str]:
        scripted.answer = gate = Gate()
        seen = len(scripted.calls)
        texts = [asyncio.create_task(client.predict(str(number), explain=False)) for number in range(2)]
        await until(lambda: len(scripted.calls) == seen + 2)
        asked = {lane.worker for lane in lanes._busy}
        gate.open.set()
        await asyncio.gather(*texts)
        return asked

    async with asyncio.timeout(30):
        while await pair() != {"busy", "idle"}:
            pass
    # And so it stays.
    assert [await pair() for _ in range(5)] == [{"busy", "idle"}] * 5
