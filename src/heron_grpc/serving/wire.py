"""The messages between front and model backend: msgpack with a format number, checked on both sides."""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgpack

from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ProtocolError
from heron_grpc.telemetry.trace_context import checked_traceparent

FORMAT = 2
MEDIA_TYPE = "application/msgpack"
# Of an answer: which of the processes that share a port it came from.
WORKER_HEADER = "x-heron-worker"
MAX_ITEMS = 1024
MAX_REQUEST_BYTES = 32 << 20
MAX_RESPONSE_BYTES = 64 << 20
# Sums are off by rounding alone, at worst that of float32.
_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Item:
    """A text, whether its words' weights are wanted, and the checked W3C trace context it belongs to, if any."""

    text: str
    explain: bool
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """The model could not work on this item; `kind` is the name of what was raised, without its message."""

    kind: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a ready backend says of its model."""

    model_version: str
    labels: tuple[str, ...]
    kind: str
    # Processes that share the backend's port.
    workers: int = 1


def encode_request(items: Sequence[Item]) -> bytes:
    """Lone surrogates, which UTF-8 cannot carry, become question marks, so that places in the text stay true."""
    body = {"format": FORMAT, "items": [[_encodable(item.text), item.explain, item.traceparent] for item in items]}
    return _pack(body)


def decode_request(content: bytes) -> list[Item]:
    """Raises ProtocolError for anything but a request of this format with 1 to MAX_ITEMS items."""
    items = _unpack(content).get("items")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
        raise ProtocolError(f"a request holds 1 to {MAX_ITEMS} items")
    return [_item(entry) for entry in items]


def encode_response(results: Sequence[Prediction | ItemFailure], labels: Sequence[str], model_version: str) -> bytes:
    """Labels stand once; probabilities are little-endian float64 in their order."""
    labels = tuple(labels)
    layout = struct.Struct(f"<{len(labels)}d")
    entries = [
        {"failure": result.kind}
        if isinstance(result, ItemFailure)
        else {
            "probabilities": layout.pack(*_in_order(result.probabilities, labels)),
            "novelty": float(result.novelty),
            "words": [[word.start, word.end, float(word.weight)] for word in result.words],
        }
        for result in results
    ]
    return _pack({"format": FORMAT, "model_version": model_version, "labels": list(labels), "items": entries})


def decode_response(content: bytes, expected: int) -> list[Prediction | ItemFailure]:
    """Raises ProtocolError for anything but a response of this format to `expected` items."""
    body = _unpack(content)
    labels = _strings(body.get("labels"))
    version = _string(body.get("model_version"))
    entries = body.get("items")
    if not isinstance(entries, list) or len(entries) != expected:
        raise ProtocolError("the response does not answer every item")
    layout = struct.Struct(f"<{len(labels)}d")
    return [_result(entry, labels, layout, version) for entry in entries]


def encode_failure(kind: str) -> bytes:
    """The body of an answer that is no success: a stable upper-snake reason."""
    return _pack({"format": FORMAT, "failure": kind})


def encode_facts(facts: ModelFacts) -> bytes:
    """The answer of the route for model facts."""
    return _pack({"format": FORMAT, **asdict(facts)})


def decode_facts(content: bytes) -> ModelFacts:
    """Raises ProtocolError for anything but facts of this format."""
    body = _unpack(content)
    workers = body.get("workers")
    if not isinstance(workers, int) or workers < 1:
        raise ProtocolError("the number of workers is out of range")
    return ModelFacts(
        _string(body.get("model_version")), _strings(body.get("labels")), _string(body.get("kind")), workers
    )


def _item(entry: object) -> Item:
    match entry:
        case [str(text), bool(explain), str(traceparent)] if checked_traceparent(traceparent) == traceparent:
            return Item(text, explain, traceparent)
    raise ProtocolError("an item is a text, a flag and a trace context")


def _result(
    entry: object, labels: tuple[str, ...], layout: struct.Struct, model_version: str
) -> Prediction | ItemFailure:
    match entry:
        case {"failure": str(kind)}:
            return ItemFailure(kind)
        case {"probabilities": bytes(packed), "novelty": float(novelty), "words": list(words)}:
            if len(packed) != layout.size or not 0 <= novelty <= 1:
                raise ProtocolError("a result is out of range")
            by_label = dict(zip(labels, _probabilities(layout.unpack(packed)), strict=True))
            return Prediction(by_label, novelty, model_version, tuple(_word(word) for word in words))
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
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ProtocolError(f"the message is not of format {FORMAT}")
    return body
