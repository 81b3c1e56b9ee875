"""The backend without a front: plain `bentoml serve`, from the project, from anywhere, and as a built bento."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from backends import PROJECT
from heron_grpc.classify import load_classifier
from heron_grpc.domain.classification import Prediction
from heron_grpc.serving import wire
from random_models import cascade

pytestmark = pytest.mark.xdist_group("bentoml_serve")

# What would be needed for a network is turned off or leads nowhere.
OFFLINE = {
    "UV_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def bentoml_environment(tmp_path_factory: pytest.TempPathFactory, compiled_once: None) -> dict[str, str]:
    home = str(tmp_path_factory.mktemp("bentoml"))
    return {**os.environ, **OFFLINE, "BENTOML_HOME": home, "BENTOML_DO_NOT_TRACK": "True", "HERON_SERVING_MODEL": "nb"}


@contextmanager
def serving(target: str, directory: Path, environment: dict[str, str], log: Path) -> Iterator[str]:
    """`bentoml serve TARGET` in `directory`; gives its url."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=output, stderr=output)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(90):
        while True:
            try:
                async with session.get(f"{url}/readyz", timeout=aiohttp.ClientTimeout(1)) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.05)


async def classify(session: aiohttp.ClientSession, url: str, *texts: str | dict[str, str]) -> list[dict[str, Any]]:
    async with session.post(f"{url}/classify", json={"texts": texts}) as response:
        assert response.status == 200, await response.text()
        answers: list[dict[str, Any]] = await response.json()
        return answers


MODULE = "heron_grpc.bento_service:ModelBackend"


@pytest.mark.parametrize(("target", "model"), [(".", "nb"), (MODULE, "tiny"), (MODULE, "auto")])
async def test_bentoml_serve_alone_answers_with_each_model_it_hosts(
    target: str, model: str, bentoml_environment: dict[str, str], tmp_path: Path
) -> None:
    cascade(tmp_path / "models" / "auto")
    names = {"nb": ("nb",), "tiny": ("tiny",), "auto": ("auto", "nb", "tiny")}[model]
    models = [load_classifier(tmp_path / "models" / name) for name in names]
    # Its own models, whatever the directory: what a plain `bentoml serve` in the project hosts.
    chosen = {"HERON_SERVING_MODEL": model}
    if target != ".":
        chosen["HERON_SERVING_MODELS_DIR"] = str(tmp_path / "models")
    texts = [f"Invoice number {number}, amount due" for number in range(8)]
    directory = PROJECT if target == "." else tmp_path
    with serving(target, directory, {**bentoml_environment, **chosen}, tmp_path / "log") as url:
        async with aiohttp.ClientSession() as session:
            await ready(session, url)
            by_default = await asyncio.gather(*(classify(session, url, text) for text in texts))
            by_name = [await classify(session, url, {"text": texts[0], "model": name}) for name in names]
            [absent] = await classify(session, url, {"text": texts[0], "model": "absent"})
            assert await classify(session, url) == []
            async with session.post(f"{url}/classify", json={"texts": ["Geheimnis", 3]}) as refused:
                assert refused.status == 400
            async with session.get(f"{url}/v1/model") as response:
                facts = wire.decode_facts(await response.read())
    for (answer,), prediction in zip(by_default, models[0].predict(texts, [False] * 8), strict=True):
        check(answer, prediction)
    for (answer,), classifier in zip(by_name, models, strict=True):
        check(answer, classifier.predict(texts[:1], [False])[0])
    assert (absent["label"], absent["error"], absent["model_version"]) == (None, wire.NO_SUCH_MODEL, "")
    assert [one.model_version for one in facts.models] == [one.model_version for one in models]
    assert [one.labels for one in facts.models] == [one.labels for one in models]
    assert [one.members for one in facts.models] == [
        (*(one.model_version for one in models[1:]),),
        *[()] * (len(models) - 1),
    ]
    assert facts.formats == wire.FORMATS
    assert "Geheimnis" not in (tmp_path / "log").read_text()


def check(answer: dict[str, Any], prediction: Prediction) -> None:
    best = max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    assert answer["label"] == best
    assert answer["probability"] == pytest.approx(prediction.probabilities[best], abs=1e-4)
    assert {score["label"] for score in answer["scores"]} == set(prediction.probabilities)
    assert answer["novelty"] == pytest.approx(prediction.novelty, abs=1e-4)
    assert (answer["model_version"], answer["error"]) == (prediction.model_version, None)
    assert answer["members"] == [*prediction.members]


async def test_a_bento_is_built_and_served_without_network(
    bentoml_environment: dict[str, str], copied_models: Path, tmp_path: Path
) -> None:
    project = copied_models.parent
    for name in ("bentofile.yaml", "requirements.lock"):
        (project / name).write_bytes((PROJECT / name).read_bytes())
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "src" / "heron_grpc", project / "src" / "heron_grpc", ignore=ignored)
    manifest = copied_models / "nb" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": "in-the-bento"}))
    build = [sys.executable, "-m", "bentoml", "build", "--version", "1.2.3", "--output", "tag"]
    built = await asyncio.to_thread(
        subprocess.run, build, cwd=project, env=bentoml_environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving("heron_model_backend:1.2.3", elsewhere, bentoml_environment, tmp_path / "log") as url:
        async with aiohttp.ClientSession() as session:
            await ready(session, url)
            (answer,) = await classify(session, url, "Invoice number 1")
    assert answer["model_version"] == "models/nb/versions/in-the-bento"


# What the dispatcher in a worker does, written down by its optimizer, which is told of every batch.
OBSERVED = """
from heron_grpc.bento_service import ModelBackend
from heron_grpc.serving import eager_batching


class Observed(eager_batching.EagerOptimizer):
    def log_outbound(self, n, wait, duration):
        super().log_outbound(n, wait, duration)
        with open("batches", "a") as file:
            print(n, self.wait, self.o_a, self.o_b, file=file)


eager_batching.EagerOptimizer = Observed
"""
BURST = 600


async def test_after_a_burst_no_call_is_shed_and_none_waits_for_company(
    bentoml_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "observed.py").write_text(OBSERVED)
    texts = [f"Invoice number {number}, amount due" for number in range(BURST)]
    # Below the 5 s after which the server closes a connection nobody uses.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    with serving("observed:ModelBackend", tmp_path, bentoml_environment, tmp_path / "log") as url:
        async with aiohttp.ClientSession(connector=connector) as session:
            await ready(session, url)
            # `classify` refuses any status but 200.
            burst = await asyncio.gather(*(classify(session, url, text) for text in texts))
            many = await classify(session, url, *texts[:100])
            for text in texts[:20]:
                await classify(session, url, text)
    assert [answer for (answer,) in burst[:100]] == many
    batches = [[float(value) for value in line.split()] for line in (tmp_path / "batches").read_text().splitlines()]
    sizes = [int(size) for size, *_ in batches]
    # A wait, or a cost from which one would be reckoned, is never learned.
    assert {tuple(learned) for _, *learned in batches} == {(0.0, 0.0, 0.0)}
    # Who comes alone goes alone; who came with others did not: the model was called less often than there were texts.
    assert sizes[-20:] == [1] * 20
    assert max(sizes) <= 32
    assert len(sizes) - 20 < BURST
