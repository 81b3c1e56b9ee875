"""The model backend: a BentoML service around classifiers, for the front and for anyone who runs `bentoml serve`."""

from collections.abc import Sequence
from dataclasses import replace

import bentoml
from pydantic import BaseModel

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import HeronError, ModelUnavailable
from heron_grpc.serving import wire
from heron_grpc.serving.eager_service import EagerService
from heron_grpc.serving.hosted_models import HostedModels, load_models
from heron_grpc.serving.model_facts import HostedModel, ModelFacts, resource_name
from heron_grpc.serving.parent_death import die_with_parent
from heron_grpc.settings import load_settings
from heron_grpc.telemetry.logging import configure, get_logger

_log = get_logger(__name__)

# Above any real wait: BentoML's max_latency_ms is no window, it cancels the oldest call once it is reached.
_NEVER_SHED_MS = 3_600_000


class Text(BaseModel):
    """A text and the model it is for: empty or "auto" for the deployment's, a resource name, a short name, an alias."""

    text: str
    model: str = ""


class Score(BaseModel):
    """A label and its calibrated probability."""

    label: str
    probability: float


class Answer(BaseModel):
    """What the JSON API says of one text; `label` is null and `error` set when the model could not work on it."""

    label: str | None
    probability: float
    # Best first, every label.
    scores: list[Score]
    novelty: float
    # Empty when no model of the name asked for is hosted.
    model_version: str
    # Of the models that a model of models asked.
    members: list[str]
    error: str | None


@bentoml.service(
    name="heron_model_backend",
    service_class=EagerService,
    labels={"project": "heron-grpc", "wire_format": str(wire.FORMAT)},
    traffic={"timeout": 60},
    # It asks nobody who they are; `--host` or BENTOML_HOST opens it to others.
    http={"host": "127.0.0.1"},
    # One line a call and a histogram a call cost more than Naive Bayes itself.
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class ModelBackend:
    """Hosts the model directory that HERON_SERVING_MODELS_DIR and HERON_SERVING_MODEL name, and its members if any.

    A refused model leaves the process running and not ready: one that ends would be started anew at once, for ever.
    """

    def __init__(self) -> None:
        settings = load_settings()
        if settings.serving.backend_parent_pid:
            die_with_parent(settings.serving.backend_parent_pid)
        configure(settings.log.level, settings.log.format)
        self._settings = settings.serving
        self._hosted: HostedModels | None = None
        self._host()

    @property
    def facts(self) -> ModelFacts:
        """Raises ModelUnavailable while no model is loaded."""
        return self._loaded().facts

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=_NEVER_SHED_MS)  # type: ignore[untyped-decorator]
    async def classify(self, texts: list[str | Text]) -> list[Answer]:
        """The best label of each text, with all scores. Calls that wait at the same time travel as one batch."""
        items = [self._item(text) for text in texts]
        results = await self.predict(items)
        return [_answer(result, self.facts.find(item.model)) for item, result in zip(items, results, strict=True)]

    async def predict(self, items: Sequence[wire.Item]) -> list[Prediction | wire.ItemFailure]:
        """One result an item; an item a model fails on does not spoil the others.

        Raises ModelUnavailable while no model is loaded.
        """
        most = self._settings.max_text_chars
        return await self._loaded().predict([replace(item, text=item.text[:most]) for item in items])

    async def __is_ready__(self) -> bool:
        return self._hosted is not None

    def _loaded(self) -> HostedModels:
        if self._hosted is None:
            raise ModelUnavailable("no model is loaded")
        return self._hosted

    def _item(self, text: str | Text) -> wire.Item:
        if isinstance(text, str):
            return wire.Item(text, explain=False)
        return wire.Item(text.text, explain=False, model=resource_name(text.model, self._settings.model_aliases))

    def _host(self) -> None:
        try:
            self._hosted = load_models(self._settings, wire.FORMATS)
        except HeronError as error:
            _log.error("model_refused", model=self._settings.model, reason=error.reason, detail=error.message)
        except Exception as error:  # noqa: BLE001  a worker that ends here is started anew at once, for ever
            _log.error("model_load_failed", model=self._settings.model, kind=type(error).__name__, exc_info=error)
        else:
            for model in self.facts.models:
                _log.info("model_loaded", model_version=model.model_version, labels=len(model.labels))


def _answer(result: Prediction | wire.ItemFailure, model: HostedModel | None) -> Answer:
    if isinstance(result, wire.ItemFailure):
        version = model.model_version if model else ""
        return Answer(
            label=None, probability=0.0, scores=[], novelty=0.0, model_version=version, members=[], error=result.kind
        )
    ranked = sorted(result.probabilities.items(), key=lambda pair: (-pair[1], pair[0]))
    scores = [Score(label=label, probability=probability) for label, probability in ranked]
    best, probability = ranked[0]
    return Answer(
        label=best,
        probability=probability,
        scores=scores,
        novelty=result.novelty,
        model_version=result.model_version,
        members=[*result.members],
        error=None,
    )
