"""What calls give beside a classification: the results of many documents, and how far a call is."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from heron.documents import Document
from heron.v1 import classification_pb2


@dataclass(frozen=True, slots=True)
class BulkResult:
    """One document's answer, or why there is none.

    `index` counts the documents from 0 in the order they were handed in. `error` is a HeronServiceError, or what
    reading the document raised (OSError for a file); exactly one of `classification` and `error` is set.
    """

    document: Document
    index: int
    classification: classification_pb2.Classification | None = None
    error: Exception | None = None

    @property
    def key(self) -> Hashable:
        """The document's key."""
        return self.document.key

    def unwrap(self) -> classification_pb2.Classification:
        """The classification. Raises `error`."""
        if self.classification is None:
            raise self.error or ValueError("a result holds a classification or an error")
        return self.classification


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far a bulk call is; its total is known to the caller alone."""

    sent_documents: int = 0
    done_documents: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How much of a document was handed to gRPC; `total_bytes` is None for a stream that cannot tell."""

    sent_bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far the reading of a document is; `expected_pages` is 0 as long as their number is not known."""

    sent_bytes: int = 0
    total_bytes: int | None = None
    pages: int = 0
    expected_pages: int = 0
    ocr_pages: int = 0


def reporter(total_bytes: int, progress: Callable[[UploadProgress], None] | None) -> Callable[[int], None]:
    """Takes the bytes sent so far and tells `progress`; `total_bytes` is 0 when it is not known."""
    if progress is None:
        return lambda _: None
    return lambda sent_bytes: progress(UploadProgress(sent_bytes, total_bytes or None))
