"""A log of one's own, with the process's logging as it was afterwards."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from heron_grpc.telemetry.logging import configure

Lines = Callable[[], list[dict[str, str]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Gives what was logged as JSON so far."""
    root = logging.getLogger()
    handlers, level, complains = root.handlers[:], root.level, logging.raiseExceptions
    stream = io.StringIO()
    configure("info", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level, logging.raiseExceptions = handlers, level, complains
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
