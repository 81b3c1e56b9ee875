"""Which models a backend hosts, and which of them a request means."""

from collections.abc import Mapping
from dataclasses import dataclass

# What a request calls the model that the deployment chose, as an empty name does.
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model that texts can be given to."""

    # Resource name, e.g. "models/nb/versions/1".
    model_version: str
    labels: tuple[str, ...]
    kind: str
    # Resource names of the models it may ask; empty for one of its own.
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """models/{model}."""
        return _without_version(self.model_version)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a ready backend says of itself."""

    # At least one; the first answers where none is asked for.
    models: tuple[HostedModel, ...]
    # Processes that share the backend's port.
    workers: int = 1
    # Of the wire, that it takes requests in.
    formats: tuple[int, ...] = ()

    @property
    def default(self) -> HostedModel:
        """The model that answers where none is asked for."""
        return self.models[0]

    def find(self, name: str) -> HostedModel | None:
        """The model that `name`, which `resource_name` gave, means; None when it is not hosted."""
        if not name:
            return self.default
        return next((model for model in self.models if is_called(model.model_version, name)), None)


def resource_name(asked: str, aliases: Mapping[str, str]) -> str:
    """models/{model} or models/{model}/versions/{version} for what a request asks for; empty for the default."""
    if asked in {"", AUTO}:
        return ""
    meant = aliases.get(asked, asked)
    return meant if "/" in meant else f"models/{meant}"


def is_called(model_version: str, name: str) -> bool:
    """Whether `name`, models/{model} with a version or without, means the model of this version."""
    return name in {model_version, _without_version(model_version)}


def _without_version(model_version: str) -> str:
    return model_version.rsplit("/versions/", 1)[0]
