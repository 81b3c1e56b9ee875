"""What a call to the service can end with, as typed errors.

HeronServiceError      catches all of these; its attributes say what happened
├── InvalidRequest     the options, a name or the order of messages break a documented rule: see `violations`
├── InvalidDocument    the document cannot be read: empty, damaged, encrypted, too large, of an unknown type
├── NotFound           no such taxonomy or model
├── AccessDenied       credentials are missing or do not allow the call
├── Overloaded         the service has too much to do: again after `retry_after_s`
├── Unavailable        the service, or a part of it, is away: again later
├── DeadlineExceeded   the time given did not suffice
├── Cancelled          the call was given up
└── ServiceDefect      the service failed; its log says why under `request_id`
"""

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_STATUS_DETAILS_KEY = "grpc-status-details-bin"
_REQUEST_ID_KEY = "x-request-id"
_ABOUT_THE_REQUEST = {"", "INVALID_REQUEST"}


class HeronServiceError(Exception):
    """A call, or one document of a bulk call, that did not succeed.

    `code` is the gRPC status, `reason` the stable upper-snake code to branch on (e.g. "DOCUMENT_ENCRYPTED"; empty when
    the service could not be reached), `metadata` its facts, `violations` (field, description) pairs of a bad request,
    `retry_after_s` when it is worth trying again, `request_id` what finds the call in the service's log.

    >>> try:
    ...     client.classify_file("statement.pdf")
    ... except InvalidDocument as error:
    ...     print(error.reason)
    ... except HeronServiceError as error:
    ...     print(error.code, error.request_id)
    """

    def __init__(self, error: "grpc.RpcError | status_pb2.Status", request_id: str = "") -> None:
        """`error` as gRPC raises it, or as a bulk result holds it; `request_id` when the error itself knows none."""
        status = error if isinstance(error, status_pb2.Status) else _status(error)
        self.code = _code(status.code)
        self.message: str = status.message or self.code.name
        super().__init__(f"{self.code.name}: {self.message}")
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.violations: tuple[tuple[str, str], ...] = ()
        self.retry_after_s: float | None = None
        self.request_id = request_id if isinstance(error, status_pb2.Status) else _request_id(error) or request_id
        self._status = status
        self._read_details(status)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process boundaries in pools.
        return _rebuilt, (type(self), self._status.SerializeToString(), self.request_id)

    def _read_details(self, status: status_pb2.Status) -> None:
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            request = error_details_pb2.RequestInfo()
            bad_request = error_details_pb2.BadRequest()
            retry = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                self.reason = info.reason
                self.metadata = dict(info.metadata)
            elif detail.Unpack(request):
                self.request_id = request.request_id
            elif detail.Unpack(bad_request):
                self.violations = tuple((found.field, found.description) for found in bad_request.field_violations)
            elif detail.Unpack(retry):
                self.retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()


class InvalidRequest(HeronServiceError):
    """The options, a name or the order of messages break a documented rule; asking again changes nothing."""


class InvalidDocument(HeronServiceError):
    """The document cannot be read: `reason` says why; asking again changes nothing."""


class NotFound(HeronServiceError):
    """No such taxonomy or model."""


class AccessDenied(HeronServiceError):
    """Credentials are missing or do not allow the call."""


class Overloaded(HeronServiceError):
    """The service has too much to do; `retry_after_s` says when to ask again."""


class Unavailable(HeronServiceError):
    """The service, or the part of it that `reason` names, is away."""


class DeadlineExceeded(HeronServiceError):
    """The time given did not suffice."""


class Cancelled(HeronServiceError):
    """The call was given up."""


class ServiceDefect(HeronServiceError):
    """The service failed on this call; its log says why under `request_id`."""


_KINDS: dict[grpc.StatusCode, type[HeronServiceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.FAILED_PRECONDITION: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNAUTHENTICATED: AccessDenied,
    grpc.StatusCode.PERMISSION_DENIED: AccessDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.INTERNAL: ServiceDefect,
    grpc.StatusCode.UNKNOWN: ServiceDefect,
    grpc.StatusCode.DATA_LOSS: ServiceDefect,
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def service_error(error: "grpc.RpcError | status_pb2.Status", request_id: str = "") -> HeronServiceError:
    """The error as the kind that its code and reason say it is."""
    plain = HeronServiceError(error, request_id)
    kind = _KINDS.get(plain.code, HeronServiceError)
    if kind is InvalidRequest and plain.reason not in _ABOUT_THE_REQUEST:
        kind = InvalidDocument
    return kind(error, request_id)


def local_error(code: grpc.StatusCode, message: str, request_id: str = "") -> HeronServiceError:
    """An error that the client itself comes to, e.g. a deadline that passed between two attempts."""
    return service_error(status_pb2.Status(code=code.value[0], message=message), request_id)


def _rebuilt(kind: type[HeronServiceError], status: bytes, request_id: str) -> HeronServiceError:
    return kind(status_pb2.Status.FromString(status), request_id)


def _code(number: int) -> grpc.StatusCode:
    return _CODES.get(number, grpc.StatusCode.UNKNOWN)


def _status(error: grpc.RpcError) -> status_pb2.Status:
    """Code and message as gRPC tells them, details from the google.rpc.Status that travels with the error, if any."""
    details = status_pb2.Status()
    encoded = _trailing(error, _STATUS_DETAILS_KEY)
    if isinstance(encoded, bytes):
        try:
            details = status_pb2.Status.FromString(encoded)
        except DecodeError:
            details = status_pb2.Status()
    code = error.code().value[0]
    return status_pb2.Status(code=code, message=error.details() or "", details=details.details)


def _request_id(error: grpc.RpcError) -> str:
    return str(_trailing(error, _REQUEST_ID_KEY) or "")


def _trailing(error: grpc.RpcError, wanted: str) -> Any:
    metadata: Any = error.trailing_metadata() or ()
    return next((value for key, value in metadata if key == wanted), None)
