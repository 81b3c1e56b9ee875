"""Heron's client: ask a Heron service what documents are and what they say."""

from heron.aio import AsyncHeronClient
from heron.client import HeronClient
from heron.documents import Document
from heron.errors import (
    AccessDenied,
    Cancelled,
    DeadlineExceeded,
    HeronServiceError,
    InvalidDocument,
    InvalidRequest,
    NotFound,
    Overloaded,
    ServiceDefect,
    Unavailable,
)
from heron.messages import Classification, Options, PageImage, ReadOptions
from heron.reading_assembly import Page, Reading
from heron.results import BulkProgress, BulkResult, ReadProgress, UploadProgress
from heron.retry import RetryPolicy

__all__ = [
    "AccessDenied",
    "AsyncHeronClient",
    "BulkProgress",
    "BulkResult",
    "Cancelled",
    "Classification",
    "DeadlineExceeded",
    "Document",
    "HeronClient",
    "HeronServiceError",
    "InvalidDocument",
    "InvalidRequest",
    "NotFound",
    "Options",
    "Overloaded",
    "Page",
    "PageImage",
    "ReadOptions",
    "ReadProgress",
    "Reading",
    "RetryPolicy",
    "ServiceDefect",
    "Unavailable",
    "UploadProgress",
]
