"""Plain text and tables as text."""

from collections.abc import Callable

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument, UnsupportedMediaType
from heron_grpc.settings import MIB, ReadingSettings

Read = Callable[..., Reading]
GERMAN = "Größe der Füße: zwölf Meter, für später geprüft und übergeben\nÄrger über Öl, naïve Grüße\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_read_in_its_encoding(read: Read, encoding: str) -> None:
    assert read(GERMAN.encode(encoding)).text == GERMAN


def test_guessed_encoding_is_said(read: Read) -> None:
    assert [warning.code for warning in read(GERMAN.encode("cp1252")).warnings] == ["ENCODING_GUESSED"]
    assert not read(GERMAN.encode()).warnings


def test_line_ends_are_unified(read: Read) -> None:
    assert read(b"one\r\ntwo\rthree").text == "one\ntwo\nthree"


def test_form_feeds_part_pages(read: Read) -> None:
    reading = read(b"first page\fsecond page\f")
    assert [(page.number, page.text) for page in reading.pages] == [(1, "first page"), (2, "second page")]


def test_page_range_keeps_page_numbers(read: Read) -> None:
    reading = read(b"first\fsecond\fthird", page_ranges=((2, 9),))
    assert [page.number for page in reading.pages] == [2, 3]
    assert [warning.code for warning in reading.warnings] == ["PAGES_OUT_OF_RANGE"]


def test_nothing_but_white_space_comes_with_a_warning(read: Read) -> None:
    assert [warning.code for warning in read(b" \n \n").warnings] == ["NO_TEXT_FOUND"]


def test_text_beyond_the_limit_is_cut_with_a_warning(read: Read) -> None:
    reading = read(b"four words of text " * 100, max_text_chars=50)
    assert len(reading.text) == 50
    assert [warning.code for warning in reading.warnings] == ["TEXT_TRUNCATED"]


def test_full_pages_are_read_whole_as_many_as_there_may_be() -> None:
    settings, page_chars, page_bytes = ReadingSettings(), 4_000, 90_000
    assert settings.max_text_chars >= settings.max_pages * page_chars
    assert settings.result_mb * MIB >= settings.max_pages * page_bytes


def test_binary_behind_a_text_beginning_is_corrupt(read: Read) -> None:
    with pytest.raises(CorruptDocument):
        read(b"a line of honest text\n" * 4000 + bytes(range(256)) * 400)


def test_nulls_are_no_text(read: Read) -> None:
    with pytest.raises(UnsupportedMediaType):
        read(b"some text\0\0\0\0 and more" * 10)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_gives_a_table_and_its_text(read: Read, delimiter: str) -> None:
    content = "\n".join(delimiter.join(row) for row in (("date", "text"), ("1.1.", '"a ""b"""'), ("2.1.", "c")))
    reading = read(content.encode())
    assert reading.media_type == "text/csv"
    assert reading.tables[0].rows == (("date", "text"), ("1.1.", 'a "b"'), ("2.1.", "c"))
    assert reading.text == content


def test_csv_with_a_quote_never_closed_keeps_text_and_says_so(read: Read) -> None:
    reading = read(b'a,b\n1,2\n3,"' + b"x," * 200_000, filename="list.csv")
    assert reading.text.startswith("a,b")
    assert [warning.code for warning in reading.warnings] == ["TABLE_INCOMPLETE"]


def test_csv_with_very_many_cells_is_cut_with_a_warning(read: Read) -> None:
    reading = read(b"1,2,3,4\n" * 60_000, filename="list.csv")
    assert len(reading.tables[0].rows) == 50_000
    assert [warning.code for warning in reading.warnings] == ["TABLE_INCOMPLETE"]
