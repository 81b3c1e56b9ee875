"""The wire format carries predictions exactly and refuses everything else."""

import math
import struct

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ProtocolError
from heron_grpc.serving import wire
from heron_grpc.serving.model_facts import HostedModel, ModelFacts
from heron_grpc.serving.wire import Item, ItemFailure, Request

VERSION = "models/nb/versions/1"
LABELS = ("a/x", "b/y", "c/z")

_shares = st.lists(st.floats(1e-6, 1), min_size=3, max_size=3)
_words = st.builds(
    lambda start, length, weight: WordWeight(start, start + length, weight),
    st.integers(0, 10**6),
    st.integers(0, 50),
    st.floats(-50, 50),
)
_predictions = st.builds(
    lambda shares, novelty, words: Prediction(
        {label: share / sum(shares) for label, share in zip(LABELS, shares, strict=True)}, novelty, VERSION, words
    ),
    _shares,
    st.floats(0, 1),
    st.lists(_words, max_size=5).map(tuple),
)
FAKE = HostedModel(VERSION, LABELS, "naive_bayes")
OTHER = HostedModel("models/auto/versions/2", ("c/z", "a/x"), "cascade", (VERSION, "models/deep/versions/1"))
FORMATS = pytest.mark.parametrize("in_format", wire.FORMATS)
_results = st.lists(_predictions | st.builds(ItemFailure, st.text(min_size=1)), min_size=1, max_size=8)


@FORMATS
@given(_results)
def test_results_arrive_exactly(in_format: int, results: list[Prediction | ItemFailure]) -> None:
    assert wire.decode_response(wire.encode_response(results, FAKE, in_format), len(results)) == results


def test_answers_of_several_models_arrive_side_by_side() -> None:
    by_other = Prediction({"c/z": 0.25, "a/x": 0.75}, 0.5, OTHER.model_version, members=OTHER.members)
    by_fake = Prediction({"a/x": 0.5, "b/y": 0.5, "c/z": 0.0}, 0.0, VERSION)
    results = [by_other, by_fake, ItemFailure("ValueError"), by_other]
    assert wire.decode_response(wire.encode_response(results, FAKE), 4) == results


_models = st.sampled_from(["", "models/nb", OTHER.model_version])


@given(st.lists(st.builds(Item, st.text(), st.booleans(), model=_models), min_size=1, max_size=8))
def test_items_arrive_exactly(items: list[Item]) -> None:
    assert wire.decode_request(wire.encode_request(items)) == Request(items, wire.FORMAT)
    older = [Item(item.text, item.explain) for item in items]
    assert wire.decode_request(wire.encode_request(items, wire.OLDER_FORMAT)) == Request(older, wire.OLDER_FORMAT)


def test_lone_surrogates_keep_places_in_the_text_true() -> None:
    request = wire.decode_request(wire.encode_request([Item("a\ud800b", explain=True)]))
    assert request.items == [Item("a?b", explain=True)]


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(content: bytes) -> None:
    for decode in (wire.decode_request, wire.decode_facts, lambda content: wire.decode_response(content, 1)):
        with pytest.raises(ProtocolError):
            decode(content)


@given(st.data())
def test_a_damaged_response_is_decoded_or_refused(data: st.DataObject) -> None:
    model = HostedModel(VERSION, ("a/x",), "naive_bayes")
    result = Prediction({"a/x": 1.0}, 0.5, VERSION, members=("models/deep/versions/1",))
    content = bytearray(wire.encode_response([result], model, data.draw(st.sampled_from(wire.FORMATS))))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        results = wire.decode_response(bytes(content), 1)
    except ProtocolError:
        return
    assert len(results) == 1


@pytest.mark.parametrize(
    "decode", [wire.decode_request, wire.decode_facts, lambda content: wire.decode_response(content, 1)]
)
def test_another_format_is_refused(decode) -> None:
    content = {"format": wire.FORMAT + 1, "items": [["a", False]], "labels": ["a"], "model_version": "v", "kind": "k"}
    with pytest.raises(ProtocolError, match="format"):
        decode(msgpack.packb(content))


@given(st.lists(st.floats(), min_size=1, max_size=4), st.floats())
@example([1e308, 1e308, 1e308], 0.5)
@example([1.5, -0.5], 0.5)
@example([0.5, math.nan, 0.5], 0.5)
@example([1 + 5e-5], 0.5)
def test_numbers_are_in_range_or_refused(probabilities: list[float], novelty: float) -> None:
    result = {"probabilities": struct.pack(f"<{len(probabilities)}d", *probabilities), "novelty": novelty, "words": []}
    labels = [str(place) for place in range(len(probabilities))]
    content = {"format": wire.OLDER_FORMAT, "model_version": "v", "labels": labels, "items": [result]}
    try:
        (decoded,) = wire.decode_response(msgpack.packb(content), 1)
    except ProtocolError:
        return
    assert isinstance(decoded, Prediction)
    assert all(0 <= probability <= 1 for probability in (*decoded.probabilities.values(), decoded.novelty))
    assert sum(decoded.probabilities.values()) == pytest.approx(1, abs=1e-3)


def _response(**changes: object) -> bytes:
    certain = struct.pack("<d", 1.0)
    result = {"model": 0, "probabilities": certain, "novelty": 0.5, "words": [], "members": [], **changes}
    models = [{"model_version": "v", "labels": ["a"]}]
    return msgpack.packb({"format": wire.FORMAT, "models": models, "items": [result]})


@pytest.mark.parametrize(
    "changes",
    [
        {"probabilities": bytes(8)},
        {"probabilities": b"short"},
        {"probabilities": b"\xff" * 8},
        {"novelty": 1.5},
        {"novelty": float("nan")},
        {"words": [[3, 1, 0.5]]},
        {"words": [[0, 1, float("inf")]]},
        {"model": 1},
        {"model": -1},
        {"model": None},
        {"members": "models/nb"},
        {"members": [3]},
    ],
)
def test_results_out_of_range_are_refused(changes: dict[str, object]) -> None:
    assert wire.decode_response(_response(), 1) == [Prediction({"a": 1.0}, 0.5, "v")]
    with pytest.raises(ProtocolError):
        wire.decode_response(_response(**changes), 1)


def test_a_response_to_another_number_of_items_is_refused() -> None:
    content = wire.encode_response([Prediction({"a": 1.0}, 0.5, VERSION)], HostedModel(VERSION, ("a",), "k"))
    with pytest.raises(ProtocolError, match="every item"):
        wire.decode_response(content, 2)


def test_too_many_items_are_refused() -> None:
    content = wire.encode_request([Item("", explain=False)] * (wire.MAX_ITEMS + 1))
    with pytest.raises(ProtocolError, match="items"):
        wire.decode_request(content)


def test_facts_arrive() -> None:
    facts = ModelFacts((OTHER, FAKE), 3, wire.FORMATS)
    assert wire.decode_facts(wire.encode_facts(facts)) == facts
