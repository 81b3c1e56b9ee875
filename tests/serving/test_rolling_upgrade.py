"""Front and backend of two releases, by real processes: an upgrade rolls through in either order, and back."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import grpc
import pytest

import format_2
from backends import until
from heron import HeronClient, HeronServiceError
from heron.client import Options
from heron_grpc.classify import load_classifier
from heron_grpc.domain.errors import NotFound
from heron_grpc.serving.backend_process import BackendProcess, _free_port
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import ServingSettings
from random_models import cascade
from running import launch, stop

pytestmark = pytest.mark.xdist_group("model_backend")

OLDER_PEER = Path(format_2.__file__)
TEXT = "words that no rule and no heading knows, at some length"


class OlderBackend:
    """`format_2.py` in a process of its own."""

    def __init__(self, log: Path, port: int) -> None:
        self._log = log
        log.touch()
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen([sys.executable, str(OLDER_PEER), str(port), str(log)])

    @property
    def requests(self) -> list[str]:
        return self._log.read_text().split()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def older_backend(tmp_path: Path) -> Iterator[Callable[[int], OlderBackend]]:
    started = []

    def start(port: int) -> OlderBackend:
        started.append(OlderBackend(tmp_path / f"requests-{len(started)}", port))
        return started[-1]

    yield start
    for backend in started:
        backend.stop()


def cascade_settings(directory: Path, port: int = 0) -> ServingSettings:
    models = directory / "models"
    models.mkdir()
    cascade(models / "auto")
    return ServingSettings(models_dir=models, model="auto", backend_port=port, backend_stuck_s=90, health_poll_s=0.1)


def test_the_recorded_bytes_are_what_the_peers_of_that_release_take():
    assert format_2.items_of(format_2.REQUEST) == len(format_2.TEXTS)
    assert format_2.facts_of(format_2.FACTS) == (format_2.MODEL_VERSION, format_2.LABELS, "naive_bayes", 1)
    shares = dict(zip(format_2.LABELS, (0.75, 0.25), strict=True))
    one = (format_2.MODEL_VERSION, shares, 0.125, [[0, 7, 1.5]])
    assert format_2.results_of(format_2.response(2), 2) == [one, one]


async def test_an_older_front_is_answered_by_a_newer_backend_as_it_always_was(tmp_path):
    settings = cascade_settings(tmp_path)
    backend = BackendProcess(settings)
    client = ModelClient(settings, lambda: backend.url)
    await client.start()
    await backend.start()
    try:
        await until(lambda: client.ready)
        async with aiohttp.ClientSession(backend.url) as front:
            async with front.get("/v1/model") as answer:
                facts = format_2.facts_of(await answer.read())
            async with front.post("/v1/predict", data=format_2.REQUEST) as answer:
                assert answer.status == 200
                results = format_2.results_of(await answer.read(), len(format_2.TEXTS))
            async with front.post("/v1/predict", data=format_2.REQUEST.replace(b"format\x02", b"format\x01")) as answer:
                assert answer.status == 400
    finally:
        await client.close()
        await backend.close()
    loaded = load_classifier(settings.models_dir / "auto")
    assert facts == (loaded.model_version, loaded.labels, "cascade", 1)
    expected = loaded.predict(format_2.TEXTS, [True, False])
    assert any(len(prediction.members) == 1 for prediction in expected)
    for (version, probabilities, novelty, words), prediction in zip(results, expected, strict=True):
        assert version == loaded.model_version
        assert probabilities == pytest.approx(prediction.probabilities, abs=1e-4)
        assert novelty == pytest.approx(prediction.novelty, abs=1e-4)
        assert words == [[word.start, word.end, word.weight] for word in prediction.words]


async def test_a_newer_service_works_with_an_older_backend_and_offers_what_that_one_has(older_backend, tmp_path):
    older = older_backend(_free_port())
    service = await asyncio.to_thread(launch, tmp_path / "log", HERON_SERVING_BACKEND_URL=older.url)

    def ask(model: str) -> str:
        with HeronClient(service.address) as client:
            return client.classify_text(TEXT, options=Options(model=model, bypass_cache=True)).model_version

    try:
        for model in ("", "auto", "elder", "models/elder", format_2.MODEL_VERSION):
            assert await asyncio.to_thread(ask, model) == format_2.MODEL_VERSION
        with pytest.raises(HeronServiceError) as refused:
            await asyncio.to_thread(ask, "nb")
        assert refused.value.code == grpc.StatusCode.NOT_FOUND
        assert refused.value.metadata["served"] == format_2.MODEL_VERSION
    finally:
        await asyncio.to_thread(stop, service)
    assert older.requests == ["1"] * 5


async def test_a_backend_is_upgraded_and_rolled_back_under_a_front(older_backend, tmp_path):
    port = _free_port()
    settings = cascade_settings(tmp_path, port)
    client = ModelClient(settings, f"http://127.0.0.1:{port}")
    await client.start()
    newer = BackendProcess(settings)
    try:
        older = older_backend(port)
        await until(lambda: client.model_version == format_2.MODEL_VERSION)
        assert (await client.predict(TEXT, explain=True)).words
        with pytest.raises(NotFound):
            await client.predict(TEXT, explain=False, model="tiny")
        older.stop()
        await newer.start()
        await until(lambda: client.model_version == "models/auto/versions/1")
        assert (await client.predict(TEXT, explain=False)).members
        for model in ("nb", "tiny"):
            answer = await client.predict(TEXT, explain=False, model=model)
            assert answer.model_version.startswith(f"models/{model}/versions/")
        await newer.close()
        older = older_backend(port)
        await until(lambda: client.model_version == format_2.MODEL_VERSION)
        assert (await client.predict(TEXT, explain=False)).model_version == format_2.MODEL_VERSION
        assert older.requests == ["1"]
    finally:
        await client.close()
        await newer.close()
