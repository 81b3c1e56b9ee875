"""Everything that can go wrong, as one tree.

HeronError
├── InvalidRequest            the caller's request breaks a documented rule; all violations at once
│   ├── DocumentTooLarge
│   └── UploadMismatch        what arrived is not what the client says it sent
├── DocumentError             the bytes cannot be turned into a reading
│   ├── EmptyDocument
│   ├── UnsupportedMediaType
│   ├── CorruptDocument
│   ├── EncryptedDocument
│   └── ReadingLimitExceeded  reading took more CPU, memory, output or time than one document may, or killed its reader
├── NotFound
├── Overloaded                try again later: a queue is full
├── Unavailable               a part of the service is away
│   ├── ModelUnavailable
│   └── ReaderUnavailable
├── DeadlineExceeded
├── Cancelled                 the caller gave the work up
├── ModelFailed               the model cannot work on this text
├── ConfigurationError        the deployment is set up wrongly; raised at start-up
│   └── ModelFileRefused      a model file is missing, damaged or not the one its manifest names
└── ProtocolError             a part of the service answered what it must not

Messages are written for the caller and hold no document text, path or secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


class HeronError(Exception):
    """Root of the tree. `reason` is the stable upper-snake code clients branch on."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        # Facts for machines, e.g. {"max_bytes": "104857600"}.
        self.metadata = dict(metadata or {})

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process boundaries; subclasses with more arguments extend this.
        return type(self), (self.message, self.metadata)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A request field (path in proto names) and what is wrong with it."""

    field: str
    description: str


class InvalidRequest(HeronError):
    """The request breaks documented rules."""

    reason = "INVALID_REQUEST"

    def __init__(
        self,
        message: str,
        violations: tuple[FieldViolation, ...] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, metadata)
        self.violations = violations

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.violations, self.metadata)


class DocumentTooLarge(InvalidRequest):
    """More bytes than one document may have."""

    reason = "DOCUMENT_TOO_LARGE"


class UploadMismatch(InvalidRequest):
    """Size or checksum differ from what the client says it sent."""

    reason = "UPLOAD_MISMATCH"


class DocumentError(HeronError):
    """The bytes cannot be turned into a reading."""

    reason = "DOCUMENT_UNREADABLE"


class EmptyDocument(DocumentError):
    """There are no bytes."""

    reason = "DOCUMENT_EMPTY"


class UnsupportedMediaType(DocumentError):
    """No reader for what the bytes are."""

    reason = "UNSUPPORTED_MEDIA_TYPE"


class CorruptDocument(DocumentError):
    """The bytes start like a known format but cannot be parsed as one."""

    reason = "DOCUMENT_CORRUPT"


class EncryptedDocument(DocumentError):
    """A password is needed."""

    reason = "DOCUMENT_ENCRYPTED"


class ReadingLimitExceeded(DocumentError):
    """The document took more than one document may; metadata["limit"] is cpu, memory, output, wall, crash or refused.

    Refused: it has ended several readers before.
    """

    reason = "READING_LIMIT_EXCEEDED"


class NotFound(HeronError):
    """No resource of that name."""

    reason = "NOT_FOUND"


class Overloaded(HeronError):
    """A queue is full; worth trying again after `retry_after_s`."""

    reason = "OVERLOADED"

    def __init__(self, message: str, retry_after_s: float = 1.0, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, metadata)
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.retry_after_s, self.metadata)


class Unavailable(HeronError):
    """A part of the service is away; worth trying again after `retry_after_s`."""

    reason = "UNAVAILABLE"
    retry_after_s: ClassVar[float] = 1.0


class ModelUnavailable(Unavailable):
    """The model backend does not answer."""

    reason = "MODEL_UNAVAILABLE"


class ReaderUnavailable(Unavailable):
    """No reading child can be had."""

    reason = "READER_UNAVAILABLE"


class DeadlineExceeded(HeronError):
    """The caller's deadline passed."""

    reason = "DEADLINE_EXCEEDED"


class Cancelled(HeronError):
    """The caller gave the work up."""

    reason = "CANCELLED"


class ModelFailed(HeronError):
    """The model cannot work on this text; trying again will not help."""

    reason = "MODEL_FAILED"


class ConfigurationError(HeronError):
    """The deployment is set up wrongly."""

    reason = "CONFIGURATION"


class ModelFileRefused(ConfigurationError):
    """A model file is missing, damaged or not the one its manifest names."""

    reason = "MODEL_FILE_REFUSED"


class ProtocolError(HeronError):
    """A part of the service answered what it must not."""

    reason = "PROTOCOL"
