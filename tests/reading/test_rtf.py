"""Rich Text Format: what a word processor shows, and what it would print beside the text."""

from collections.abc import Callable

import pytest

from heron_grpc.domain.document import OcrMode, Reading
from heron_grpc.domain.errors import CorruptDocument
from office_files import compound, native, png

Read = Callable[..., Reading]
FONTS = (
    r"{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 Gothic;}{\f3\fcharset2 Wingdings;}}"
)
CELL_ENDS = r"\cell "
NOTE = b"The heron is grey. " * 300


def rtf(body: str) -> bytes:
    return rf"{{\rtf1\ansi\ansicpg1252\deff0{FONTS}{body}}}".encode("ascii")


def row(*cells: str) -> str:
    return rf"\trowd\pard\intbl {CELL_ENDS.join(cells)}{CELL_ENDS}\row\pard "


def shape(name: str, value: str, text: str = "") -> str:
    return rf"{{\shp{{\*\shpinst\shpleft10{{\sp{{\sn {name}}}{{\sv {value}}}}}{text}}}{{\shprslt for old programs}}}}"


def picture(shade: int = 255) -> str:
    return rf"{{\pict{{\*\picprop{{\sp{{\sn wzName}}{{\sv Heron}}}}}}\pngblip\picw200 {png(shade=shade).hex()}}}"


def ole_object(content: bytes, result: str = "") -> str:
    """An OLE object of this compound file (MS-OLEDS 2.2.5)."""
    head = b"\x01\x05\0\0\x02\0\0\0" + b"\x08\0\0\0Package\0" + bytes(8) + len(content).to_bytes(4, "little")
    return rf"{{\object\objemb{{\*\objclass Package}}{{\*\objdata {(head + content).hex()}}}{{\result {result}}}}}"


def page_texts(reading: Reading) -> list[str]:
    return [page.text for page in reading.pages]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"\pard One {\b two}\par three\line four\par", "One two\nthree\nfour"),
        (r"a\tab b\~c\_d\emdash e\rquote f\{\}\\", "a\tb\xa0c-d\u2014e\u2019f{}\\"),
        ("One\r\n two\\\nthree", "One two\nthree"),
        (r"h\'e9ron {\f1 \'f6\'e0\'ef\'eb\'ff} h\'e9ron", "h\xe9ron \u0446\u0430\u043f\u043b\u044f h\xe9ron"),
        # Of a character of two bytes either may be written as it is.
        (r"{\f2 \'8d\'eb\'83T\'83M}", "\u9dfa\u30b5\u30ae"),
        (r"{\uc1\u233?\u-257?}\u8364 \'80!", "\xe9\ufeff\u20ac!"),
        (r"{\uc2\u233\'81\'82e}{\uc0\u233 e}", "\xe9e\xe9e"),
        (r"\u-10178?\u-8774?", "\U0001f9ba"),
        (r"\u-3913?\tab Herons", "\u2022\tHerons"),
        (r"{\upr{old}{\*\ud{new \u233?}}} after", "new \xe9 after"),
        (r"{\f3 \'fe}Yes {\f3 \'a8}No {\f3 \'e0}{\f3 \'b7}", "\u2612Yes \u2610No \u2022"),
        (r"{\listtext\pard 2.\tab}Wait", "2.\tWait"),
    ],
)
def test_characters_and_paragraphs_are_read(read: Read, body: str, text: str) -> None:
    assert read(rtf(body)).text == text


@pytest.mark.parametrize(
    "body",
    [
        r"{\stylesheet{\s1 heading 1;}}{\colortbl;\red0;}{\*\generator Heron;}Text",
        r"{\*\unknown {deep {er}} words}{\info{\creatim\yr2024}{\comment none}{\hlinkbase http://heron.example}}Text",
        r"{\field{\*\fldinst HYPERLINK http://heron.example}{\fldrslt Text}}",
        r"Te{\xe{\*\xeop a}index}xt{\tc table of contents}",
        r"{\deleted gone }Text\deleted  gone\plain",
        r"{\*\unknown \bin3 }}}}Text",
        r"Text{\pntext}{\*\bkmkstart mark}",
    ],
)
def test_what_is_not_shown_is_no_text(read: Read, body: str) -> None:
    assert read(rtf(body)).text == "Text"


def test_properties_are_metadata(read: Read) -> None:
    info = r"{\info{\title Gr\'fc\'dfe}{\author Ada}{\*\company Heron}{\keywords rods, lines}}"
    reading = read(rtf(info + "Text"))
    assert reading.metadata == {"title": "Gr\xfc\xdfe", "author": "Ada", "company": "Heron", "keywords": "rods, lines"}
    assert reading.text == "Text"


def test_tables_are_tables_in_order(read: Read) -> None:
    table = row("Item", "Price") + row(r"Rod\par long", "99.00")
    reading = read(rtf(rf"Before\par {table}After\par {row('Other')}"))
    assert reading.text.split("\n") == ["Before", "Item\tPrice", "Rod long\t99.00", "After", "Other"]
    assert [table.rows for table in reading.tables] == [
        (("Item", "Price"), ("Rod\nlong", "99.00")),
        (("Other",),),
    ]


def test_a_table_in_a_table_is_lines_of_its_cell(read: Read) -> None:
    inner = r"\itap2 a\nestcell b\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}"
    reading = read(rtf(rf"\trowd\pard\intbl x\cell\pard\intbl{inner}\pard\intbl\itap1 y\cell\row"))
    assert [table.rows for table in reading.tables] == [(("x", "a\tb\ny"),)]


def test_headers_notes_comments_and_boxes_stand_around_the_text(read: Read) -> None:
    box = shape("fLine", "0", r"{\shptxt \pard Boxed\par}")
    comment = r"{\*\atnid AB}{\*\atnauthor Ada}\chatn{\*\annotation{\*\atndate 1}Sure?}"
    reading = read(
        rtf(
            r"{\header\pard Letterhead\par}{\footer Bergen\par}{\headerf Letterhead\par}"
            rf"First{{\footnote {{\super\chftn}} In May\par}}{box} line{comment}\par Second\par"
        )
    )
    assert reading.text.split("\n") == [
        "Letterhead",
        "First line",
        "Boxed",
        "Second",
        "In May",
        "[Ada] Sure?",
        "Bergen",
    ]


def test_pages_end_at_breaks_and_sections_that_begin_one(read: Read) -> None:
    body = r"One\par\page Two\par\sect\sbkpage Three\par\sect\sbknone still three\par\pard\pagebb Four\par\sect"
    assert page_texts(read(rtf(body))) == ["One", "Two", "Three\nstill three", "Four"]


def test_a_break_within_a_table_does_not_tear_it(read: Read) -> None:
    reading = read(rtf(rf"Above\par {row('a')}\trowd\intbl b\page c\cell\row\pard Next\par"))
    assert [(table.page, table.rows) for table in reading.tables] == [(1, (("a",), ("bc",)))]
    assert page_texts(reading) == ["Above\na\nbc", "Next"]


def test_a_header_stands_on_the_first_page_of_its_section(read: Read) -> None:
    body = r"{\header Before\par}One\par\sect\sectd{\header Later\par}{\footer End\par}Two\par"
    assert page_texts(read(rtf(body))) == ["Before\nOne", "Later\nTwo\nEnd"]
    body = r"One\par\sect\sectd\sbknone{\header Later\par}Two\par"
    assert page_texts(read(rtf(body))) == ["Later\nOne\nTwo"]


def test_pictures_are_read_in_hex_and_as_bytes(read: Read) -> None:
    content = png(shade=40)
    as_bytes = rb"{\pict\pngblip\bin%d " % len(content) + content + b"}"
    old = r"{\nonshppict{\pict\wmetafile8 0100}}"
    written = rtf(rf"See {{\*\shppict{picture()}}}{old}@ this").replace(b"@", as_bytes)
    reading = read(written, ocr=OcrMode.NEVER)
    assert reading.pages[0].text == "See  this"
    assert [(part.media_type, part.size_bytes) for part in reading.parts] == [
        ("image/png", len(png())),
        ("image/png", len(content)),
    ]


def test_pictures_that_float_are_read(read: Read) -> None:
    reading = read(rtf(rf"Text {shape('pib', picture())}"), ocr=OcrMode.NEVER)
    assert reading.pages[0].text == "Text"
    assert [part.media_type for part in reading.parts] == ["image/png"]


def test_pictures_that_nothing_here_can_draw_are_counted(read: Read) -> None:
    macintosh = bytes(10) + b"\x00\x11\x02\xff\x0c\x00" + bytes(90)
    windows = b"\x01\0\x09\0\0\x03" + bytes(90)
    shown = rf"Text{{\pict\macpict {macintosh.hex()}}}{{\pict\wmetafile8 {windows.hex()}}}"
    reading = read(rtf(shown))
    assert [(warning.code, warning.message[-1]) for warning in reading.warnings] == [("PICTURES_LEFT_OUT", "2")]
    assert not reading.parts


def test_files_inside_are_read(read: Read) -> None:
    content = compound({"\x01Ole10Native": native("note.txt", NOTE)})
    reading = read(rtf(rf"Text {ole_object(content, 'An icon')}"))
    assert [(part.name, part.media_type) for part in reading.parts] == [("note.txt", "text/plain")]
    assert [page.text for page in reading.pages] == ["Text An icon", NOTE.decode()]


def test_a_document_that_breaks_off_is_read_and_says_so(read: Read) -> None:
    whole = rtf(rf"Before\par {row('Rod', '99.00')}{row('Line', 'twelve')}")
    reading = read(whole[: whole.index(b"elve")])
    assert [warning.code for warning in reading.warnings] == ["DOCUMENT_INCOMPLETE"]
    assert reading.tables[0].rows == (("Rod", "99.00"), ("Line", "tw"))


def test_what_follows_the_document_is_no_text(read: Read) -> None:
    assert read(rtf("Text") + b"\0\0 rubbish").text == "Text"


def test_groups_nested_too_deeply_are_refused(read: Read) -> None:
    with pytest.raises(CorruptDocument, match="nested"):
        read(rtf("{" * 2000 + "}" * 2000))


def test_a_document_without_text_comes_with_a_warning(read: Read) -> None:
    assert [warning.code for warning in read(rtf(r"\par\par")).warnings] == ["NO_TEXT_FOUND"]
