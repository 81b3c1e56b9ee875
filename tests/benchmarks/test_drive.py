import asyncio
import time

import grpc
import pytest

from benchmarks.load import Bulk, Closed, Fleet, Open, Plan, Step, Unary, Upload
from benchmarks.load.drive import Share, connect, drive

ALL = Share()


async def driven(plan, share=ALL, opens=None):
    channels = await connect(plan)
    try:
        return await drive(plan, share, time.monotonic() if opens is None else opens, channels)
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


async def test_an_open_loop_sends_all_its_calls_while_none_is_answered(serve, observed, text_payload):
    waiting = asyncio.Event()
    service = observed()

    async def behave(text, context):
        if len(service.texts) == 40:
            waiting.set()
        await waiting.wait()

    service.behave = behave
    async with serve(service):
        load = Open((Step(1000.0, 0.04),), "constant")
        [tally] = await driven(Plan(service.address, Unary(text_payload), load, warm_s=0.0))
    assert tally.codes == {"OK": 40}
    assert service.most_in_work == 40


async def test_latency_counts_from_when_a_call_was_meant_to_be_sent(serve, observed, text_payload):
    """A schedule that lies five seconds back: the calls are late before they are sent, and the figures must say so."""
    async with serve(observed()) as service:
        load = Open((Step(1000.0, 0.02),), "constant")
        plan = Plan(service.address, Unary(text_payload), load, warm_s=0.0)
        [tally] = await driven(plan, opens=time.monotonic() - 5)
    assert len(tally.latencies_s["OK"]) == 20
    assert min(tally.latencies_s["OK"]) >= 4.9
    assert min(tally.lags_s) >= 4.9


async def test_a_call_whose_deadline_has_passed_before_it_could_be_sent_is_not_answered(serve, observed, text_payload):
    async with serve(observed()) as service:
        load = Open((Step(1000.0, 0.005),), "constant")
        plan = Plan(service.address, Unary(text_payload), load, deadline_s=1.0, warm_s=0.0)
        service.behave = lambda text, context: asyncio.sleep(0.1)
        [tally] = await driven(plan, opens=time.monotonic() - 5)
    assert tally.codes == {"DEADLINE_EXCEEDED": 5}


async def test_each_step_has_its_own_tally_and_the_warm_up_none(serve, observed, text_payload):
    async with serve(observed()) as service:
        load = Open((Step(500.0, 0.02), Step(1000.0, 0.02)), "constant")
        plan = Plan(service.address, Unary(text_payload), load, warm_s=0.02)
        tallies = await driven(plan, opens=time.monotonic() + 0.02)
    assert [tally.codes for tally in tallies] == [{"OK": 10}, {"OK": 20}]
    assert len(service.texts) == 40


async def test_processes_share_the_calls_without_overlap(serve, observed, text_payload):
    async with serve(observed()) as service:
        load = Open((Step(1000.0, 0.05),), "poisson", seed=5)
        plan = Plan(service.address, Unary(text_payload), load, warm_s=0.0)
        shares = await asyncio.gather(driven(plan, Share(0, 2)), driven(plan, Share(1, 2)))
        sent = sorted(service.texts)
        service.texts.clear()
        [whole] = await driven(plan)
    assert sum(len(tally.lags_s) for [tally] in shares) == len(whole.lags_s)
    assert sent == sorted(service.texts)
    assert len(set(sent)) == len(sent)


async def test_closed_loop_callers_wait_for_their_answers(serve, observed, text_payload):
    async with serve(observed()) as service:
        service.behave = lambda text, context: asyncio.sleep(0.001)
        [tally] = await driven(Plan(service.address, Unary(text_payload), Closed(5, 0.2), warm_s=0.0))
    assert service.most_in_work == 5
    # What ended after the window closed was sent, but is not counted.
    assert len(service.texts) - 5 <= tally.codes["OK"] <= len(service.texts)


async def test_refusals_are_told_by_code(serve, observed, text_payload):
    async def refuse(text, context):
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")

    async with serve(observed(behave=refuse)) as service:
        load = Open((Step(1000.0, 0.01),), "constant")
        [tally] = await driven(Plan(service.address, Unary(text_payload), load, warm_s=0.0))
    assert tally.codes == {"RESOURCE_EXHAUSTED": 10}


async def test_an_upload_sends_the_whole_file_in_chunks(serve, observed, tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(b"x" * 2500)
    async with serve(observed()) as service:
        plan = Plan(service.address, Upload(file, 1000), Closed(1, 0.05), warm_s=0.0)
        [tally] = await driven(plan)
    assert tally.codes.keys() == {"OK"}
    # The header comes first and has no bytes.
    assert service.texts[:4] == ["0", "1000", "1000", "500"]


async def test_a_bulk_stream_keeps_to_the_granted_window_and_counts_documents(serve, observed, bulk_payload):
    async with serve(observed(window=4)) as service:
        plan = Plan(service.address, Bulk(bulk_payload, window=32), Closed(1, 0.3), warm_s=0.0)
        [tally] = await driven(plan)
    assert service.most_in_work == 4
    assert tally.codes.keys() == {"OK"}
    assert len(service.texts) - 5 <= tally.codes["OK"] <= len(service.texts)


async def test_a_bulk_stream_that_is_refused_is_one_failure(serve, observed, bulk_payload):
    async with serve(observed(bulk_code=grpc.StatusCode.RESOURCE_EXHAUSTED)) as service:
        [tally] = await driven(Plan(service.address, Bulk(bulk_payload), Closed(1, 60.0), warm_s=0.0))
    assert tally.codes == {"RESOURCE_EXHAUSTED": 1}


async def test_a_bulk_stream_has_no_open_loop(serve, observed, bulk_payload):
    async with serve(observed()) as service:
        with pytest.raises(TypeError, match="closed loop only"):
            await driven(Plan(service.address, Bulk(bulk_payload), Open((Step(1.0, 1.0),)), warm_s=0.0))


async def test_a_fleet_adds_up_what_its_processes_saw(serve, observed, text_payload):
    async with serve(observed()) as service:
        load = Open((Step(200.0, 0.2),), "constant")
        with Fleet(2) as fleet:
            measured = await asyncio.to_thread(fleet.run, Plan(service.address, Unary(text_payload), load, warm_s=0.1))
            refused = Plan(service.address, Unary(text_payload.with_name("missing")), load)
            with pytest.raises(RuntimeError, match="FileNotFoundError"):
                await asyncio.to_thread(fleet.run, refused)
    assert measured.tally.codes == {"OK": 40}
    assert len(set(service.texts)) == 60
