"""`heron serve`: the whole service in one command."""

import asyncio
import gc
import signal
import time
from pathlib import Path

import uvloop

from heron.client import Options
from heron_grpc.cli import classify, exit_codes
from heron_grpc.rpc.server import FrontServer
from heron_grpc.settings import Settings, load_settings, release
from heron_grpc.telemetry import logging
from heron_grpc.wiring import running

# Past this the demonstration is given up; the service itself goes on trying.
_READY_WITHIN_S = 60.0
_POLL_S = 0.05

_log = logging.get_logger(__name__)


def run(samples: list[Path]) -> int:
    """Serves until SIGTERM, SIGINT or SIGHUP, then drains. Raises ConfigurationError when set up wrongly."""
    settings = load_settings()
    logging.configure(settings.log.level, settings.log.format)
    uvloop.run(_serve(settings, samples))
    return exit_codes.OK


async def _serve(settings: Settings, samples: list[Path]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    started = time.monotonic()
    async with running(settings) as front:
        # What exists now stays: a full collection would otherwise stop every call for 20 ms and more to look at it.
        gc.freeze()
        announcement = asyncio.create_task(_announce(front, started, samples))
        announcement.add_done_callback(_report)
        await stop.wait()
        announcement.cancel()


def _report(announcement: asyncio.Task[None]) -> None:
    """The service stays up when nobody can be told about it, a closed stdout for instance."""
    if not announcement.cancelled() and (error := announcement.exception()):
        _log.warning("announcement_failed", kind=type(error).__name__)


async def _announce(front: FrontServer, started: float, samples: list[Path]) -> None:
    """Says when the service is ready and shows what it can do."""
    while not front.serving and time.monotonic() - started < _READY_WITHIN_S:  # noqa: ASYNC110  polled by nature
        await asyncio.sleep(_POLL_S)
    if not front.serving:
        print(f"heron {release()} is not ready after {_READY_WITHIN_S:.0f} s; the log says why", flush=True)
        return
    seconds = time.monotonic() - started
    print(f"heron {release()} is ready on {front.address} after {seconds:.1f} s", flush=True)
    if samples:
        request = classify.Request(front.address, Options())
        await asyncio.to_thread(classify.run, [str(path) for path in samples], request, json_lines=False)
        print(f"listening on {front.address}; Ctrl-C stops it", flush=True)
