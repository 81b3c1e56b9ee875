"""The error table: every error of ours as a gRPC code with google.rpc details."""

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from heron_grpc.domain import errors

# Clients take 8 KiB of trailing metadata by default: details must fit with room to spare.
_MOST_VIOLATIONS = 20
_ERROR_DOMAIN = "heron"

# The nearest ancestor of an error decides its code.
CODES: dict[type[errors.HeronError], grpc.StatusCode] = {
    errors.HeronError: grpc.StatusCode.INTERNAL,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.DocumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.EncryptedDocument: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Cancelled: grpc.StatusCode.CANCELLED,
}


def code_of(error: errors.HeronError) -> grpc.StatusCode:
    """The gRPC code an error is answered with."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def status_of(error: errors.HeronError, request_id: str) -> status_pb2.Status:
    """The google.rpc.Status of an error: ErrorInfo and RequestInfo always, the others as they fit."""
    status = status_pb2.Status(code=code_of(error).value[0], message=error.message)
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=_ERROR_DOMAIN, metadata=error.metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if isinstance(error, errors.InvalidRequest) and error.violations:
        details.append(_bad_request(error.violations))
    if isinstance(error, errors.Overloaded):
        subject = error.metadata.get("resource", "queue")
        violation = error_details_pb2.QuotaFailure.Violation(subject=subject, description=error.message)
        details.append(error_details_pb2.QuotaFailure(violations=[violation]))
    if isinstance(error, errors.Overloaded | errors.Unavailable):
        details.append(error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_after_s)))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration


def _bad_request(violations: tuple[errors.FieldViolation, ...]) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in violations[:_MOST_VIOLATIONS]
        ]
    )
