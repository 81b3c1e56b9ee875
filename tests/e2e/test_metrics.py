"""The real service gives every metric its document names, on a port of its own."""

import asyncio
import json
import re
import socket
from pathlib import Path

from heron import HeronClient
from heron.client import Options
from running import SAMPLES, Service, heron
from scraping import Scrape, scrape

DOCUMENT = Path(__file__).parents[2] / "docs/metrics.md"


def scraped(service: Service) -> Scrape:
    lines = map(json.loads, service.log.read_text().splitlines())
    address = next(line["address"] for line in lines if line["event"] == "metrics_listening")
    return asyncio.run(scrape(address))


def test_every_documented_metric_is_there_and_moves_with_the_work(service):
    with HeronClient(service.address) as client:
        client.classify_file(SAMPLES / "sample-01.pdf", options=Options(bypass_cache=True, exhaustive=True))
    found = scraped(service)
    documented = re.findall(r"^\| `([a-z_]+)` \| (?:counter|gauge|histogram)", DOCUMENT.read_text(), re.MULTILINE)
    assert {name.removesuffix("_total") for name in documented} == {*found.families}
    assert found.value("heron_serving") == 1
    assert found.value("heron_model_ready") == 1
    assert found.value("heron_model_breaker_open") == 0
    for name in (
        "heron_reading_documents_total",
        "heron_model_batch_texts_count",
        "heron_document_duration_seconds_count",
        "heron_pages_total",
        "process_cpu_seconds_total",
    ):
        assert found.value(name) > 0, name
    [build] = found.families["heron_build_info"].samples
    assert build.labels["model_version"].startswith("models/")


def test_a_port_that_is_taken_is_a_message_and_not_a_traceback():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = heron("serve", HERON_FRONT_ADDRESS="127.0.0.1:0", HERON_METRICS_ADDRESS=address)
    assert done.returncode == 2
    assert "HERON_METRICS_ADDRESS" in done.stderr
    assert "Traceback" not in done.stderr
