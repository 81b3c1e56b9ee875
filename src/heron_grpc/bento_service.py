"""The model backend: a BentoML service around one classifier, for the front and for anyone who runs `bentoml serve`."""

from collections.abc import Sequence
from functools import partial

import bentoml
from pydantic import BaseModel

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.errors import HeronError, ModelUnavailable
from heron_grpc.domain.ports import Classifier
from heron_grpc.serving import wire
from heron_grpc.serving.eager_service import EagerService
from heron_grpc.serving.model_slot import ModelSlot
from heron_grpc.serving.parent_death import die_with_parent
from heron_grpc.settings import ServingSettings, load_settings
from heron_grpc.telemetry.logging import configure, get_logger
from heron_grpc.telemetry.trace_context import trace_id

_log = get_logger(__name__)

# Above any real wait: BentoML's max_latency_ms is no window, it cancels the oldest call once it is reached.
_NEVER_SHED_MS = 3_600_000


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
    model_version: str
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
    """Hosts the model directory that HERON_SERVING_MODELS_DIR and HERON_SERVING_MODEL name.

    A refused model leaves the process running and not ready: one that ends would be started anew at once, for ever.
    """

    def __init__(self) -> None:
        settings = load_settings()
        if settings.serving.backend_parent_pid:
            die_with_parent(settings.serving.backend_parent_pid)
        configure(settings.log.level, settings.log.format)
        self._settings = settings.serving
        # Classifiers are not thread-safe: both routes go through this one slot.
        self._slot = ModelSlot()
        self._hosted: tuple[Classifier, wire.ModelFacts] | None = None
        self._host()

    @property
    def facts(self) -> wire.ModelFacts:
        """Raises ModelUnavailable while no model is loaded."""
        return self._loaded()[1]

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=_NEVER_SHED_MS)  # type: ignore[untyped-decorator]
    async def classify(self, texts: list[str]) -> list[Answer]:
        """The best label of each text, with all scores. Calls that wait at the same time travel as one batch."""
        results = await self.predict([wire.Item(text, explain=False) for text in texts])
        return [_answer(result, self.facts.model_version) for result in results]

    async def predict(self, items: Sequence[wire.Item]) -> list[Prediction | wire.ItemFailure]:
        """One result an item; an item the model fails on does not spoil the others.

        Raises ModelUnavailable while no model is loaded.
        """
        classifier, _ = self._loaded()
        most = self._settings.max_text_chars
        head = [wire.Item(item.text[:most], item.explain, item.traceparent) for item in items]
        chars = sum(len(item.text) for item in head)
        return await self._slot.run(partial(predict_each, classifier, head), len(head), chars)

    async def __is_ready__(self) -> bool:
        return self._hosted is not None

    def _loaded(self) -> tuple[Classifier, wire.ModelFacts]:
        if self._hosted is None:
            raise ModelUnavailable("no model is loaded")
        return self._hosted

    def _host(self) -> None:
        try:
            self._hosted = _load(self._settings)
        except HeronError as error:
            _log.error("model_refused", model=self._settings.model, reason=error.reason, detail=error.message)
        except Exception as error:  # noqa: BLE001  a worker that ends here is started anew at once, for ever
            _log.error("model_load_failed", model=self._settings.model, kind=type(error).__name__, exc_info=error)
        else:
            _log.info("model_loaded", model_version=self.facts.model_version, labels=len(self.facts.labels))


def predict_each(classifier: Classifier, items: Sequence[wire.Item]) -> list[Prediction | wire.ItemFailure]:
    """All items in one call; one by one when that fails. Blocks."""
    try:
        return [*classifier.predict([item.text for item in items], [item.explain for item in items])]
    except Exception as error:  # noqa: BLE001  a model may raise anything over one bad text
        if len(items) == 1:
            [item] = items
            trace = {"trace_id": trace_id(item.traceparent)} if item.traceparent else {}
            _log.warning("item_failed", kind=type(error).__name__, chars=len(item.text), **trace)
            return [wire.ItemFailure(type(error).__name__)]
    return [result for item in items for result in predict_each(classifier, [item])]


def _load(settings: ServingSettings) -> tuple[Classifier, wire.ModelFacts]:
    # Imported here: the process that only watches the workers would spend a second on numpy and its kin.
    from heron_grpc.classify import load_classifier  # noqa: PLC0415
    from heron_grpc.classify.manifest import load_manifest  # noqa: PLC0415

    directory = settings.models_dir / settings.model
    classifier = load_classifier(directory, settings.threads_a_worker)
    kind = load_manifest(directory).kind
    facts = wire.ModelFacts(classifier.model_version, classifier.labels, kind, settings.backend_workers)
    return classifier, facts


def _answer(result: Prediction | wire.ItemFailure, model_version: str) -> Answer:
    if isinstance(result, wire.ItemFailure):
        return Answer(
            label=None, probability=0.0, scores=[], novelty=0.0, model_version=model_version, error=result.kind
        )
    ranked = sorted(result.probabilities.items(), key=lambda pair: (-pair[1], pair[0]))
    scores = [Score(label=label, probability=probability) for label, probability in ranked]
    best, probability = ranked[0]
    return Answer(
        label=best,
        probability=probability,
        scores=scores,
        novelty=result.novelty,
        model_version=model_version,
        error=None,
    )
