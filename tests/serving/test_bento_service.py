"""The service inside one process: batching without lingering, one bad text, limits, no content in logs."""

import asyncio
import io
import json
import logging
import os
import threading
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from backends import LABELS, prediction
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.ports import Classifier
from heron_grpc.serving import wire
from heron_grpc.serving.model_facts import HostedModel
from heron_grpc.serving.model_slot import ModelSlot
from heron_grpc.serving.wire import Item, ItemFailure
from heron_grpc.settings import ServingSettings
from heron_grpc.telemetry.logging import get_logger
from random_models import cascade

with warnings.catch_warnings():
    # BentoML calls pathspec and pydantic by names they are about to drop.
    warnings.simplefilter("ignore")
    import bentoml
    from _bentoml_impl.server.app import CorkDispatcher, ServiceAppFactory

    from heron_grpc.bento_service import ModelBackend
    from heron_grpc.serving.eager_batching import EagerOptimizer, Optimizer, hold_wait_at_zero
    from heron_grpc.serving.hosted_models import Hosted, HostedModels, load_models, predict_each

# In its calls as well.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Choosy:
    """A classifier that chokes on some texts and remembers what it was called with."""

    model_version: str = "models/choosy/versions/1"
    labels: tuple[str, ...] = LABELS
    batches: list[list[str]] = field(default_factory=list)

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        self.batches.append([*texts])
        if any("poison" in text for text in texts):
            raise ValueError(f"cannot read {texts}")
        return [replace(prediction(text), model_version=self.model_version) for text in texts]


def hosting(*classifiers: Choosy) -> HostedModels:
    return HostedModels(
        Hosted(HostedModel(one.model_version, one.labels, "choosy"), one, ModelSlot()) for one in classifiers
    )


def batches_of(instance: ModelBackend) -> list[list[str]]:
    [hosted] = instance._hosted._hosted.values()
    return hosted.classifier.batches


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """The service configures the logging of its process, which is not its own here."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
async def service(logging_restored: None) -> AsyncIterator[tuple[httpx.AsyncClient, ModelBackend]]:
    """The worker's own application, its lifespan running, over a choosy classifier."""
    application = ModelBackend.to_asgi()
    async with application.bentoml_app.router.lifespan_context(application.bentoml_app):
        instance = bentoml.get_current_service()
        choosy = Choosy()
        instance._hosted = hosting(choosy)
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
            yield client, instance


async def _classify(client: httpx.AsyncClient, *texts: str) -> list[dict[str, object]]:
    response = await client.post("/classify", json={"texts": texts})
    assert response.status_code == 200
    answers: list[dict[str, object]] = response.json()
    return answers


async def test_concurrent_json_callers_are_batched_and_leave_no_wait_behind(service) -> None:
    client, instance = service
    answers = await asyncio.gather(*(_classify(client, f"text {number}") for number in range(64)))
    assert [answer["label"] for (answer,) in answers] == [LABELS[1]] * 64
    batches = batches_of(instance)
    assert sum(map(len, batches)) == 64
    assert 1 < max(map(len, batches)) <= 32
    optimizers = [dispatcher.optimizer for dispatcher in _dispatchers(client)]
    assert [type(optimizer) for optimizer in optimizers] == [EagerOptimizer]
    assert [(optimizer.wait, optimizer.o_a, optimizer.o_b) for optimizer in optimizers] == [(0, 0, 0)]


def test_each_worker_takes_as_many_calls_however_many_there_are(monkeypatch, service) -> None:
    for workers in (3, 1):
        monkeypatch.setenv("HERON_SERVING_BACKEND_WORKERS", str(workers))
        ModelBackend.inject_config()
        factory = ServiceAppFactory(ModelBackend)
        assert factory.max_concurrency == ModelBackend.calls_a_worker == 1024


async def test_json_and_list_route_never_enter_the_model_together(service) -> None:
    client, instance = service
    inside = 0

    class Exclusive(Choosy):
        def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
            nonlocal inside
            inside += 1
            assert inside == 1
            found = super().predict(texts, explain)
            inside -= 1
            return found

    instance._hosted = hosting(Exclusive())
    content = wire.encode_request([Item("list", explain=False)])
    lists = [client.post("/v1/predict", content=content) for _ in range(20)]
    responses = await asyncio.gather(*lists, *(_classify(client, "json") for _ in range(20)))
    for response in responses[:20]:
        assert wire.decode_response(response.content, 1) == [
            Prediction(prediction("list").probabilities, 0.5, "models/choosy/versions/1")
        ]


async def test_one_bad_text_spoils_no_other(service) -> None:
    client, _ = service
    good, bad = await _classify(client, "good", "poison")
    assert (good["label"], good["error"]) == (LABELS[1], None)
    assert (bad["label"], bad["error"], bad["scores"]) == (None, "ValueError", [])
    items = [Item("good", explain=False), Item("poison", explain=False)]
    response = await client.post("/v1/predict", content=wire.encode_request(items))
    first, second = wire.decode_response(response.content, 2)
    assert isinstance(first, Prediction)
    assert second == ItemFailure("ValueError")


async def test_each_text_goes_to_the_model_it_names_and_those_of_a_model_together(service) -> None:
    client, instance = service
    first, second = Choosy("models/first/versions/1"), Choosy("models/second/versions/3")
    instance._hosted = hosting(first, second)
    names = ["", "models/second", "models/absent", "models/second/versions/3", "models/second/versions/2", ""]
    items = [Item(f"text {place}", explain=False, model=name) for place, name in enumerate(names)]
    response = await client.post("/v1/predict", content=wire.encode_request(items))
    results = wire.decode_response(response.content, len(items))
    assert [result.model_version if isinstance(result, Prediction) else result.kind for result in results] == [
        first.model_version,
        second.model_version,
        wire.NO_SUCH_MODEL,
        second.model_version,
        wire.NO_SUCH_MODEL,
        first.model_version,
    ]
    assert (first.batches, second.batches) == ([["text 0", "text 5"]], [["text 1", "text 3"]])


async def test_a_json_text_may_name_its_model(service) -> None:
    client, instance = service
    first, second = Choosy("models/first/versions/1"), Choosy("models/second/versions/3")
    instance._hosted = hosting(first, second)
    instance._settings = instance._settings.model_copy(update={"model_aliases": {"stable": "models/second"}})
    named = [{"text": "text", "model": model} for model in ("auto", "second", "stable", "models/first", "absent")]
    response = await client.post("/classify", json={"texts": ["text", {"text": "text"}, *named]})
    answers = [(answer["model_version"], answer["label"], answer["error"]) for answer in response.json()]
    by_first, by_second = ((one.model_version, LABELS[1], None) for one in (first, second))
    by_none = ("", None, wire.NO_SUCH_MODEL)
    assert answers == [by_first, by_first, by_first, by_second, by_second, by_first, by_none]


async def test_a_slow_model_keeps_nobody_from_a_quick_one(service) -> None:
    client, instance = service
    go_on = threading.Event()

    class Slow(Choosy):
        def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
            go_on.wait(60)
            return super().predict(texts, explain)

    instance._hosted = hosting(Slow("models/slow/versions/1"), Choosy())
    slow, quick = (
        asyncio.create_task(client.post("/v1/predict", content=wire.encode_request([Item("a", False, model=model)])))
        for model in ("models/slow", "models/choosy")
    )
    try:
        assert (await quick).status_code == 200
        assert not slow.done()
    finally:
        go_on.set()
    assert (await slow).status_code == 200


async def test_members_are_never_entered_twice_at_once_and_each_can_be_asked_alone(tmp_path: Path) -> None:
    cascade(tmp_path / "auto", exit_probability=1.1)
    hosted = load_models(ServingSettings(models_dir=tmp_path, model="auto"), wire.FORMATS)
    assert [model.kind for model in hosted.facts.models] == ["cascade", "naive_bayes", "onnx_transformer"]
    versions = [model.model_version for model in hosted.facts.models]
    assert hosted.facts.default.members == (*versions[1:],)
    inside = dict.fromkeys(versions, 0)
    for one in hosted._hosted.values():
        watch(one.classifier, one.facts.model_version, inside)
    names = [model.name for model in hosted.facts.models]
    calls = (hosted.predict([Item("text", False, model=name)] * 3) for name in names * 10)
    for results in await asyncio.gather(*calls):
        assert all(isinstance(result, Prediction) for result in results)


def watch(classifier: Classifier, version: str, inside: dict[str, int]) -> None:
    """Makes it fail on a call while another is at work."""
    predict = classifier.predict

    def watched(texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        inside[version] += 1
        assert inside[version] == 1
        found = predict(texts, explain)
        inside[version] -= 1
        return found

    classifier.predict = watched


def test_a_batch_is_taken_apart_only_when_it_fails() -> None:
    classifier = Choosy()
    predict_each(classifier, [Item("a", explain=False), Item("b", explain=False)])
    assert classifier.batches == [["a", "b"]]


async def test_without_a_model_every_route_says_so(service) -> None:
    client, instance = service
    assert (await client.get("/readyz")).status_code == 200
    instance._hosted = None
    content = wire.encode_request([Item("text", explain=False)])
    responses = [
        await client.get("/readyz"),
        await client.get("/v1/model"),
        await client.post("/v1/predict", content=content),
        await client.post("/classify", json={"texts": ["text"]}),
    ]
    assert [response.status_code for response in responses] == [503, 503, 503, 500]


async def test_malformed_and_oversized_requests_are_refused(service) -> None:
    client, _ = service
    assert (await client.post("/v1/predict", content=b"nonsense")).status_code == 400
    assert (await client.post("/v1/predict", content=bytes(wire.MAX_REQUEST_BYTES + 1))).status_code == 413
    assert (await client.get("/v1/predict")).status_code == 405


async def test_what_bentoml_serves_is_still_there_and_answers_say_which_worker_they_come_from(service) -> None:
    client, _ = service
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/nowhere")).status_code == 404
    assert (await client.get("/v1/model")).headers[wire.WORKER_HEADER] == str(os.getpid())


async def test_what_is_logged_of_an_item_carries_its_trace(service) -> None:
    client, _ = service
    items = [Item("good", False, OTHER_TRACE), Item("poison", False, TRACE), Item("more poison", False)]
    with capture_logs() as logs:
        await client.post("/v1/predict", content=wire.encode_request(items))
    failed = [log.get("trace_id") for log in logs if log["event"] == "item_failed"]
    assert failed == [TRACE.split("-")[1], None]


async def test_what_is_logged_during_a_call_carries_the_trace_of_its_header(service) -> None:
    client, instance = service

    class Talkative(Choosy):
        def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
            get_logger("model").info("asked")
            return super().predict(texts, explain)

    instance._hosted = hosting(Talkative())
    content = wire.encode_request([Item("good", explain=False)])
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        for headers in ({"traceparent": TRACE}, {"traceparent": "nonsense"}, {}):
            # A task a call, as the server has it.
            await asyncio.create_task(client.post("/v1/predict", content=content, headers=headers))
    assert [log.get("trace_id") for log in logs if log["event"] == "asked"] == [TRACE.split("-")[1], None, None]


async def test_texts_are_cut_to_what_the_model_sees(service) -> None:
    client, instance = service
    await _classify(client, "a" * 30_000)
    assert [len(text) for batch in batches_of(instance) for text in batch] == [20_000]


async def test_a_burst_teaches_the_dispatcher_no_wait() -> None:
    async def work(texts: Sequence[int]) -> list[int]:
        await asyncio.sleep(0.001)
        return [*texts]

    dispatcher = CorkDispatcher(60_000, 32, fallback=lambda: None, get_batch_size=lambda _: 1)
    hold_wait_at_zero({"classify": dispatcher})
    call = dispatcher(work)
    assert await asyncio.gather(*(call(number) for number in range(300))) == [*range(300)]
    assert dispatcher.optimizer.wait == 0
    dispatcher.shutdown()


@pytest.mark.parametrize(("optimizer", "lingers"), [(Optimizer(60), True), (EagerOptimizer(60), False)])
def test_only_the_stock_optimizer_learns_to_linger(optimizer: Optimizer, lingers: bool) -> None:
    for _ in range(50):
        optimizer.log_outbound(n=32, wait=0.2, duration=0.05)
    optimizer.trigger_refresh()
    assert (optimizer.wait > 0) == lingers


async def test_what_bentoml_logs_of_a_failed_call_quotes_no_values(service) -> None:
    client, instance = service
    root = logging.getLogger()
    (handler,) = (one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter))
    log = io.StringIO()
    handler.setStream(log)
    instance._hosted = None
    assert (await client.post("/classify", json={"texts": ["Geheimnis"]})).status_code == 500
    logging.getLogger("bentoml").error("Exception on %s", "Geheimnis")
    failed, said = (json.loads(line) for line in log.getvalue().splitlines())
    assert failed["library"].startswith("bentoml")
    assert failed["exception"].startswith("ModelUnavailable at bento_service.py:")
    assert said["template"] == "Exception on %s"
    assert "Geheimnis" not in log.getvalue()
    assert "no model" not in log.getvalue()


def _dispatchers(client: httpx.AsyncClient) -> list[CorkDispatcher]:
    application = client._transport.app  # type: ignore[attr-defined]
    endpoint = next(route.endpoint for route in application.bentoml_app.routes if route.path == "/classify")
    return [*endpoint.func.__self__.dispatchers.values()]
