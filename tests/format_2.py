"""A front and a backend of the release before wire format 3: their bytes as recorded, their checks as they were.

Run as a program it is the backend: `python format_2.py PORT LOG` answers on loopback with the one model it has, and
writes a line for each request: how many items it held, or that it was refused.
"""

import math
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgpack

TEXTS = ("Invoice no. 4711, amount due 120.00 EUR", "Straße 你好")
# For these texts, the first to be explained and with a trace context.
REQUEST = (
    b"\x82\xa6format\x02\xa5items\x92\x93\xd9'Invoice no. 4711, amount due 120.00 EUR\xc3"
    b"\xd9700-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    b"\x93\xaeStra\xc3\x9fe \xe4\xbd\xa0\xe5\xa5\xbd\xc2\xa0"
)
MODEL_VERSION = "models/elder/versions/4"
LABELS = ("financial/receivable/invoice", "legal/contract")
FACTS = (
    b"\x85\xa6format\x02\xadmodel_version\xb7models/elder/versions/4"
    b"\xa6labels\x92\xbcfinancial/receivable/invoice\xaelegal/contract\xa4kind\xabnaive_bayes\xa7workers\x01"
)
# A response up to its items, and one of these: 0.75 and 0.25, novelty 0.125, a word of weight 1.5 at 0 to 7.
RESPONSE = (
    b"\x84\xa6format\x02\xadmodel_version\xb7models/elder/versions/4"
    b"\xa6labels\x92\xbcfinancial/receivable/invoice\xaelegal/contract\xa5items"
)
PREDICTION = (
    b"\x83\xadprobabilities\xc4\x10\x00\x00\x00\x00\x00\x00\xe8?\x00\x00\x00\x00\x00\x00\xd0?"
    b"\xa7novelty\xcb?\xc0\x00\x00\x00\x00\x00\x00\xa5words\x91\x93\x00\x07\xcb?\xf8\x00\x00\x00\x00\x00\x00"
)
FAILURE = b"\x82\xa6format\x02\xa7failure\xa8PROTOCOL"


def response(items: int) -> bytes:
    """What the backend answered to so many items."""
    return RESPONSE + b"\xdc" + struct.pack(">H", items) + PREDICTION * items


def items_of(request: bytes) -> int:
    """Raises AssertionError for what the backend refused."""
    body = msgpack.unpackb(request)
    assert body.get("format") == 2
    assert 0 < len(body["items"]) <= 1024
    for entry in body["items"]:
        text, explain, traceparent = entry
        assert (type(text), type(explain), type(traceparent)) == (str, bool, str)
    return len(body["items"])


def facts_of(content: bytes) -> tuple[str, tuple[str, ...], str, int]:
    """Model version, labels, kind and workers, as the front took them. Raises AssertionError for what it refused."""
    body = msgpack.unpackb(content)
    assert body.get("format") == 2
    assert isinstance(body["workers"], int)
    assert body["workers"] >= 1
    return _string(body["model_version"]), _labels(body["labels"]), _string(body["kind"]), body["workers"]


def results_of(content: bytes, expected: int) -> list[tuple[str, dict[str, float], float, list[list[float]]]]:
    """Of each item version, probabilities, novelty and words. Raises AssertionError for what the front refused."""
    body = msgpack.unpackb(content)
    assert body.get("format") == 2
    version, labels = _string(body["model_version"]), _labels(body["labels"])
    assert len(body["items"]) == expected
    results = []
    for entry in body["items"]:
        given = struct.unpack(f"<{len(labels)}d", entry["probabilities"])
        assert min(given) >= 0
        assert abs(math.fsum(given) - 1) <= 1e-4
        assert isinstance(entry["novelty"], float)
        assert 0 <= entry["novelty"] <= 1
        assert all(0 <= start <= end and isinstance(weight, float) for start, end, weight in entry["words"])
        results.append((version, dict(zip(labels, given, strict=True)), entry["novelty"], entry["words"]))
    return results


def _string(value: object) -> str:
    assert isinstance(value, str)
    assert value
    return value


def _labels(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    assert value
    assert len(set(value)) == len(value)
    return tuple(map(_string, value))


class _Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = {"/readyz": b"", "/v1/model": FACTS}
        self._answer(200 if self.path in known else 404, known.get(self.path, b""))

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        try:
            items = items_of(content)
        except (AssertionError, ValueError, TypeError, KeyError):
            self._note("refused")
            self._answer(400, FAILURE)
        else:
            self._note(str(items))
            self._answer(200, response(items))

    def log_message(self, *_: object) -> None:
        pass

    def _note(self, what: str) -> None:
        with Path(sys.argv[2]).open("a") as log:
            log.write(what + "\n")

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/msgpack")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    # A predecessor's connections may linger on the port.
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    _Server(("127.0.0.1", int(sys.argv[1])), _Backend).serve_forever()
