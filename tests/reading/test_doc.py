"""Word's binary documents, of Word 97 and of Word 6."""

import struct
from collections.abc import Callable, Mapping

import pytest

from heron_grpc.domain.document import OcrMode, Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from office_files import binary_word, compound, native, png

Read = Callable[..., Reading]
NOTE = b"The heron is grey. " * 300
# Single properties of paragraphs: within a table, the end of a row (MS-DOC 2.6.2).
IN_TABLE, ENDS_ROW = b"\x16\x24\x01", b"\x16\x24\x01\x17\x24\x01"
FLAGS_ENCRYPTED = 0x0100


def tables(text: str) -> Mapping[int, bytes]:
    """Properties of the marks of a text whose rows end with two cell marks."""
    marks = {at + 1: IN_TABLE for at, character in enumerate(text) if character == "\a"}
    return marks | {at + 2: ENDS_ROW for at in range(len(text)) if text[at : at + 2] == "\a\a"}


def word_6(text: bytes, language: int = 0x409) -> bytes:
    document = bytearray(0x300) + text
    struct.pack_into("<HHHH", document, 0, 0xA5DC, 0x65, 0, language)
    struct.pack_into("<II", document, 0x18, 0x300, len(document))
    struct.pack_into("<i", document, 0x34, len(text))
    return compound({"WordDocument": bytes(document)})


def record(content: bytes) -> bytes:
    """A PNG of a drawing (MS-ODRAW 2.2.28)."""
    return b"\x00\x6e\x1e\xf0" + struct.pack("<I", 17 + len(content)) + bytes(17) + content


def page_texts(reading: Reading) -> list[str]:
    return [page.text for page in reading.pages]


@pytest.mark.parametrize("is_wide", [True, False])
@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_text_is_put_together_from_its_pieces(read: Read, is_wide: bool, pieces: int) -> None:
    text = "The h\xe9ron\x0bstands \u201cstill\u201d.\rIt waits\tlong.\r"
    reading = read(binary_word({"body": text}, pieces=pieces, is_wide=is_wide))
    assert reading.text == "The h\xe9ron\nstands \u201cstill\u201d.\nIt waits\tlong."


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('See \x13 HYPERLINK "http://heron.example" \x14here\x15 now\r', "See here now"),
        ("a\x13 REF \x13 PAGE \x147\x15 x \x14b\x13 Q \x14c\x15\x15d\r", "abcd"),
        ("a\x13 open field\r", "a open field"),
        ("non\x1ebreaking, soft\x1fhyphen, \xa0space\r", "non-breaking, softhyphen, \xa0space"),
        ("pic\x01ture, no\x02te, com\x05ment, sha\x08pe\r", "picture, note, comment, shape"),
        ("\uf0b7\tHerons \uf041\r", "\u2022\tHerons "),
        ("\U0001f9ba\r", "\U0001f9ba"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 3])
def test_what_is_shown_is_text(read: Read, body: str, text: str, pieces: int) -> None:
    units = body.encode("utf-16-le")
    body = "".join(chr(unit) for unit in struct.unpack(f"<{len(units) // 2}H", units))
    assert read(binary_word({"body": body}, pieces=pieces)).text == text.strip()


def test_text_deleted_while_changes_were_tracked_is_not_read(read: Read) -> None:
    assert read(binary_word({"body": "It stands. It left.\r"}, deleted=(11, 19))).text == "It stands."
    assert read(binary_word({"body": "It stands. It left.\r"}, pieces=4, deleted=(11, 13))).text == "It stands.  left."


def test_symbols_are_read_and_ornaments_are_not(read: Read) -> None:
    symbols = {0: ("Wingdings", 0xF0FE), 6: ("Wingdings", 0xF0A8), 11: ("Symbol", 0xF061), 13: ("Wingdings", 0xF04A)}
    reading = read(binary_word({"body": "( Yes ( No ( (\r"}, symbols=symbols, deleted=(2, 3)))
    assert reading.text == "\u2612 es \u2610 No \u03b1"


@pytest.mark.parametrize("is_wide", [True, False])
def test_tables_are_tables_in_order(read: Read, is_wide: bool) -> None:
    body = "Before\rItem\aPrice\a\aRod\rlong\a99.00\a\aAfter\rOther\a\a"
    marks = {**tables(body), body.index("\rlong") + 1: IN_TABLE}
    reading = read(binary_word({"body": body}, is_wide=is_wide, marks=marks))
    assert reading.text.split("\n") == ["Before", "Item\tPrice", "Rod long\t99.00", "After", "Other"]
    assert [table.rows for table in reading.tables] == [(("Item", "Price"), ("Rod\nlong", "99.00")), (("Other",),)]


def test_cells_are_told_from_rows_without_properties_too(read: Read) -> None:
    reading = read(binary_word({"body": "Before\rItem\aPrice\a\aRod\a99.00\a\aAfter\r"}))
    assert [table.rows for table in reading.tables] == [(("Item", "Price"), ("Rod", "99.00"))]


def test_empty_cells_are_told_from_ends_of_rows(read: Read) -> None:
    body = "a\a\a\ab\a\a\a"
    marks = dict.fromkeys((2, 3, 6, 7), IN_TABLE) | dict.fromkeys((4, 8), ENDS_ROW)
    reading = read(binary_word({"body": body}, marks=marks))
    assert [table.rows for table in reading.tables] == [(("a", ""), ("b", ""))]


def test_headers_notes_comments_and_boxes_stand_around_the_text(read: Read) -> None:
    stories = {
        "body": "First\x02 line\x05\rSecond\r",
        "footnotes": "\x02 In May\r",
        "headers": "Letterhead\rLetterhead\rBergen\rCover\r\r",
        "comments": "\x05Sure?\r",
        "endnotes": "\x02At the end\r",
        "boxes": "Boxed\r",
        "header_boxes": "Logo\r",
    }
    # Six separators of notes; then of the section: even header, header, even footer, footer, first header and footer.
    ends = [*[0] * 7, 11, 22, 22, 29, 35, 35, 36]
    reading = read(binary_word(stories, header_ends=ends))
    assert reading.text.split("\n") == [
        *("Letterhead", "Cover", "First line", "Second"),
        *("In May", "Sure?", "At the end", "Boxed", "Logo", "Bergen"),
    ]


def test_pages_end_at_breaks_and_at_sections_that_begin_one(read: Read) -> None:
    body = "One\r\x0cTwo\x0cstill two\x0cThree\r"
    ends = [at + 1 for at, character in enumerate(body) if character == "\x0c"][1:]
    sections = {ends[0]: 2, ends[1]: 0, len(body): 2}
    assert page_texts(read(binary_word({"body": body}, sections=sections))) == ["One", "Two\nstill two", "Three"]


def test_a_break_within_a_table_does_not_tear_it(read: Read) -> None:
    body = "Above\ra\ab\x0cc\a\a\x0cNext\r"
    reading = read(binary_word({"body": body}, marks=tables(body)))
    assert [(table.page, table.rows) for table in reading.tables] == [(1, (("a", "bc"),))]
    assert page_texts(reading) == ["Above\na\tbc", "Next"]


def test_pictures_and_files_inside_are_read_once(read: Read) -> None:
    data = b"some\xf0" + record(png()) + b"between" + record(png(shade=40)) + record(png())
    streams = {"Data": data, "ObjectPool/_1/\x01Ole10Native": native("note.txt", NOTE)}
    reading = read(binary_word({"body": "Text \x01\r"}, streams=streams), ocr=OcrMode.NEVER)
    assert reading.pages[0].text == "Text"
    assert [(part.name, part.media_type) for part in reading.parts] == [
        ("picture1", "image/png"),
        ("picture2", "image/png"),
        ("note.txt", "text/plain"),
    ]


@pytest.mark.parametrize("cut", [0, 2, 60])
def test_files_inside_have_the_names_their_writers_gave_them(read: Read, cut: int) -> None:
    content = native("\u0446\u0430\u043f\u043b\u044f.txt", NOTE)
    streams = {"ObjectPool/_1/\x01Ole10Native": content[: len(content) - cut]}
    shown = "\u0446\u0430\u043f\u043b\u044f.txt" if not cut else "?????.txt"
    assert [part.name for part in read(binary_word({"body": "Text\r"}, streams=streams)).parts] == [shown]


@pytest.mark.parametrize(
    ("language", "encoding", "text"),
    [
        (0x409, "cp1252", "Gr\xfc\xdfe\u2026"),
        (0x415, "cp1250", "\u017b\xf3\u0142w"),
        (0x419, "cp1251", "\u0426\u0430\u043f\u043b\u044f"),
        (0x408, "cp1253", "\u0395\u03c1\u03c9\u03b4\u03b9\u03cc\u03c2"),
    ],
)
def test_documents_of_word_6_are_read_in_the_code_page_of_their_language(
    read: Read, language: int, encoding: str, text: str
) -> None:
    reading = read(word_6(f"{text}\rItem\a99\a\aAfter\r".encode(encoding), language))
    assert reading.text.split("\n") == [text, "Item\t99", "After"]
    assert [table.rows for table in reading.tables] == [(("Item", "99"),)]


def test_a_document_with_a_password_is_refused_as_such(read: Read) -> None:
    with pytest.raises(EncryptedDocument):
        read(binary_word({"body": "\x8f\x01\xff"}, flags=FLAGS_ENCRYPTED))


def test_a_document_whose_text_breaks_off_is_read_and_says_so(read: Read) -> None:
    whole = bytearray(binary_word({"body": "It waits.\r" * 1000}))
    entry = whole.index("WordDocument".encode("utf-16-le"))
    struct.pack_into("<I", whole, entry + 120, 0x800 + 10_000)
    reading = read(bytes(whole))
    assert set(reading.text.split("\n")) == {"It waits."}
    assert 400 < len(reading.text.split("\n")) < 1000
    assert [warning.code for warning in reading.warnings] == ["DOCUMENT_INCOMPLETE"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_lost_its_directory_is_corrupt(read: Read, share: float) -> None:
    whole = binary_word({"body": "It waits.\r" * 1000})
    with pytest.raises(CorruptDocument):
        read(whole[: int(len(whole) * share)])


@pytest.mark.parametrize(
    "damage",
    [
        {"WordDocument": bytes(4096)},
        {"WordDocument": b"\xec\xa5\xc1\0" + bytes(4096)},
        {"WordDocument": b"\xec\xa5\xc1\0" + b"\xff" * 4096},
    ],
)
def test_a_damaged_document_is_corrupt(read: Read, damage: Mapping[str, bytes]) -> None:
    with pytest.raises((CorruptDocument, EncryptedDocument)):
        read(compound(damage))


def test_a_document_without_text_comes_with_a_warning(read: Read) -> None:
    assert [warning.code for warning in read(binary_word({"body": "\r"})).warnings] == ["NO_TEXT_FOUND"]
