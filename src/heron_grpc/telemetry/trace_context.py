"""The W3C trace context callers send, checked (https://www.w3.org/TR/trace-context/)."""

import re

TRACEPARENT = "traceparent"
# Version 00, and the part later versions must start with; trace and span ids of zeros alone are invalid.
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.{0,200})?")


def checked_traceparent(value: str) -> str:
    """The value when it is a valid traceparent of any version, without what later versions append; else empty."""
    if not _FORM.fullmatch(value) or (value.startswith("00") and len(value) != 55):
        return ""
    return value[:55]


def trace_id(traceparent: str) -> str:
    """The trace id (32 hex digits) of a checked traceparent; empty for an empty one."""
    return traceparent[3:35]
