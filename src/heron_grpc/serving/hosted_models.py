"""The models of one backend process, each in a slot of its own, so that a slow one keeps no quick one waiting."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.ports import Classifier
from heron_grpc.serving.model_facts import HostedModel, ModelFacts
from heron_grpc.serving.model_slot import ModelSlot
from heron_grpc.serving.taught_labels import with_taught_labels
from heron_grpc.serving.wire import NO_SUCH_MODEL, Item, ItemFailure
from heron_grpc.settings import ServingSettings
from heron_grpc.telemetry.logging import get_logger
from heron_grpc.telemetry.trace_context import trace_id

if TYPE_CHECKING:
    from heron_grpc.classify.few_shot import Floats
    from heron_grpc.classify.transformer import OnnxTransformer

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A model and where it runs."""

    facts: HostedModel
    classifier: Classifier
    slot: ModelSlot


class HostedModels:
    """At least one; the first answers where none is asked for."""

    def __init__(self, hosted: Iterable[Hosted], workers: int = 1, formats: tuple[int, ...] = ()) -> None:
        self._hosted = {one.facts: one for one in hosted}
        self.facts = ModelFacts(tuple(self._hosted), workers, formats)

    async def predict(self, items: Sequence[Item]) -> list[Prediction | ItemFailure]:
        """One result an item; items of different models travel together and are worked on side by side."""
        places: defaultdict[HostedModel, list[int]] = defaultdict(list)
        results: list[Prediction | ItemFailure] = [ItemFailure(NO_SUCH_MODEL)] * len(items)
        for place, item in enumerate(items):
            if model := self.facts.find(item.model):
                places[model].append(place)
        groups = [[items[place] for place in group] for group in places.values()]
        answers = await asyncio.gather(*map(self._predict, places, groups))
        for group, answered in zip(places.values(), answers, strict=True):
            for place, result in zip(group, answered, strict=True):
                results[place] = result
        return results

    async def _predict(self, model: HostedModel, items: list[Item]) -> list[Prediction | ItemFailure]:
        hosted = self._hosted[model]
        chars = sum(len(item.text) for item in items)
        return await hosted.slot.run(partial(predict_each, hosted.classifier, items), len(items), chars)


def predict_each(classifier: Classifier, items: Sequence[Item]) -> list[Prediction | ItemFailure]:
    """All items in one call; one by one when that fails. Blocks."""
    try:
        return [*classifier.predict([item.text for item in items], [item.explain for item in items])]
    except Exception as error:  # noqa: BLE001  a model may raise anything over one bad text
        if len(items) == 1:
            [item] = items
            trace = {"trace_id": trace_id(item.traceparent)} if item.traceparent else {}
            _log.warning("item_failed", kind=type(error).__name__, chars=len(item.text), **trace)
            return [ItemFailure(type(error).__name__)]
    return [result for item in items for result in predict_each(classifier, [item])]


def load_models(settings: ServingSettings, formats: tuple[int, ...]) -> HostedModels:
    """The model that the settings name and, where it asks others, those as well. Blocks.

    Raises ModelFileRefused.
    """
    # Imported here: the process that only watches the workers would spend a second on numpy and its kin.
    from heron_grpc.classify import load_classifier  # noqa: PLC0415
    from heron_grpc.classify.cascade import Cascade  # noqa: PLC0415

    directory = settings.models_dir / settings.model
    classifier = load_classifier(directory, settings.threads_a_worker)
    if not isinstance(classifier, Cascade):
        embed = getattr(classifier, "embed", None)
        taught = with_taught_labels(classifier, classifier, embed, settings.labels_dir) if embed else classifier
        hosted = [Hosted(_facts(taught, directory), taught, ModelSlot())]
        return HostedModels(hosted, settings.backend_workers, formats)
    members = [_OneAtATime(member) for member in (classifier.first, classifier.second)]
    both = Cascade(classifier.manifest, *members)
    cascade = with_taught_labels(both, classifier.second, members[1].embed, settings.labels_dir)
    facts = _facts(cascade, directory, tuple(member.model_version for member in members))
    hosted = [Hosted(facts, cascade, ModelSlot(may_block=True))]
    for member, name in zip(members, classifier.member_names, strict=True):
        slot = ModelSlot(member.running)
        hosted.append(Hosted(_facts(member, settings.models_dir / name), member.classifier, slot))
    return HostedModels(hosted, settings.backend_workers, formats)


def _facts(classifier: Classifier, directory: Path, members: tuple[str, ...] = ()) -> HostedModel:
    from heron_grpc.classify.manifest import load_manifest  # noqa: PLC0415

    return HostedModel(classifier.model_version, classifier.labels, load_manifest(directory).kind, members)


class _OneAtATime:
    """A classifier for threads that share it."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.running = threading.Lock()

    @property
    def model_version(self) -> str:
        return self.classifier.model_version

    @property
    def labels(self) -> tuple[str, ...]:
        return self.classifier.labels

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        with self.running:
            return self.classifier.predict(texts, explain)

    def embed(self, texts: Sequence[str]) -> "Floats":
        """What a transformer makes of texts; no other member is asked."""
        with self.running:
            return cast("OnnxTransformer", self.classifier).embed(texts)
