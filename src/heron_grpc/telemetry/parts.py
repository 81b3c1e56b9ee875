"""What the parts of the service can be asked about themselves; all counts are since the service started."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class PoolState(Protocol):
    """The reading pool."""

    @property
    def waiting(self) -> int:
        """Documents that wait for a child."""

    @property
    def busy(self) -> int:
        """Children at work."""

    @property
    def documents(self) -> int:
        """Documents given to a child."""

    @property
    def refusals(self) -> int:
        """Documents that were given to none, having ended several before."""

    @property
    def kills(self) -> Mapping[str, int]:
        """Why, of a handful of reasons -> children killed."""


class SpoolState(Protocol):
    """Where documents lie while they are in work."""

    @property
    def bytes_held(self) -> int:
        """Bytes they take."""


class IntakeState(Protocol):
    """Where requests come in."""

    @property
    def bytes_held(self) -> int:
        """Bytes of their texts and small files, in memory."""


class ModelState(Protocol):
    """The model backend as the front sees it."""

    @property
    def ready(self) -> bool:
        """Whether it answers that it is ready."""

    @property
    def breaker_open(self) -> bool:
        """Whether calls are refused because several failed in a row."""

    @property
    def waiting(self) -> int:
        """Texts that wait for a call."""

    @property
    def calls_in_flight(self) -> int:
        """Calls under way."""

    @property
    def batch_sizes(self) -> Mapping[int, int]:
        """Texts in a call -> calls made."""

    @property
    def model_version(self) -> str:
        """Empty while the backend is away."""


class BackendState(Protocol):
    """The model backend's process."""

    @property
    def restarts(self) -> int:
        """How often it was started again."""


class FrontState(Protocol):
    """The gRPC front."""

    @property
    def serving(self) -> bool:
        """Whether health says SERVING."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Whom to ask."""

    pool: PoolState
    spool: SpoolState
    intake: IntakeState
    model: ModelState
    # None when it runs elsewhere.
    backend: BackendState | None
    front: FrontState
