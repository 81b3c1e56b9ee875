"""The messages between front and model backend: msgpack with a format number, checked on both sides.

During a rolling upgrade an older front or backend is the peer. It speaks format 2, in which a message is about the
default model alone: requests are answered in the format they came in, and facts say which formats a backend takes.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgpack

from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ProtocolError
from heron_grpc.serving.model_facts import HostedModel, ModelFacts
from heron_grpc.telemetry.trace_context import checked_traceparent

FORMAT = 3
# Of the last release: a model of each item's own, and members that were asked, do not exist in it.
OLDER_FORMAT = 2
FORMATS = (OLDER_FORMAT, FORMAT)
MEDIA_TYPE = "application/msgpack"
# Of an answer: which of the processes that share a port it came from.
WORKER_HEADER = "x-heron-worker"
MAX_ITEMS = 1024
MAX_REQUEST_BYTES = 32 << 20
MAX_RESPONSE_BYTES = 64 << 20
# Kind of an item's failure: no model of the name it asks for is hosted.
NO_SUCH_MODEL = "NO_SUCH_MODEL"
# Of the name of a model.
MAX_NAME_CHARS = 200
# Sums are off by rounding alone, at worst that of float32.
_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Item:
    """A text, whether its words' weights are wanted, and the checked W3C trace context it belongs to, if any."""

    text: str
    explain: bool
    traceparent: str = ""
    # models/{model} or models/{model}/versions/{version}; empty for the default.
    model: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a front asks, and the format it wants the answer in."""

    items: list[Item]
    format: int


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """The model could not work on this item; `kind` is the name of what was raised, without its message."""

    kind: str


def encode_request(items: Sequence[Item], in_format: int = FORMAT) -> bytes:
    """Lone surrogates, which UTF-8 cannot carry, become question marks, so that places in the text stay true.

    The older format leaves out which model an item asks for.
    """
    entries = [[_encodable(item.text), item.explain, item.traceparent, item.model] for item in items]
    if in_format == OLDER_FORMAT:
        entries = [entry[:3] for entry in entries]
    return _pack({"format": in_format, "items": entries})


def decode_request(content: bytes) -> Request:
    """Raises ProtocolError for anything but a request of a known format with 1 to MAX_ITEMS items."""
    body = _unpack(content)
    items = body.get("items")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
        raise ProtocolError(f"a request holds 1 to {MAX_ITEMS} items")
    item = _older_item if body["format"] == OLDER_FORMAT else _item
    return Request([item(entry) for entry in items], body["format"])


def encode_response(
    results: Sequence[Prediction | ItemFailure], default: HostedModel, in_format: int = FORMAT
) -> bytes:
    """Labels stand once a model; probabilities are little-endian float64 in their order.

    `default` is whom an answer in the older format is by; its predictions all are.
    """
    if in_format == OLDER_FORMAT:
        entries = [_entry(result, default.labels) for result in results]
        named = {"model_version": default.model_version, "labels": list(default.labels)}
        return _pack({"format": in_format, **named, "items": entries})
    labels: dict[str, tuple[str, ...]] = {}
    for result in results:
        if isinstance(result, Prediction):
            labels.setdefault(result.model_version, tuple(result.probabilities))
    places = {version: place for place, version in enumerate(labels)}
    models = [{"model_version": version, "labels": list(names)} for version, names in labels.items()]
    entries = [
        _entry(result, ())
        if isinstance(result, ItemFailure)
        else {
            **_entry(result, labels[result.model_version]),
            "model": places[result.model_version],
            "members": list(result.members),
        }
        for result in results
    ]
    return _pack({"format": in_format, "models": models, "items": entries})


def decode_response(content: bytes, expected: int) -> list[Prediction | ItemFailure]:
    """Raises ProtocolError for anything but a response of a known format to `expected` items."""
    body = _unpack(content)
    entries = body.get("items")
    if not isinstance(entries, list) or len(entries) != expected:
        raise ProtocolError("the response does not answer every item")
    if body["format"] == OLDER_FORMAT:
        model = _Model.of(body)
        return [_result(entry, model) for entry in entries]
    models = [_Model.of(model) for model in _list(body.get("models"))]
    return [_result(entry, _model_of(entry, models)) for entry in entries]


def encode_failure(kind: str) -> bytes:
    """The body of an answer that is no success: a stable upper-snake reason."""
    return _pack({"format": OLDER_FORMAT, "failure": kind})


def encode_facts(facts: ModelFacts) -> bytes:
    """The answer of the route for model facts, in the older format with more in it: whoever asks names none."""
    default = facts.default
    older = {"model_version": default.model_version, "labels": default.labels, "kind": default.kind}
    models = [asdict(model) for model in facts.models]
    newer = {"workers": facts.workers, "formats": FORMATS, "models": models}
    return _pack({"format": OLDER_FORMAT, **older, **newer})


def decode_facts(content: bytes) -> ModelFacts:
    """Raises ProtocolError for anything but facts."""
    body = _unpack(content)
    workers = body.get("workers")
    if body["format"] != OLDER_FORMAT or not isinstance(workers, int) or workers < 1:
        raise ProtocolError("the facts' format or number of workers is out of range")
    # Of an older backend.
    if "formats" not in body:
        return ModelFacts((_hosted(body | {"members": []}),), workers, (OLDER_FORMAT,))
    formats = tuple(number for number in _list(body["formats"]) if isinstance(number, int))
    models = tuple(_hosted(model) for model in _list(body.get("models")))
    if not models:
        raise ProtocolError("the facts name no model")
    return ModelFacts(models, workers, formats)


@dataclass(frozen=True, slots=True)
class _Model:
    """Whom an answer is by."""

    version: str
    labels: tuple[str, ...]
    layout: struct.Struct

    @classmethod
    def of(cls, entry: object) -> "_Model":
        match entry:
            case {"model_version": version, "labels": labels}:
                names = _strings(labels)
                return cls(_string(version), names, struct.Struct(f"<{len(names)}d"))
        raise ProtocolError("a model is a version and its labels")


def _model_of(entry: object, models: Sequence[_Model]) -> _Model | None:
    match entry:
        case {"model": int(place)} if 0 <= place < len(models):
            return models[place]
    return None


def _hosted(entry: object) -> HostedModel:
    match entry:
        case {"model_version": version, "labels": labels, "kind": kind, "members": list(members)}:
            names = tuple(map(_string, members))
            return HostedModel(_string(version), _strings(labels), _string(kind), names)
    raise ProtocolError("a hosted model is a version, labels, a kind and members")


def _item(entry: object) -> Item:
    match entry:
        case [*older, str(model)] if len(model) <= MAX_NAME_CHARS:
            text, explain, traceparent = _older(older)
            return Item(text, explain, traceparent, model)
    raise ProtocolError("an item is a text, a flag, a trace context and a model")


def _older_item(entry: object) -> Item:
    return Item(*_older(entry))


def _older(entry: object) -> tuple[str, bool, str]:
    match entry:
        case [str(text), bool(explain), str(traceparent)] if checked_traceparent(traceparent) == traceparent:
            return text, explain, traceparent
    raise ProtocolError("an item is a text, a flag and a trace context")


def _entry(result: Prediction | ItemFailure, labels: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(result, ItemFailure):
        return {"failure": result.kind}
    return {
        "probabilities": struct.pack(f"<{len(labels)}d", *_in_order(result.probabilities, labels)),
        "novelty": float(result.novelty),
        "words": [[word.start, word.end, float(word.weight)] for word in result.words],
    }


def _result(entry: object, model: _Model | None) -> Prediction | ItemFailure:
    match entry:
        case {"failure": str(kind)}:
            return ItemFailure(kind)
        case {"probabilities": bytes(packed), "novelty": float(novelty), "words": list(words), **more} if model:
            if len(packed) != model.layout.size or not 0 <= novelty <= 1:
                raise ProtocolError("a result is out of range")
            by_label = dict(zip(model.labels, _probabilities(model.layout.unpack(packed)), strict=True))
            members = tuple(map(_string, _list(more.get("members", []))))
            return Prediction(by_label, novelty, model.version, tuple(map(_word, words)), members=members)
    raise ProtocolError("a result is neither a prediction nor a failure")


def _in_order(probabilities: Mapping[str, float], labels: tuple[str, ...]) -> Iterable[float]:
    """Classifiers give them in this order, which makes a look-up for each label needless."""
    if tuple(probabilities) == labels:
        return probabilities.values()
    return [probabilities[label] for label in labels]


def _probabilities(given: tuple[float, ...]) -> Sequence[float]:
    """What is above 1 by rounding becomes 1."""
    greatest = max(given)
    # A NaN passes the first comparison at most: it makes the sum one, for which the second is false.
    if not (min(given) >= 0 and greatest <= 1 + _SUM_TOLERANCE):
        raise ProtocolError("a probability is out of range")
    if not abs(math.fsum(given) - 1) <= _SUM_TOLERANCE:
        raise ProtocolError("probabilities do not add up to 1")
    return given if greatest <= 1 else [min(probability, 1.0) for probability in given]


def _word(entry: object) -> WordWeight:
    match entry:
        case [int(start), int(end), float(weight)] if 0 <= start <= end and math.isfinite(weight):
            return WordWeight(start, end, weight)
    raise ProtocolError("a word is two places and a weight")


def _string(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ProtocolError("a name is missing")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ProtocolError("a list is missing")
    return value


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ProtocolError("the labels are missing")
    names = tuple(map(_string, value))
    if len(set(names)) != len(names):
        raise ProtocolError("a label stands twice")
    return names


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _pack(body: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(body)
    return packed


def _unpack(content: bytes) -> dict[str, Any]:
    try:
        body = msgpack.unpackb(content)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise ProtocolError("the message is no msgpack") from error
    if not isinstance(body, dict) or body.get("format") not in FORMATS:
        raise ProtocolError(f"the message is not of format {OLDER_FORMAT} or {FORMAT}")
    return body
