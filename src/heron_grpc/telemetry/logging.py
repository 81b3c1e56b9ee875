"""Structured logs: one event per fact, ids and sizes, never content."""

import inspect
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from typing import TextIO

import structlog

# Innermost frames and linked exceptions that are told; endless recursion has a thousand of both.
_MOST_FRAMES = 20
_MOST_EXCEPTIONS = 8


def configure(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Sends structlog's and the standard library's records to `stream` (stderr), one line each.

    Once a process, after the libraries in it have set up their logging: it takes their handlers away.
    """
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_values,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_library_record, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            use_get_message=False,
        )
    )
    _take_over(handler)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry the request id bound in this context, if any."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(component=name)
    return logger


def bind_request(**facts: str) -> None:
    """Adds facts, such as request_id, to every line logged in this task."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**facts)


def exception_without_values(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A structlog processor: exc_info as types and frames. Messages, notes and variables may quote a document."""
    error = _exception(event.pop("exc_info", None))
    if error:
        event["exception"] = "; from ".join(map(_types_and_frames, _chain(error)))
    return event


def _take_over(handler: logging.Handler) -> None:
    """Leaves no other way for a library's record to be written."""
    # Libraries speak only when something is wrong.
    handler.setLevel(logging.WARNING)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    # A record that cannot be written would be printed with its arguments.
    logging.raiseExceptions = False


def _library_record(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Who says it, where, and the message as it stands in the code; without arguments, which may be content."""
    record: logging.LogRecord = event["_record"]
    event.pop("stack_info", None)
    event["event"] = "library_said"
    event["library"] = record.name
    event["place"] = f"{record.filename}:{record.lineno} {record.funcName}"
    if template := _literal_message(record):
        event["template"] = template
    return event


def _literal_message(record: logging.LogRecord) -> str | None:
    """The message if it is a literal of the function that logs it; one put together there may hold anything."""
    frame = inspect.currentframe()
    while frame and (frame.f_code.co_filename, frame.f_code.co_name) != (record.pathname, record.funcName):
        frame = frame.f_back
    is_literal = frame and isinstance(record.msg, str) and record.msg in frame.f_code.co_consts
    return record.msg if is_literal else None


def _exception(given: object) -> BaseException | None:
    """What structlog and logging take as exc_info: True, an exception, or a tuple with one in its middle."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and the members of groups, each once."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending and len(found) < _MOST_EXCEPTIONS:
        link = pending.pop(0)
        if link is None or any(link is other for other in found):
            continue
        found.append(link)
        pending.append(link.__cause__ or (None if link.__suppress_context__ else link.__context__))
        if isinstance(link, BaseExceptionGroup):
            pending.extend(link.exceptions)
    return iter(found)


def _types_and_frames(error: BaseException) -> str:
    """Innermost frame first: "ValueError at wire.py:12 _item < wire.py:40 decode_request"."""
    frames = [
        f"{PurePath(frame.f_code.co_filename).name}:{line} {frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    places = " < ".join(reversed(frames[-_MOST_FRAMES:]))
    return f"{type(error).__qualname__} at {places}" if places else type(error).__qualname__
