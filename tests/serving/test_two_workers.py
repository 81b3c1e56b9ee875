"""Two workers behind one port, by a real `bentoml serve`: both work, and an answer is the same from either."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from backends import PROJECT, until
from heron_grpc.classify import load_classifier
from heron_grpc.domain.classification import Prediction
from heron_grpc.serving.backend_process import BackendProcess
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import ServingSettings
from random_models import tiny_transformer

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("two_workers")]

TOLERANCE = 1e-4
_draw = random.Random(11)
WORDS = ("invoice", "total", "payment due", "agreement", "party", "notice", "lease", "patient", "12/2025", "ÄÖÜ 你好")
TEXTS = [" ".join(_draw.choices(WORDS, k=_draw.choice((0, 1, 5, 40, 400)))) for _ in range(150)]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["naive_bayes", "onnx_transformer"])
async def served(request, tmp_path_factory) -> AsyncIterator[tuple[ModelClient, BackendProcess, Path]]:
    directory = PROJECT / "models" / "nb"
    if request.param == "onnx_transformer":
        directory = tiny_transformer(tmp_path_factory.mktemp("models") / "tiny")
    async with AsyncExitStack() as stack:
        # Small calls: many ways to be put together.
        settings = ServingSettings(
            models_dir=directory.parent,
            model=directory.name,
            backend_workers=2,
            backend_threads=2,
            backend_stuck_s=90,
            max_batch=7,
        )
        backend = BackendProcess(settings)
        stack.push_async_callback(backend.close)
        await backend.start()
        client = ModelClient(settings, lambda: backend.url)
        stack.push_async_callback(client.close)
        await client.start()
        await until(lambda: client.ready)
        yield client, backend, directory


async def predicted(client: ModelClient, texts: list[str]) -> list[Prediction]:
    return await asyncio.gather(*(client.predict(text, explain=True) for text in texts))


async def test_both_workers_get_work(served) -> None:
    client, backend, _ = served
    children = {str(child.pid) for child in psutil.Process(backend.pid).children()}
    assert len(children) == 2
    seen: set[str] = set()
    async with asyncio.timeout(60):
        while seen != children:
            await predicted(client, TEXTS)
            seen |= {lane.worker for lane in client._connection._lanes._idle}
    assert client._health.facts.workers == 2


async def test_an_answer_is_the_same_from_any_worker_in_any_batch_and_order(served) -> None:
    client, _, directory = served
    classifier = load_classifier(directory)
    alone = [classifier.predict([text], [True])[0] for text in TEXTS]
    shuffler = random.Random(7)
    sizes: set[int] = set()
    for _ in range(6):
        places = shuffler.sample(range(len(TEXTS)), len(TEXTS))
        answers = await predicted(client, [TEXTS[place] for place in places])
        sizes |= {answer.batch_size for answer in answers}
        for place, answer in zip(places, answers, strict=True):
            expected = alone[place]
            if directory.name == "nb":
                assert answer.probabilities == expected.probabilities
                assert (answer.novelty, answer.words) == (expected.novelty, expected.words)
            else:
                assert answer.probabilities == pytest.approx(expected.probabilities, abs=TOLERANCE)
    assert 7 in sizes
    assert len(sizes) > 1
