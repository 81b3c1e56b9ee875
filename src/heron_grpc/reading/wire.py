"""What travels between the pool and its children: length-prefixed JSON, checked against the domain's types on arrival.

A child that has been taken over by a document can send any bytes. JSON against a fixed schema can say nothing but a
reading or an error of known kind, where unpickling could run code or never end; for 20,000 words it is also faster
(27 ms to write and 84 ms to read against 118 and 139 ms, measured).
"""

import re
import struct
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter
from pydantic_core import PydanticSerializationError

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.errors import (
    CorruptDocument,
    DocumentError,
    EmptyDocument,
    EncryptedDocument,
    HeronError,
    NotFound,
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
        NotFound,
        ReaderUnavailable,
        ReadingLimitExceeded,
        UnsupportedMediaType,
    )
}


_LONGEST_MESSAGE = 500
_LONGEST_CAUSE = 200
_MOST_METADATA = 8
_LONGEST_METADATA = 200
_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9_.]")


def _known(kind: str) -> str:
    if kind not in _ERRORS:
        raise ValueError
    return kind


_Value = Annotated[str, Field(max_length=_LONGEST_METADATA)]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error by the name of its class; who reads one from a pipe can rely on its bounds."""

    kind: Annotated[str, AfterValidator(_known)]
    message: Annotated[str, Field(max_length=_LONGEST_MESSAGE)]
    metadata: Annotated[dict[_Value, _Value], Field(max_length=_MOST_METADATA)] = field(default_factory=dict)
    # Name of the foreign exception's type, for the log.
    cause: Annotated[str, Field(max_length=_LONGEST_CAUSE, pattern="^[A-Za-z0-9_.]*$")] = ""


def encode_request(request: ReadRequest) -> bytes:
    """The request without its length. Raises ProtocolError for what JSON cannot say, such as a lone surrogate."""
    try:
        return _requests().dump_json(request)
    except PydanticSerializationError as error:
        raise ProtocolError("the request cannot be sent") from error


def decode_request(payload: bytes) -> ReadRequest:
    """The request `encode_request` was given."""
    return _requests().validate_json(payload)


def as_error(failure: Failure) -> HeronError:
    """The error a child told of. Raises ProtocolError for one it may not send."""
    try:
        return _ERRORS[failure.kind](failure.message, metadata=failure.metadata)
    except KeyError as error:
        raise ProtocolError("the reader answered what it must not") from error


def as_failure(error: HeronError) -> Failure:
    """The error as it travels, cut to what may."""
    cause = type(error.__cause__).__name__ if error.__cause__ else ""
    metadata = list(error.metadata.items())[:_MOST_METADATA]
    return Failure(
        type(error).__name__,
        error.message[:_LONGEST_MESSAGE],
        {key[:_LONGEST_METADATA]: value[:_LONGEST_METADATA] for key, value in metadata},
        _NOT_IN_A_NAME.sub("", cause)[:_LONGEST_CAUSE],
    )


@cache
def _requests() -> TypeAdapter[ReadRequest]:
    return TypeAdapter(ReadRequest)
