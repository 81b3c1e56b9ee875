"""A BentoML service that never waits for a batch to fill and reads its worker count when it is served."""

from typing import Any, TypeVar

from _bentoml_sdk import Service

from heron_grpc.settings import load_settings

T = TypeVar("T")


class EagerService(Service[T]):  # type: ignore[misc]  # BentoML is untyped
    """Follows the settings at serving time, so that importing the service reads no environment."""

    def inject_config(self) -> None:
        """Adds the number of workers to the service's configuration."""
        self.config["workers"] = load_settings().serving.backend_workers
        super().inject_config()

    def to_asgi(self, is_main: bool = True) -> Any:
        """The worker's application."""
        # Imported here: a second of imports the process that only watches the workers does not need.
        from _bentoml_impl.server.app import ServiceAppFactory  # noqa: PLC0415

        from heron_grpc.serving.eager_batching import hold_wait_at_zero  # noqa: PLC0415

        self.inject_config()
        factory = ServiceAppFactory(self, is_main=is_main)
        hold_wait_at_zero(factory.dispatchers)
        return factory()
