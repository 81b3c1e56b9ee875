"""ServerService: what this server is and can do."""

from collections.abc import Callable
from dataclasses import dataclass

from heron.v1 import server_pb2, server_pb2_grpc
from heron_grpc.reading.sandbox import SandboxStatus
from heron_grpc.rpc.calls import Context
from heron_grpc.serving.model_facts import HostedModel, is_called
from heron_grpc.settings import Settings, release


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the settings do not say about this server."""

    features: tuple[str, ...]
    media_types: tuple[str, ...]
    ocr_languages: tuple[str, ...]
    # The default first; none while the backend is away.
    models: Callable[[], tuple[HostedModel, ...]]
    sandbox: SandboxStatus


class ServerService(server_pb2_grpc.ServerServiceServicer):
    """Answers without credentials, as health does."""

    def __init__(self, settings: Settings, facts: ServerFacts) -> None:
        self._settings = settings
        self._facts = facts

    async def GetServerInfo(  # noqa: N802  named by the contract
        self, _request: server_pb2.GetServerInfoRequest, _context: Context
    ) -> server_pb2.GetServerInfoResponse:
        """Version, limits and formats a client should know before it sends anything."""
        models = [self._served(model) for model in self._facts.models()]
        return server_pb2.GetServerInfoResponse(
            version=release(),
            pipeline_version=self._settings.pipeline_version,
            model_version=models[0].model_version if models else "",
            models=models,
            limits=self._limits(),
            features=self._facts.features,
            mime_types=self._facts.media_types,
            ocr_languages=self._facts.ocr_languages,
            reading_sandbox=server_pb2.ReadingSandbox(
                landlock_abi=self._facts.sandbox.landlock_abi, seccomp=self._facts.sandbox.seccomp
            ),
        )

    def _served(self, model: HostedModel) -> server_pb2.ServedModel:
        aliases = self._settings.serving.model_aliases
        return server_pb2.ServedModel(
            model_version=model.model_version,
            kind=model.kind,
            members=model.members,
            aliases=sorted(alias for alias, name in aliases.items() if is_called(model.model_version, name)),
            category_count=len(model.labels),
        )

    def _limits(self) -> server_pb2.Limits:
        front = self._settings.front
        return server_pb2.Limits(
            max_document_bytes=front.max_document_bytes,
            max_inline_bytes=front.max_inline_bytes,
            max_message_bytes=front.max_message_bytes,
            preferred_chunk_bytes=front.preferred_chunk_bytes,
            max_chunk_bytes=front.max_chunk_bytes,
            max_text_chars=front.max_text_chars,
            max_pages=self._settings.reading.max_pages,
            max_filename_bytes=front.max_filename_bytes,
        )
