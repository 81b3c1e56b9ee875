"""Markdown: text as it stands, tables and front matter."""

from collections.abc import Callable

from heron_grpc.domain.document import Reading

Read = Callable[..., Reading]


def test_tables_are_tables_and_the_text_stays(read: Read) -> None:
    text = "# Prices\n\n| Item | Price \\| net |\n|:-----|-----:|\n| Rod  | 12.50 |\n| Line |\n\nafter | all\n"
    reading = read(text.encode(), "prices.md")
    assert reading.text == text
    assert [table.rows for table in reading.tables] == [(("Item", "Price | net"), ("Rod", "12.50"), ("Line",))]


def test_tables_in_code_are_no_tables(read: Read) -> None:
    text = "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n\na | b\n-- | --\n3 | 4\n"
    assert [table.rows for table in read(text.encode(), "x.md").tables] == [(("a", "b"), ("3", "4"))]


def test_front_matter_is_metadata(read: Read) -> None:
    reading = read(b'---\ntitle: "A report"\nAuthor: Ada\ntags:\n  - x\n---\n# Text\n', "x.md")
    assert reading.metadata == {"title": "A report", "author": "Ada"}
    assert reading.media_type == "text/markdown"


def test_a_rule_at_the_top_is_no_front_matter(read: Read) -> None:
    assert read(b"---\nkey: value\nand no end\n", "x.md").metadata == {}
