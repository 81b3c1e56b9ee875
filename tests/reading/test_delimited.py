"""Tables as text in whatever dialect."""

from collections.abc import Callable

import pytest

from heron_grpc.domain.document import Reading

Read = Callable[..., Reading]
Rows = tuple[tuple[str, ...], ...]


def rows(read: Read, text: str) -> Rows:
    return read(text.encode(), "table.csv").tables[0].rows


def test_decimal_commas_do_not_part_cells(read: Read) -> None:
    text = "item;net;gross\nrod;12,50;14,88\nline;3,00;3,57\nreel;99,90;118,88\n"
    assert rows(read, text)[1] == ("rod", "12,50", "14,88")


def test_commas_in_texts_do_not_part_cells(read: Read) -> None:
    text = "name\tplace\nHeron, Ada\tBergen, Norway\nCrane, Bob\tTurku, Finland\n"
    assert rows(read, text)[2] == ("Crane, Bob", "Turku, Finland")


def test_what_banks_write_above_the_table_is_not_of_it(read: Read) -> None:
    text = (
        '"Account:";"DE00 1234"\n"From:";"01.03.2024"\n\n"Balance:";"1.234,56 EUR"\n\n'
        '"Booked";"Text";"Amount";"Currency"\n"02.03.2024";"Rods; lines";"-12,50";"EUR"\n'
        '"03.03.2024";"Pay";"99,00";"EUR"\n"04.03.2024";"Pay";"98,00";"EUR"\n'
    )
    reading = read(text.encode(), "account.csv")
    assert reading.tables[0].rows == (
        ("Booked", "Text", "Amount", "Currency"),
        ("02.03.2024", "Rods; lines", "-12,50", "EUR"),
        ("03.03.2024", "Pay", "99,00", "EUR"),
        ("04.03.2024", "Pay", "98,00", "EUR"),
    )
    assert reading.text == text


def test_rows_may_differ_in_length(read: Read) -> None:
    assert rows(read, "a,b,c\n1,2\n3,4,5\n6,7,8,9\n") == (
        ("a", "b", "c"),
        ("1", "2"),
        ("3", "4", "5"),
        ("6", "7", "8", "9"),
    )


def test_empty_columns_count(read: Read) -> None:
    assert rows(read, "a,b,,\n1,,,\n,2,,\n")[1:] == (("1", "", "", ""), ("", "2", "", ""))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a,b\n'x, y','z'\n'u','v'\n'r','s'\n", ("x, y", "z")),
        ('a,b\n"x \\"y\\", z",1\n"u",2\n', ('x "y", z', "1")),
        ('a,b\n"x ""y"", z",1\n"u",2\n', ('x "y", z', "1")),
        ('a,b\n"two\nlines",1\n"u",2\n', ("two\nlines", "1")),
    ],
)
def test_quotes_and_escapes_are_found_out(read: Read, text: str, row: tuple[str, ...]) -> None:
    assert rows(read, text)[1] == row


def test_a_delimiter_that_is_named_counts(read: Read) -> None:
    reading = read(b"sep=|\na|b,c\n1|2,3\n", "table.csv")
    assert reading.tables[0].rows == (("a", "b,c"), ("1", "2,3"))


def test_one_column_is_a_table_too(read: Read) -> None:
    assert rows(read, "name\nAda\nBob\n") == (("name",), ("Ada",), ("Bob",))


def test_wide_encodings_without_a_mark_are_told(read: Read) -> None:
    text = "日付,金額\n三月一日,100\n三月二日,200\n" * 5
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        reading = read(text.encode(encoding), "table.csv")
        assert reading.text == text
        assert [warning.code for warning in reading.warnings] == ["ENCODING_GUESSED"]
