import json
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.unknown_fields import UnknownFieldSet

from benchmarks.ghz import make_payloads
from benchmarks.load import payloads

GHZ = Path(make_payloads.__file__).parent
CONFIGURATIONS = sorted(GHZ.glob("*.json"))
# Of ghz's configuration file, as far as they are used here.
KEYS = {
    "name",
    "protoset",
    "call",
    "host",
    "insecure",
    "concurrency",
    "connections",
    "total",
    "skipFirst",
    "timeout",
    "duration",
    "duration-stop",
    "max-duration",
    "async",
    "load-schedule",
    "load-start",
    "load-step",
    "load-end",
    "load-step-duration",
    "load-max-duration",
    "count-errors",
    "binary-file",
    "format",
    "output",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("ghz") / "payloads"
    return {f"payloads/{path.name}": path for path in make_payloads.write_all(directory)}


@pytest.fixture(scope="module")
def pool(written) -> descriptor_pool.DescriptorPool:
    """The contract as ghz reads it: from the protoset alone."""
    made = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(written["payloads/heron.protoset"].read_bytes()).file:
        made.Add(file)
    return made


def test_there_is_a_configuration_of_every_shape():
    calls = {json.loads(path.read_text())["call"].rpartition(".")[2] for path in CONFIGURATIONS}
    assert calls == {"Classify", "ClassifyUpload", "ClassifyBulk"}
    assert any(json.loads(path.read_text()).get("async") for path in CONFIGURATIONS)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_a_configuration_names_files_that_are_written_and_a_call_of_the_contract(path, written, pool):
    configuration = json.loads(path.read_text())
    assert configuration.keys() <= KEYS
    assert configuration["protoset"] in written
    assert configuration["binary-file"] in written
    service, _, method = configuration["call"].rpartition(".")
    assert pool.FindServiceByName(service).FindMethodByName(method)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_a_payload_holds_messages_of_the_call_that_come_out_as_they_went_in(path, written, pool):
    configuration = json.loads(path.read_text())
    service, _, method = configuration["call"].rpartition(".")
    request = message_factory.GetMessageClass(
        pool.FindServiceByName(service).FindMethodByName(method).input_type  # of the protoset, not the generated code
    )
    raw = payloads.read(written[configuration["binary-file"]])
    messages = [request.FromString(data) for data in raw]
    assert [message.SerializeToString() for message in messages] == raw
    assert not any(len(UnknownFieldSet(message)) for message in messages)
    if method == "Classify":
        assert len({message.text for message in messages}) == len(messages) == 200
    else:
        first, *rest = [message.WhichOneof("payload") for message in messages]
        assert first == "start"
        assert set(rest) == {"chunk" if method == "ClassifyUpload" else "item"}


def test_the_upload_is_as_large_as_its_header_says(written):
    from heron.v1.classification_pb2 import ClassifyUploadRequest

    messages = map(ClassifyUploadRequest.FromString, payloads.read(written["payloads/upload_1mb.bin"]))
    start, *chunks = messages
    assert start.start.header.size_bytes == sum(len(message.chunk) for message in chunks) == 1_000_000
    assert all(len(message.chunk) == 256 * 1024 for message in chunks[:-1])


def test_every_bulk_document_has_an_id_of_its_own(written):
    from heron.v1.classification_pb2 import ClassifyBulkRequest

    [_, *items] = map(ClassifyBulkRequest.FromString, payloads.read(written["payloads/bulk_200.bin"]))
    assert len({message.item.item_id for message in items}) == 200


def test_a_payload_file_that_is_cut_off_is_refused(written, tmp_path):
    cut = tmp_path / "cut.bin"
    cut.write_bytes(written["payloads/texts.bin"].read_bytes()[:-1])
    with pytest.raises(ValueError, match="ends inside a message"):
        payloads.read(cut)
