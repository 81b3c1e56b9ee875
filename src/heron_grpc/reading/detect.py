"""What the bytes are: their content decides, a name only splits kinds of plain text."""

from pathlib import Path

from heron_grpc.domain.errors import EmptyDocument, EncryptedDocument
from heron_grpc.reading import media_types as types
from heron_grpc.reading.containers import OLE_SIGNATURE, ZIP_SIGNATURES, by_ole_directory, by_zip_directory
from heron_grpc.reading.decoding import decode
from heron_grpc.reading.signatures import by_signature
from heron_grpc.reading.text_rules import by_text_rules

_HEAD_BYTES = 64 * 1024
_ENCRYPTED = frozenset({types.PGP, types.RIGHTS_PROTECTED})


def detect(path: str, filename: str = "") -> str:
    """The media type of the file; "application/octet-stream" when nothing is known about it. About 1 ms.

    Raises EmptyDocument, and CorruptDocument or EncryptedDocument where damage or encryption hides what it is.
    """
    with Path(path).open("rb") as file:
        head = file.read(_HEAD_BYTES)
        complete = not file.read(1)
    if not head:
        raise EmptyDocument("the document has no bytes")
    if head.startswith(OLE_SIGNATURE):
        return by_ole_directory(path)
    if head.startswith(ZIP_SIGNATURES):
        return by_zip_directory(path)
    media_type = by_signature(head) or _by_text(head, complete=complete, filename=filename)
    if media_type in _ENCRYPTED:
        raise EncryptedDocument("the document is encrypted", {"media_type": media_type})
    return media_type


def _by_text(head: bytes, *, complete: bool, filename: str) -> str:
    decoded = decode(head)
    if decoded is None:
        return types.UNKNOWN
    return by_text_rules(decoded.text.removeprefix("\ufeff"), complete=complete, filename=filename)
