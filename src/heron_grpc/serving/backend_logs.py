"""Forwards what the model backend writes, line by line: it kept content out where it logged."""

import json
import logging
import re

from heron_grpc.telemetry.logging import get_logger

# BentoML writes "2026-01-31T12:00:00+0000 [ERROR] [entry_service:...] message".
_RECORD = re.compile(r"^\S+ \[(DEBUG|INFO|WARNING|ERROR|CRITICAL)\] \[[^\]]*\] (.*)$")
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt))\b")
_CLI_ERROR = re.compile(r"^Error: (.*)$")
_MOST_CHARS = 300
_OWN_FIELDS = ("event", "level", "timestamp", "component")

_log = get_logger(__name__)


def forward_line(line: str, pid: int) -> None:
    """Logs a line the backend wrote: our own events as they are, records of BentoML shortened, all else by its kind."""
    if own := _own_event(line):
        level, event, fields = own
        _log.log(level, event, pid=pid, **fields)
    elif match := _RECORD.match(line):
        level = logging.getLevelNamesMapping()[match[1]]
        _log.log(level if level >= logging.WARNING else logging.DEBUG, "backend_said", pid=pid, text=_short(match[2]))
    elif match := _CLI_ERROR.match(line):
        _log.warning("backend_command_failed", pid=pid, text=_short(match[1]))
    elif match := _EXCEPTION.match(line):
        _log.warning("backend_raised", pid=pid, kind=match[1])


def _own_event(line: str) -> tuple[int, str, dict[str, object]] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
        level = logging.getLevelNamesMapping()[fields["level"].upper()]
        event = str(fields["event"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return level, event, {name: value for name, value in fields.items() if name not in (*_OWN_FIELDS, "pid")}


def _short(text: str) -> str:
    return text[:_MOST_CHARS]
