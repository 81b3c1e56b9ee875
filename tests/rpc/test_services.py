"""Taxonomies, server info, health, reflection: what a stranger asks first."""

import asyncio

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from fakes import MODEL_VERSION
from heron import HeronServiceError
from heron.v1 import server_pb2, taxonomy_pb2
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.rpc.access import require_access_rules, require_loopback

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


async def reason_of(call) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = HeronServiceError(caught.value)
    return error.code.name, error.reason


async def test_a_taxonomy_comes_with_parents_before_children(front):
    request = taxonomy_pb2.GetTaxonomyRequest(name="taxonomies/default")
    taxonomy = (await front.taxonomy.GetTaxonomy(request)).taxonomy
    seen = set()
    for category in taxonomy.categories:
        assert "/" not in category.id or category.id.rsplit("/", 1)[0] in seen
        seen.add(category.id)
    assert "financial/statement/bank_statement" in seen
    assert taxonomy.etag
    assert taxonomy.revision >= 1


async def test_taxonomies_are_listed_without_categories(front):
    response = await front.taxonomy.ListTaxonomies(taxonomy_pb2.ListTaxonomiesRequest())
    assert [taxonomy.name for taxonomy in response.taxonomies] == ["taxonomies/default"]
    assert not response.taxonomies[0].categories
    assert not response.next_page_token


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (taxonomy_pb2.GetTaxonomyRequest(), ("INVALID_ARGUMENT", "INVALID_REQUEST")),
        (taxonomy_pb2.GetTaxonomyRequest(name="taxonomies/absent"), ("NOT_FOUND", "NOT_FOUND")),
    ],
)
async def test_a_taxonomy_that_cannot_be_given_says_why(front, request_, expected):
    assert await reason_of(front.taxonomy.GetTaxonomy(request_)) == expected


@pytest.mark.parametrize(
    "request_",
    [
        taxonomy_pb2.ListTaxonomiesRequest(page_size=-1),
        taxonomy_pb2.ListTaxonomiesRequest(page_token="not a token"),
        taxonomy_pb2.ListTaxonomiesRequest(page_token="//79"),
    ],
)
async def test_a_list_that_cannot_be_given_says_why(front, request_):
    assert await reason_of(front.taxonomy.ListTaxonomies(request_)) == ("INVALID_ARGUMENT", "INVALID_REQUEST")


async def test_server_info_tells_limits_formats_and_versions(front):
    info = await front.info.GetServerInfo(server_pb2.GetServerInfoRequest())
    assert info.limits.max_document_bytes == front.pipeline.settings.front.max_document_bytes
    assert info.limits.preferred_chunk_bytes == 256 * 1024
    assert "application/pdf" in info.mime_types
    assert info.pipeline_version.startswith(info.version)
    assert info.model_version == front.model.model_version
    assert "en" in info.ocr_languages


async def test_server_info_tells_which_models_can_be_named(start_front):
    aliases = {"stable": "models/fake", "pinned": "models/fake/versions/1", "gone": "models/fake/versions/0"}
    front = await start_front(aliases=aliases)
    front.model.members = ("models/quick/versions/3",)
    [model] = (await front.info.GetServerInfo(server_pb2.GetServerInfoRequest())).models
    assert (model.model_version, model.kind, model.category_count) == (MODEL_VERSION, "fake", 2)
    assert (list(model.members), list(model.aliases)) == (["models/quick/versions/3"], ["pinned", "stable"])
    front.model.model_version = ""
    info = await front.info.GetServerInfo(server_pb2.GetServerInfoRequest())
    assert (info.model_version, list(info.models)) == ("", [])


async def check(front, service: str) -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    return (await health_pb2_grpc.HealthStub(front.channel).Check(request)).status


async def test_health_follows_reader_and_model(front):
    watch = health_pb2_grpc.HealthStub(front.channel).Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == SERVING
    for part in (front.model, front.pool):
        part.ready = False
        assert (await asyncio.wait_for(watch.read(), 10)).status == NOT_SERVING
        assert await check(front, "heron.v1.ClassificationService") == NOT_SERVING
        assert await check(front, "heron.v1.TaxonomyService") == SERVING
        assert await check(front, "heron.v1.ServerService") == SERVING
        part.ready = True
        assert (await asyncio.wait_for(watch.read(), 10)).status == SERVING
        assert await check(front, "heron.v1.ClassificationService") == SERVING
    watch.cancel()


async def test_health_of_a_service_nobody_knows_is_not_found(front):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check(front, "heron.v1.NoSuchService")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def reflect(front, version: str, *requests: reflection_pb2.ServerReflectionRequest) -> list:
    call = front.channel.stream_stream(
        f"/{version}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return [response async for response in call(iter(requests))]


@pytest.mark.parametrize("version", REFLECTION)
async def test_a_stranger_lists_and_calls_by_reflection_alone(front, version):
    request = reflection_pb2.ServerReflectionRequest
    listed, described = await reflect(
        front, version, request(list_services=""), request(file_containing_symbol="heron.v1.ServerService")
    )
    names = {service.name for service in listed.list_services_response.service}
    ours = {
        f"heron.v1.{name}" for name in ("ClassificationService", "ReadingService", "TaxonomyService", "ServerService")
    }
    assert names == {*ours, "grpc.health.v1.Health", *REFLECTION}

    pool = descriptor_pool.DescriptorPool()
    # Files come before what they import.
    for serialized in reversed(described.file_descriptor_response.file_descriptor_proto):
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(serialized))
    method = pool.FindServiceByName("heron.v1.ServerService").FindMethodByName("GetServerInfo")
    call = front.channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    answer = await call(message_factory.GetMessageClass(method.input_type)())
    assert answer.limits.max_chunk_bytes == 1024 * 1024


@pytest.mark.parametrize("version", REFLECTION)
async def test_reflection_of_a_symbol_nobody_knows_is_an_answer(front, version):
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="heron.v1.Nothing")
    [response] = await reflect(front, version, request)
    assert response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_reflection_can_be_switched_off(start_front):
    front = await start_front(reflection=False)
    for version in REFLECTION:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reflect(front, version, reflection_pb2.ServerReflectionRequest(list_services=""))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("wanted", [True, False])
async def test_grpcs_own_view_of_its_server_is_served_where_it_is_wanted(start_front, wanted):
    front = await start_front(channelz=wanted)
    await front.taxonomy.ListTaxonomies(taxonomy_pb2.ListTaxonomiesRequest())
    asking = channelz_pb2_grpc.ChannelzStub(front.channel).GetServers(channelz_pb2.GetServersRequest())
    if wanted:
        assert any(server.data.calls_succeeded for server in (await asking).server)
    else:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asking
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def add_service(name: str, *, options: bytes = b"") -> str:
    """Adds a service with one method to the default pool; `options` are serialized MethodOptions."""
    file = descriptor_pb2.FileDescriptorProto(name=f"test/{name}.proto", package="test", syntax="proto3")
    file.message_type.add(name=f"{name}Message")
    method = file.service.add(name=name).method.add(
        name="Do", input_type=f".test.{name}Message", output_type=f".test.{name}Message"
    )
    method.options.ParseFromString(options)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return f"test.{name}"


def test_a_method_without_an_access_rule_keeps_the_server_from_starting():
    with pytest.raises(ConfigurationError, match=r"test\.Unruled\.Do"):
        require_access_rules(["heron.v1.ServerService", add_service("Unruled")])


def test_an_access_rule_that_says_nothing_keeps_the_server_from_starting():
    from heron.v1 import options_pb2

    empty = descriptor_pb2.MethodOptions()
    empty.Extensions[options_pb2.access].cost = 3
    name = add_service("Vague", options=empty.SerializeToString())
    with pytest.raises(ConfigurationError, match=r"test\.Vague\.Do"):
        require_access_rules([name])


@pytest.mark.parametrize("address", ["127.0.0.1:50051", "127.8.9.1:1", "[::1]:50051", "127.0.0.1:0", "unix:/tmp/x"])
def test_loopback_addresses_are_served(address):
    require_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0:50051",
        "[::]:50051",
        "10.0.0.1:1",
        "example.org:1",
        # Means two addresses, of which one may be taken unnoticed.
        "localhost:50051",
        ":50051",
        "50051",
        "127.0.0.1:99999",
        "127.0.0.1:x",
    ],
)
def test_addresses_others_could_reach_are_refused(address):
    with pytest.raises(ConfigurationError, match="loopback"):
        require_loopback(address)


async def test_a_second_server_on_the_same_address_is_refused(start_front):
    front = await start_front()
    with pytest.raises(ConfigurationError, match="in use"):
        await start_front(address=front.address)
