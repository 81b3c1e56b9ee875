"""What travels between the pool and its children: length-prefixed JSON, checked against the domain's types on arrival.

A child that has been taken over by a document can send any bytes. JSON against a fixed schema can say nothing but a
reading or an error of known kind, where unpickling could run code or never end; for 20,000 words it is also faster
(27 ms to write and 84 ms to read against 118 and 139 ms, measured).
"""

import struct
from dataclasses import dataclass, field
from functools import cache

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from heron_grpc.domain.document import Reading, ReadRequest
from heron_grpc.domain.errors import (
    CorruptDocument,
    DocumentError,
    EmptyDocument,
    EncryptedDocument,
    HeronError,
    ProtocolError,
    ReaderUnavailable,
    ReadingLimitExceeded,
    UnsupportedMediaType,
)

# Length of the message that follows; also the form of a child's greeting, its process id.
HEADER = struct.Struct("!Q")

_ERRORS: dict[str, type[HeronError]] = {
    error.__name__: error
    for error in (
        CorruptDocument,
        DocumentError,
        EmptyDocument,
        EncryptedDocument,
        ReaderUnavailable,
        ReadingLimitExceeded,
        UnsupportedMediaType,
    )
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error by the name of its class."""

    kind: str
    message: str
    metadata: dict[str, str] = field(default_factory=dict)
    # Name of the foreign exception's type, for the log.
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child says of a request: one of the two."""

    reading: Reading | None = None
    failure: Failure | None = None


def encode_request(request: ReadRequest) -> bytes:
    """The request without its length."""
    return _requests().dump_json(request)


def decode_request(payload: bytes) -> ReadRequest:
    """The request `encode_request` was given."""
    return _requests().validate_json(payload)


def encode_answer(answer: Answer) -> bytes:
    """The answer without its length. Raises ProtocolError for what JSON cannot say, such as a lone surrogate."""
    try:
        return _answers().dump_json(answer)
    except PydanticSerializationError as error:
        raise ProtocolError("the reading cannot be sent") from error


def decode_answer(payload: bytes) -> Answer:
    """The answer in `payload`, whoever wrote it. Raises ProtocolError when it is none."""
    try:
        answer = _answers().validate_json(payload)
    except ValidationError as error:
        raise ProtocolError("the reader answered what it must not") from error
    if (answer.reading is None) == (answer.failure is None):
        raise ProtocolError("the reader answered what it must not")
    return answer


def as_error(failure: Failure) -> HeronError:
    """The error a child told of. Raises ProtocolError for one it may not send."""
    try:
        return _ERRORS[failure.kind](failure.message, metadata=failure.metadata)
    except KeyError as error:
        raise ProtocolError("the reader answered what it must not") from error


def as_failure(error: HeronError) -> Failure:
    """The error as it travels."""
    cause = type(error.__cause__).__name__ if error.__cause__ else ""
    return Failure(type(error).__name__, error.message, error.metadata, cause)


@cache
def _requests() -> TypeAdapter[ReadRequest]:
    return TypeAdapter(ReadRequest)


@cache
def _answers() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)
