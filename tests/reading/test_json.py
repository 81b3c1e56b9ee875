"""JSON: values under their paths, lists of objects as tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.reading import json_values

Read = Callable[..., Reading]


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def test_each_value_stands_under_its_path(read: Read) -> None:
    content = b'{"a": {"b": "c", "d": [1, 2.50, true, null]}, "e": [{"f": {"g": "h"}}, [3]], "a": "again"}'
    assert read(content).text.split("\n") == ["a.b: c", "a.d: 1, 2.50, true", "e[1].f.g: h", "e[2]: 3", "a: again"]


def test_a_list_of_flat_objects_is_a_table(read: Read) -> None:
    reading = read(b'{"items": [{"sku": "x", "price": 12.50}, {"sku": "y", "tags": ["a", "b"]}]}')
    assert reading.tables[0].rows == (("sku", "price", "tags"), ("x", "12.50", ""), ("y", "", "a, b"))
    assert reading.text == "items:\nsku\tprice\ttags\nx\t12.50\ny\t\ta, b"


def test_numbers_keep_all_their_digits(read: Read) -> None:
    assert (
        read(b'{"account": 12345678901234567890123, "rate": 0.1000}').text
        == "account: 12345678901234567890123\nrate: 0.1000"
    )


def test_json_lines_are_a_table(read: Read) -> None:
    reading = read(b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n')
    assert reading.tables[0].rows == (("a", "b"), ("1", "2"), ("3", "4"))


@pytest.mark.parametrize("content", [b'{"a": 1,\n"b": 2' + b" " * 70_000, b"[" * 70_000 + b"]" * 70_000])
def test_what_is_no_json_after_all_is_read_as_text_with_a_warning(read: Read, content: bytes) -> None:
    reading = read(content)
    assert reading.text == content.decode()
    assert codes(reading) == ["SYNTAX_BROKEN"]


def test_a_large_file_is_read_value_by_value(read: Read, tmp_path: Path) -> None:
    item = b'{"name": "x", "in": {"n": 1.50, "ok": true, "no": null}},'
    path = tmp_path / "large.json"
    path.write_bytes(b'{"items": [' + item * (json_values._MOST_BYTES_AT_ONCE // len(item) + 1) + b'"end"]}')
    reading = read(path, max_text_chars=10_000)
    assert reading.text.startswith("items.name: x\nitems.in.n: 1.50\nitems.in.ok: true\nitems.name: x\n")
    assert codes(reading) == ["TEXT_TRUNCATED"]


def test_a_large_file_nested_without_end_is_read_as_text(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_bytes(b"[" * (json_values._MOST_BYTES_AT_ONCE + 1))
    assert "SYNTAX_BROKEN" in codes(read(path, max_text_chars=1_000))
