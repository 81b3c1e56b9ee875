"""What the front asks the models with: a line of texts for each, and a quick no when the backend is away."""

import asyncio
from collections import Counter
from collections.abc import Callable

from heron_grpc.domain.call import Call
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import ModelUnavailable, NotFound
from heron_grpc.domain.fair_share import FairShare
from heron_grpc.serving.admission import RESOURCE
from heron_grpc.serving.backend_connection import BackendConnection, BackendUnreachable
from heron_grpc.serving.backend_health import BackendHealth
from heron_grpc.serving.breaker import Breaker, BreakerOpen
from heron_grpc.serving.model_facts import HostedModel, resource_name
from heron_grpc.serving.model_line import Backend, ModelLine
from heron_grpc.serving.wire import Item
from heron_grpc.settings import ServingSettings

_UNBOUND = Call()


class ModelClient:
    """One an event loop. Callers have their share of all places together, whatever models their texts are for."""

    def __init__(self, settings: ServingSettings, url: Callable[[], str | None] | str) -> None:
        self._settings = settings
        self._connection = BackendConnection(url if callable(url) else lambda: url, settings.timeout_s)
        self._health = BackendHealth(self._connection, settings.health_poll_s)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_open_s, ignored=(BackendUnreachable,))
        share = FairShare(settings.max_waiting, RESOURCE)
        self._backend = Backend(self._connection, self._health, self._breaker, share)
        # By models/{model}: as many as backends have named so far.
        self._lines: dict[str, ModelLine] = {}
        self._giving_up: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether the backend answered that it is ready; follows it within 2 s."""
        return self._health.ready

    @property
    def models(self) -> tuple[HostedModel, ...]:
        """What the backend hosts, the default first; none while it is away."""
        return self._health.facts.models if self._health.facts else ()

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version} of the default; empty while the backend is away."""
        return self.models[0].model_version if self.models else ""

    @property
    def waiting(self) -> int:
        """Texts that wait for a call to take them."""
        return sum(line.waiting for line in self._lines.values())

    @property
    def calls_in_flight(self) -> int:
        """Calls the backend works on."""
        return sum(line.calls_in_flight for line in self._lines.values())

    @property
    def batch_sizes(self) -> Counter[int]:
        """How many calls were made with so many texts."""
        return sum((line.batch_sizes for line in self._lines.values()), Counter())

    @property
    def breaker_open(self) -> bool:
        """Whether texts are refused because the backend failed several times in a row."""
        return self._breaker.is_open

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever `ready` has changed."""
        self._health.on_change(callback)

    async def start(self) -> None:
        """Begins to follow the backend's health."""
        self._health.on_change(self._follow_health)
        self._health.start()

    def find(self, asked: str) -> HostedModel | None:
        """The model a request means by what it asks for; None while the backend is away and nobody can tell.

        Raises NotFound, which says what is served.
        """
        facts = self._health.facts
        if facts is None:
            return None
        name = resource_name(asked, self._settings.model_aliases)
        if model := facts.find(name):
            return model
        served = ", ".join(model.model_version for model in facts.models)
        raise NotFound(
            f"no such model; served: {served}", metadata={"field": "options.model", "asked": name, "served": served}
        )

    async def predict(self, text: str, explain: bool, call: Call = _UNBOUND, model: str = "") -> Prediction:
        """What the model asked for says of the text's head, within the call's deadline, or timeout_s without one.

        Raises ModelUnavailable, NotFound, Overloaded, DeadlineExceeded, ModelFailed, ProtocolError.
        """
        hosted = self.find(model)
        if hosted is None:
            raise ModelUnavailable("the model backend is away")
        if self._breaker.is_open:
            raise BreakerOpen("the model backend failed several times in a row")
        name = resource_name(model, self._settings.model_aliases)
        item = Item(text[: self._settings.max_text_chars], explain, call.traceparent, name)
        return await self._line(hosted).predict(item, call)

    async def close(self) -> None:
        """Fails what waits and lets go of the backend."""
        await self._health.close()
        if self._giving_up:
            self._giving_up.cancel()
        await asyncio.gather(*(line.close() for line in self._lines.values()))
        await self._connection.close()

    def _line(self, model: HostedModel) -> ModelLine:
        """A new one where the model has none: one for all would keep texts for a quick model behind a slow one's."""
        if model.name not in self._lines:
            self._lines[model.name] = ModelLine(self._settings, self._backend)
        return self._lines[model.name]

    def _follow_health(self) -> None:
        if self._giving_up:
            self._giving_up.cancel()
            self._giving_up = None
        if not self.ready:
            gone = ModelUnavailable("the model backend went away and did not come back in time")
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(self._settings.comeback_s, self._fail_all, gone)

    def _fail_all(self, error: ModelUnavailable) -> None:
        for line in self._lines.values():
            line.fail_all(error)
