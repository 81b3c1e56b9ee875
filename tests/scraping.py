"""Fetches metrics the way Prometheus does, and reads them with its own parser."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from heron_grpc.telemetry.metrics import Metrics

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Scrape:
    """What one scrape gave."""

    families: dict[str, Metric]

    @classmethod
    def parsed(cls, text: str) -> "Scrape":
        return cls({family.name: family for family in text_string_to_metric_families(text)})

    def value(self, name: str, **labels: str) -> float:
        """Of the one sample with this name and exactly these labels; 0 without one."""
        return next((sample.value for sample in self.samples() if (sample.name, sample.labels) == (name, labels)), 0.0)

    def series(self) -> int:
        """How many there are."""
        return len(list(self.samples()))

    def samples(self) -> Iterator:
        return (sample for family in self.families.values() for sample in family.samples)


def collected(metrics: Metrics) -> Scrape:
    """Without a port in between."""
    return Scrape.parsed(generate_latest(metrics.registry).decode())


async def fetch(address: str, request: bytes = REQUEST) -> tuple[bytes, str]:
    """Status line and headers, and body, as they came until the server hung up."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return head, body.decode()


async def scrape(address: str) -> Scrape:
    """What GET /metrics gives."""
    head, body = await fetch(address)
    assert head.startswith(b"HTTP/1.1 200 ")
    return Scrape.parsed(body)
