"""The composition root: the only file that names the implementations together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cachetools import TTLCache

from heron.v1 import classification_pb2_grpc, reading_pb2_grpc, server_pb2_grpc, taxonomy_pb2_grpc
from heron_grpc.classify.decision_rule import load_decision_rules
from heron_grpc.classify.layout import load_layout_model
from heron_grpc.domain.classification import Classification
from heron_grpc.operations.process_document import Pipeline
from heron_grpc.operations.receive_upload import Spool
from heron_grpc.reading import registry
from heron_grpc.reading.ocr import engine_name, language_codes
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.reading.sandbox import log_sandbox, sandbox_status
from heron_grpc.rpc.classification_service import ClassificationService
from heron_grpc.rpc.intake import Intake
from heron_grpc.rpc.reading_service import ReadingService
from heron_grpc.rpc.server import FrontServer, ServedService
from heron_grpc.rpc.server_service import ServerFacts, ServerService
from heron_grpc.rpc.taxonomy_service import TaxonomyService
from heron_grpc.serving.backend_process import BackendProcess
from heron_grpc.serving.model_client import ModelClient
from heron_grpc.settings import ClassifySettings, ServingSettings, Settings, release, require_model
from heron_grpc.taxonomy import load_taxonomies
from heron_grpc.telemetry.exposition import exposed
from heron_grpc.telemetry.part_metrics import PartMetrics, Versions
from heron_grpc.telemetry.parts import Parts


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FrontServer]:
    """Starts everything and ends it in reverse order: the front drains first, with reader and model still there.

    Raises ConfigurationError before anything listens when the deployment is set up wrongly.
    """
    async with AsyncExitStack() as stack:
        taxonomies = load_taxonomies(settings.classify.packs_dir)
        decisions = load_decision_rules(settings.classify.calibration, settings.serving.models_dir)
        layout = load_layout_model(settings.serving.models_dir)
        spool = Spool(settings.front.spool_dir, settings.front.max_document_bytes, settings.front.max_spool_bytes)
        stack.callback(spool.close)
        log_sandbox(settings.reading)
        pool = ReadingPool(settings.reading, str(spool.directory))
        # Before gRPC: what forks after gRPC has started hangs.
        pool.start()
        stack.push_async_callback(pool.close)
        backend, model = _backend(settings.serving)
        pipeline = Pipeline(
            settings, pool, model, taxonomies, _cache(settings.classify), decisions=decisions, layout=layout
        )
        intake = Intake(pool, spool, settings.front)
        front = build_front(settings, pipeline, intake)
        front.bind()
        if settings.metrics.address:
            versions = Versions(release(), settings.pipeline_version)
            pipeline.metrics.follow(PartMetrics(Parts(pool, spool, intake, model, backend, front), versions))
            await stack.enter_async_context(exposed(settings.metrics.address, pipeline.metrics))
        if backend:
            stack.push_async_callback(backend.close)
            await backend.start()
        stack.push_async_callback(model.close)
        await model.start()
        await front.start()
        stack.push_async_callback(front.drain)
        yield front


def _backend(settings: ServingSettings) -> tuple[BackendProcess | None, ModelClient]:
    """Our own backend, unless one runs elsewhere, and its client."""
    if settings.backend_url:
        return None, ModelClient(settings, settings.backend_url)
    require_model(settings)
    backend = BackendProcess(settings)
    return backend, ModelClient(settings, lambda: backend.url)


def _cache(settings: ClassifySettings) -> TTLCache[object, Classification] | None:
    return TTLCache(settings.cache_entries, settings.cache_ttl_s) if settings.cache_entries else None


def build_front(settings: Settings, pipeline: Pipeline, intake: Intake) -> FrontServer:
    """The gRPC front over a pipeline, not yet listening. Raises ConfigurationError."""
    classification = ClassificationService(pipeline, intake, settings.front)
    reading = ReadingService(pipeline, intake, settings.front)
    taxonomy = TaxonomyService(pipeline.taxonomies)
    facts = ServerFacts(
        features=_features(settings),
        media_types=registry.media_types(),
        ocr_languages=language_codes(settings.reading),
        models=lambda: pipeline.model.models,
        sandbox=sandbox_status(settings.reading),
    )
    info = ServerService(settings, facts)
    services = (
        ServedService(
            "heron.v1.ClassificationService",
            lambda server: classification_pb2_grpc.add_ClassificationServiceServicer_to_server(classification, server),
            doors={"/heron.v1.ClassificationService/Classify": classification.require_time},
            drain=classification.drain,
        ),
        ServedService(
            "heron.v1.ReadingService",
            lambda server: reading_pb2_grpc.add_ReadingServiceServicer_to_server(reading, server),
        ),
        ServedService(
            "heron.v1.TaxonomyService",
            lambda server: taxonomy_pb2_grpc.add_TaxonomyServiceServicer_to_server(taxonomy, server),
            always_serving=True,
        ),
        ServedService(
            "heron.v1.ServerService",
            lambda server: server_pb2_grpc.add_ServerServiceServicer_to_server(info, server),
            always_serving=True,
        ),
    )
    return FrontServer(settings.front, services, lambda: pipeline.pool.ready and pipeline.model.ready, pipeline.metrics)


def _features(settings: Settings) -> tuple[str, ...]:
    engine = engine_name(settings.reading)
    switched_on = {
        f"ocr:{engine}": bool(engine),
        "reflection": settings.front.reflection,
        "result-cache": settings.classify.cache_entries > 0,
    }
    return tuple(feature for feature, on in switched_on.items() if on)
