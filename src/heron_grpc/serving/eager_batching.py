"""Takes the waiting out of BentoML's batching: a batch is what is there when the model is free."""

from typing import Any

from bentoml._internal.marshal.dispatcher import CorkDispatcher, Optimizer


class EagerOptimizer(Optimizer):
    """Sends what is there. BentoML's own learns a wait that lingers: after a burst single calls took 150 ms, not 7."""

    def __init__(self, max_latency: float) -> None:
        super().__init__(max_latency)
        # The expected cost of a batch: only used to wait for more and to refuse early, neither of which is wanted.
        self.o_a = 0.0
        self.o_b = 0.0

    def log_outbound(self, n: int, wait: float, duration: float) -> None:
        """Learns nothing."""

    def trigger_refresh(self) -> None:
        """Leaves the wait at 0."""


def hold_wait_at_zero(dispatchers: dict[str, CorkDispatcher[Any, Any]]) -> None:
    """Replaces the optimizer of each dispatcher, before its first call."""
    for dispatcher in dispatchers.values():
        dispatcher.optimizer = EagerOptimizer(dispatcher.max_latency)
