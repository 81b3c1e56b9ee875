"""Heron's client: ask a Heron service what documents are."""

from heron.client import HeronClient
from heron.errors import HeronServiceError

__all__ = ["HeronClient", "HeronServiceError"]
