"""What a call to the service can end with, as one typed error."""

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_STATUS_DETAILS_KEY = "grpc-status-details-bin"


class HeronServiceError(Exception):
    """A call that did not succeed.

    `code` is the gRPC status, `reason` the stable upper-snake code to branch on (e.g. "DOCUMENT_ENCRYPTED"; empty when
    the service could not be reached), `metadata` its facts, `violations` (field, description) pairs of a bad request,
    `retry_after_s` when it is worth trying again, `request_id` what finds the call in the service's log.
    """

    def __init__(self, error: grpc.RpcError) -> None:
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details() or self.code.name
        super().__init__(f"{self.code.name}: {self.message}")
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.violations: tuple[tuple[str, str], ...] = ()
        self.retry_after_s: float | None = None
        self.request_id = ""
        self._read_details(error)

    def _read_details(self, error: grpc.RpcError) -> None:
        """Fills the typed parts from the google.rpc.Status that travels with the error, if one does."""
        for detail in _status(error).details:
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


def _status(error: grpc.RpcError) -> status_pb2.Status:
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == _STATUS_DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()
