"""A real backend for the session and clients of it and of a scripted one."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from backends import PROJECT, Connect, ScriptedBackend, until
from heron_grpc.serving.backend_process import BackendProcess
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import ServingSettings


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedBackend]:
    backend = ScriptedBackend()
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
async def connect(scripted: ScriptedBackend) -> AsyncIterator[Connect]:
    """Gives a ready client of the scripted backend, with settings of one's own."""
    async with AsyncExitStack() as stack:

        async def connected(**settings: float) -> ModelClient:
            client = ModelClient(ServingSettings(**{"health_poll_s": 0.05, **settings}), lambda: scripted.url)
            stack.push_async_callback(client.close)
            await client.start()
            await until(lambda: client.ready)
            return client

        yield connected


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Backends start in half the time when an earlier one left its bytecode behind."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        environment.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def backend() -> AsyncIterator[BackendProcess]:
    """The real one, shared: a test that kills it leaves it alive again."""
    # Slow machines: a backend must not be taken for stuck, nor its callers give up, while it starts.
    process = BackendProcess(ServingSettings(model="nb", backend_stuck_s=90))
    await process.start()
    yield process
    await process.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_client(backend: BackendProcess) -> AsyncIterator[ModelClient]:
    model = ModelClient(ServingSettings(comeback_s=60, health_poll_s=0.2), lambda: backend.url)
    await model.start()
    yield model
    await model.close()


@pytest_asyncio.fixture(loop_scope="session")
async def client(shared_client: ModelClient) -> ModelClient:
    await until(lambda: shared_client.ready)
    return shared_client


@pytest.fixture
def copied_models(tmp_path: Path) -> Path:
    """A models directory of one's own."""
    return Path(shutil.copytree(PROJECT / "models", tmp_path / "models"))
