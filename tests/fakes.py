"""Stand-ins for the parts that other suites test for real: a reader and a model whose behaviour a test chooses."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.document import Page, Part, Reading, ReadRequest
from heron_grpc.domain.errors import NotFound
from heron_grpc.domain.steps import Effort, Step
from heron_grpc.reading.pool import ReadOutcome
from heron_grpc.serving.model_facts import HostedModel, ModelFacts, resource_name

INVOICE = "financial/receivable/invoice"
MODEL_VERSION = "models/fake/versions/1"


@dataclass(repr=False)
class FakePool:
    """Reads every file as UTF-8 text, a form feed between pages, or does what `behave` says."""

    behave: Callable[[ReadRequest], Awaitable[None]] | None = None
    ready: bool = True
    requests: list[ReadRequest] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    steps: tuple[Step, ...] = ()

    def expected_wait_s(self, caller: str) -> float:
        return 0.0

    async def read(self, request: ReadRequest, call: Call | None = None) -> ReadOutcome:
        self.requests.append(request)
        self.seen.append(await asyncio.to_thread(Path(request.path).read_bytes))
        if self.behave:
            await self.behave(request)
        text = self.seen[-1].decode(errors="replace") or "?"
        pages = tuple(Page(number, part) for number, part in enumerate(text.split("\f"), 1))
        return ReadOutcome(Reading("text/plain", pages), queued_s=0.25, read_s=0.5)

    async def stream(self, request: ReadRequest, call: Call | None = None) -> AsyncGenerator[Step]:
        """The steps that a test has put in `steps`, or those of `read`."""
        reading = (await self.read(request, call)).reading
        for step in self.steps or (Part(0, reading.media_type), *reading.pages, Effort(0.0)):
            yield step


@dataclass(repr=False)
class FakeModel:
    """Calls everything an invoice, or does what `behave` says."""

    behave: Callable[[str], Awaitable[None]] | None = None
    ready: bool = True
    model_version: str = MODEL_VERSION
    members: tuple[str, ...] = ()
    texts: list[str] = field(default_factory=list)
    # Of each text, the model as named in its request.
    asked: list[str] = field(default_factory=list)

    @property
    def models(self) -> tuple[HostedModel, ...]:
        own = HostedModel(self.model_version, (INVOICE, "meta/other"), "fake", self.members)
        return (own,) if self.model_version else ()

    def find(self, asked: str) -> HostedModel | None:
        """As the real client does, of one model."""
        if not self.models:
            return None
        if found := ModelFacts(self.models).find(resource_name(asked, {})):
            return found
        raise NotFound("no such model", metadata={"field": "options.model", "served": self.model_version})

    async def predict(self, text: str, explain: bool, call: Call | None = None, model: str = "") -> Prediction:
        self.texts.append(text)
        self.asked.append(model)
        if self.behave:
            await self.behave(text)
        probabilities = {INVOICE: 0.97, "meta/other": 0.03}
        return Prediction(probabilities, 0.1, MODEL_VERSION, batch_size=3, queued_s=0.125, members=self.members)
