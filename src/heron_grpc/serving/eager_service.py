"""A BentoML service that never waits for a batch to fill, with the front's routes past BentoML's middlewares."""

from typing import Any, TypeVar

from _bentoml_sdk import Service

from heron_grpc.settings import load_settings

T = TypeVar("T")


class EagerService(Service[T]):  # type: ignore[misc]  # BentoML is untyped
    """Follows the settings at serving time, so that importing the service reads no environment."""

    # Calls a worker has at once of what BentoML serves; it answers 429 to more.
    calls_a_worker = 1024

    def inject_config(self) -> None:
        """Adds the number of workers to the service's configuration."""
        workers = load_settings().serving.backend_workers
        self.config["workers"] = workers
        # BentoML divides it by the number of workers.
        self.config["traffic"]["max_concurrency"] = self.calls_a_worker * workers
        super().inject_config()

    def to_asgi(self, is_main: bool = True) -> Any:
        """The worker's application."""
        # Imported here: a second of imports the process that only watches the workers does not need.
        import bentoml  # noqa: PLC0415
        from _bentoml_impl.server.app import ServiceAppFactory  # noqa: PLC0415

        from heron_grpc.serving.eager_batching import hold_wait_at_zero  # noqa: PLC0415
        from heron_grpc.serving.list_routes import ListRoutes  # noqa: PLC0415

        self.inject_config()
        factory = ServiceAppFactory(self, is_main=is_main)
        hold_wait_at_zero(factory.dispatchers)
        return ListRoutes(factory(), bentoml.get_current_service)
