"""What the command's exit status means; documented in the README."""

import grpc

OK = 0
SOME_FAILED = 1
USAGE = 2
AUTH = 3
UNAVAILABLE = 4
NEEDS_REVIEW = 5

_OF_CODES = {
    grpc.StatusCode.UNAUTHENTICATED: AUTH,
    grpc.StatusCode.PERMISSION_DENIED: AUTH,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
}


def of(code: grpc.StatusCode | None) -> int:
    """The exit status for a call that ended with `code`."""
    return _OF_CODES.get(code, SOME_FAILED) if code else SOME_FAILED
