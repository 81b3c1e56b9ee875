"""Documents on their way through an operation, counted: each that arrives, and why it failed if it does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from heron_grpc.domain.errors import Cancelled, HeronError, Overloaded
from heron_grpc.telemetry.metrics import Metrics


@contextmanager
def counted(metrics: Metrics, size_bytes: int) -> Iterator[None]:
    """Counts the document, and why it failed if it does; an answer is counted where it is given."""
    metrics.document_received(size_bytes)
    try:
        yield
    except Overloaded:
        # Refused, perhaps to be tried again: refusals are counted by what was full.
        raise
    except BaseException as error:  # raised on, cancelled or not
        metrics.document_failed(_reason(error))
        raise


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        # By the caller, or because the call's deadline has passed.
        return Cancelled.reason
    return error.reason if isinstance(error, HeronError) else HeronError.reason
