"""Word documents."""

from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml

from heron_grpc.domain.document import OcrMode, Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded
from office_files import NAMESPACES, compound, native, packed, paragraph, part, png, relations, word

Read = Callable[..., Reading]
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
NOTE = b"The heron is grey. " * 300
ROW_DELETED = "<w:trPr><w:del/></w:trPr>"


def tag(name: str, *inside: str) -> str:
    """An element; its attributes follow its name."""
    return f"<{name}>{''.join(inside)}</{name.partition(' ')[0]}>"


def run(*inside: str) -> str:
    return tag("w:p", tag("w:r", *inside))


def text(words: str) -> str:
    return tag("w:t", words)


def cell(words: str, properties: str = "") -> str:
    return tag("w:tc", tag("w:tcPr", properties), paragraph(words))


def page_texts(reading: Reading) -> list[str]:
    return [page.text for page in reading.pages]


def test_text_and_tables_stand_in_order_between_header_and_footer(read: Read, simple_docx: Path) -> None:
    reading = read(simple_docx)
    assert reading.text.splitlines() == [
        "Letterhead of the sender",
        "Before the table",
        "Item\tPrice",
        "Rod\t99.00",
        "After the table",
        "Registered in Bergen",
    ]
    assert reading.tables[0].rows == (("Item", "Price"), ("Rod", "99.00"))
    assert reading.metadata["title"] == "Delivery"


def test_content_controls_insertions_and_text_boxes_are_read_once(read: Read, tmp_path: Path) -> None:
    document = docx.Document()
    control = f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    deleted = "<w:del><w:r><w:delText>Gone</w:delText></w:r></w:del>"
    inserted = f"<w:p {W}><w:ins><w:r><w:t>Inserted</w:t></w:r></w:ins>{deleted}</w:p>"
    box = "<w:txbxContent><w:p><w:r><w:t>Boxed</w:t></w:r></w:p></w:txbxContent>"
    compatible = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    boxed = (
        f"<w:p {W} {compatible}><w:r><mc:AlternateContent><mc:Choice Requires='wps'>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    for xml in (control, inserted, boxed):
        document.element.body.insert(0, parse_xml(xml))
    document.save(str(tmp_path / "parts.docx"))
    assert read(tmp_path / "parts.docx").text.splitlines() == ["Boxed", "Inserted", "In a control"]


def test_docx_without_text_comes_with_a_warning(read: Read, tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "empty.docx"))
    assert [warning.code for warning in read(tmp_path / "empty.docx").warnings] == ["NO_TEXT_FOUND"]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated_docx_is_corrupt(read: Read, simple_docx: Path, share: float) -> None:
    content = simple_docx.read_bytes()
    with pytest.raises(CorruptDocument):
        read(content[: int(len(content) * share)])


def test_broken_xml_is_corrupt(read: Read, repacked: Callable[..., bytes]) -> None:
    with pytest.raises(CorruptDocument):
        read(repacked(word__document_xml=b"<w:document><w:body>"))


def test_archive_that_expands_past_the_limit_is_refused(read: Read, repacked: Callable[..., bytes]) -> None:
    with pytest.raises(ReadingLimitExceeded) as refused:
        read(repacked(word__media__big=bytes(20 << 20)))
    assert refused.value.metadata == {"limit": "output"}


def test_archive_of_very_many_entries_is_refused(read: Read, repacked: Callable[..., bytes]) -> None:
    with pytest.raises(ReadingLimitExceeded):
        read(repacked(**{f"word__media__{number}": b"" for number in range(5001)}))


def test_xml_entities_are_refused(read: Read, repacked: Callable[..., bytes]) -> None:
    hostile = f'<!DOCTYPE x [<!ENTITY a "aaaa">]><w:document {W}><w:body><w:p/></w:body></w:document>'
    with pytest.raises(CorruptDocument, match="entities"):
        read(repacked(word__document_xml=hostile.encode()))


def test_tables_end_before_a_row_that_is_too_much(read: Callable[..., Reading], tmp_path: Path) -> None:
    document = docx.Document()
    for text in ("short", "x" * 140_000, "never seen"):
        document.add_table(rows=1, cols=1).rows[0].cells[0].text = text
    document.save(str(tmp_path / "long.docx"))
    reading = read(tmp_path / "long.docx")
    assert [table.rows for table in reading.tables] == [(("short",),), ()]
    assert [warning.code for warning in reading.warnings] == ["TABLE_INCOMPLETE"]
    assert "never seen" in reading.text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (run(text("a"), "<w:tab/>", text("b"), "<w:br/>", text("c"), "<w:noBreakHyphen/>", text("d")), "a\tb\nc-d"),
        (run(text("a"), '<w:br w:type="column"/>', text("b")) + run('<w:br w:type="column"/>', text("c")), "a\nb\nc"),
        (tag("w:p", tag("w:pPr", "<w:tabs><w:tab/></w:tabs>"), tag("w:hyperlink", tag("w:r", text("here")))), "here"),
        (tag("w:p", tag("w:r", tag("w:instrText", "PAGEREF")), tag("w:fldSimple w:instr='PAGE'", run(text("7")))), "7"),
        (tag("w:p", tag("w:moveFrom", run(text("old"))), tag("w:moveTo", tag("w:r", text("new")))), "new"),
        (run(tag("w:ruby", tag("w:rt", text("over")), tag("w:rubyBase", tag("w:r", text("base"))))), "base"),
        (run("<w:sym w:font='Wingdings' w:char='F0FE'/>", "<w:sym w:font='Wingdings' w:char='F0A8'/>"), "\u2612\u2610"),
        (run("<w:sym w:font='Symbol' w:char='F061'/>", "<w:sym w:font='Wingdings' w:char='F04A'/>"), "\u03b1"),
        (run(text("\uf0b7 a"), "<w:sym w:font='Wingdings'/>", "<w:sym w:font='Symbol' w:char='x'/>"), "\u2022 a"),
        (run("<w:ffData><w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox></w:ffData>"), "\u2612"),
        (run("<w:ffData><w:checkBox><w:default w:val='0'/></w:checkBox></w:ffData>"), "\u2610"),
        (run("<w:ddList><w:result w:val='1'/><w:listEntry w:val='a'/><w:listEntry w:val='b'/></w:ddList>"), "b"),
        (run(tag("w:pict", "<v:shape><v:textpath string='Word art'/></v:shape>")) + paragraph("b"), "Word art\nb"),
        (
            tag("w:p", tag("w:r", text("a"), tag("w:pict", tag("w:txbxContent", paragraph("box"))), text("b"))),
            "ab\nbox",
        ),
    ],
)
def test_what_is_shown_is_text(read: Read, body: str, shown: str) -> None:
    assert read(word(body)).text == shown


def test_cells_stand_in_the_columns_they_span(read: Read) -> None:
    rows = (
        tag("w:tr", cell("a", "<w:gridSpan w:val='2'/>"), cell("b")),
        tag("w:sdt", tag("w:sdtContent", tag("w:tr", cell("c"), cell("", "<w:vMerge/>"), cell("d")))),
        tag("w:tr", "<w:trPr><w:gridBefore w:val='1'/></w:trPr>", cell("e"), cell("f")),
        tag("w:tr", ROW_DELETED, cell("gone")),
    )
    reading = read(word(tag("w:tbl", *rows)))
    assert [table.rows for table in reading.tables] == [(("a", "", "b"), ("c", "", "d"), ("", "e", "f"))]
    assert reading.text == "a\t\tb\nc\t\td\n\te\tf"


def test_a_table_in_a_table_is_a_table_and_lines_of_its_cell(read: Read) -> None:
    inner = tag("w:tbl", tag("w:tr", cell("x"), cell("y")))
    reading = read(word(tag("w:tbl", tag("w:tr", cell("a"), tag("w:tc", paragraph("b"), inner, paragraph("c"))))))
    assert [table.rows for table in reading.tables] == [(("x", "y"),), (("a", "b\nx\ty\nc"),)]


def test_notes_and_comments_stand_at_the_end_of_their_page_and_endnotes_at_the_very_end(read: Read) -> None:
    related = {f"rId{kind}": (kind, f"{kind}.xml") for kind in ("footnotes", "endnotes", "comments")}
    separator = tag("w:footnote w:id='0'", tag("w:p", "<w:r><w:separator/></w:r>"))
    parts = {
        "footnotes.xml": part("footnotes", separator + tag("w:footnote w:id='1'", paragraph("In May"))),
        "endnotes.xml": part("endnotes", tag("w:endnote w:id='1'", paragraph("At the end"))),
        "comments.xml": part(
            "comments",
            tag("w:comment w:id='1' w:author='Ada'", paragraph("Sure?"))
            + tag("w:comment w:id='2' w:author='Bo'", paragraph("Yes")),
        ),
    }
    references = ("<w:footnoteReference w:id='1'/>", "<w:endnoteReference w:id='1'/>", "<w:commentReference w:id='1'/>")
    first = run(text("First"), *references, text(" line"), "<w:br w:type='page'/>", text("Second page"))
    assert page_texts(read(word(first, parts, related))) == [
        "First line\nIn May\n[Ada] Sure?",
        "Second page\nAt the end\n[Bo] Yes",
    ]


def test_headers_and_footers_stand_where_their_section_begins_each_once(read: Read) -> None:
    related = {f"rId{number}": (kind, f"{number}.xml") for number, kind in enumerate(("header", "header", "footer"))}
    parts = {
        "0.xml": part("hdr", paragraph("Letterhead")),
        "1.xml": part("hdr", paragraph("Annex")),
        "2.xml": part("ftr", paragraph("Bergen")),
    }

    def section(*references: str, kind: str = "nextPage") -> str:
        return tag("w:sectPr", *references, f"<w:type w:val='{kind}'/>")

    letterhead, annex = "<w:headerReference r:id='rId0'/>", "<w:headerReference r:id='rId1'/>"
    footer = "<w:footerReference r:id='rId2'/>"
    body = paragraph("One", section(letterhead, footer)) + paragraph("Two", section(letterhead, annex))
    body += paragraph("Three", section(kind="continuous")) + paragraph("Four") + section(footer)
    assert page_texts(read(word(body, parts, related))) == [
        "Letterhead\nOne\nBergen",
        "Annex\nTwo\nThree",
        "Four",
    ]


def test_pages_end_at_breaks_and_where_word_last_broke_them(read: Read) -> None:
    torn = tag("w:tbl", tag("w:tr", tag("w:tc", run(text("a"), "<w:lastRenderedPageBreak/>", text("b")))))
    body = (
        run("<w:lastRenderedPageBreak/>", text("One"), '<w:br w:type="page"/>')
        + run("<w:lastRenderedPageBreak/>", text("Two"))
        + paragraph("Three", "<w:pageBreakBefore/>")
        + paragraph("still three", "<w:pageBreakBefore w:val='0'/>")
        + torn
        + paragraph("Four")
    )
    reading = read(word(body))
    assert page_texts(reading) == ["One", "Two", "Three\nstill three\na b", "Four"]
    assert [(table.page, table.rows) for table in reading.tables] == [(3, (("a\nb",),))]


def test_charts_and_diagrams_say_what_they_show(read: Read) -> None:
    related = {"rId1": ("chart", "chart.xml"), "rId2": ("diagramData", "data.xml")}
    drawn = tag("w:drawing", "<c:chart r:id='rId1'/>"), tag("w:drawing", "<dgm:relIds r:dm='rId2'/>")
    reading = read(word(run(text("Before"), *drawn) + paragraph("After"), related=related))
    assert reading.text.split("\n") == ["Before", "Catch", "\tTrout", "May", "June\t4.3", "Cast, wait", "After"]
    assert [table.rows for table in reading.tables] == [(("", "Trout"), ("May", ""), ("June", "4.3"))]


def test_pictures_and_files_inside_are_read_once(read: Read) -> None:
    related = {
        "rId1": ("image", "media/a.png"),
        "rId2": ("image", "media/b.png"),
        "rId3": ("image", "media/icon.png"),
        "rId4": ("oleObject", "embeddings/a.bin"),
        "rId5": ("oleObject", "embeddings/formula.bin"),
        "rId6": ("package", "embeddings/b.docx"),
        "rId7": ("aFChunk", "chunk.html"),
        "rId8": ("header", "header.xml"),
    }
    parts = {
        **{f"media/{name}.png": png(shade=shade) for name, shade in (("a", 1), ("b", 2), ("icon", 3), ("logo", 4))},
        "embeddings/a.bin": compound({"\x01Ole10Native": native("note.txt", NOTE)}),
        "embeddings/formula.bin": compound({"Equation Native": b"x"}),
        "embeddings/b.docx": word(paragraph("A document inside")),
        "chunk.html": "<html><body><p>A chunk</p></body></html>",
        "header.xml": part("hdr", run(tag("w:drawing", "<a:blip r:embed='rId1'/>"))),
        "_rels/header.xml.rels": relations({"rId1": ("image", "media/logo.png")}),
    }
    blip, shape = tag("w:drawing", "<a:blip r:embed='rId1'/>"), tag("w:pict", "<v:imagedata r:id='rId2'/>")
    icon, formula = "<v:imagedata r:id='rId3'/>", "<o:OLEObject ProgID='Equation.3' r:id='rId5'/>"
    objects = (
        tag("w:object", icon, "<o:OLEObject ProgID='Package' r:id='rId4'/>"),
        tag("w:object", icon, formula),
        tag("w:object", icon, "<o:OLEObject ProgID='Word.Document.12' r:id='rId6'/>"),
    )
    body = run(text("Text"), blip, shape, blip, *objects) + "<w:altChunk r:id='rId7'/>"
    body += tag("w:sectPr", "<w:headerReference r:id='rId8'/>")
    reading = read(word(body, parts, related), ocr=OcrMode.NEVER)
    assert [(each.name, each.media_type.rpartition(".")[2]) for each in reading.parts] == [
        *(("logo.png", "image/png"), ("a.png", "image/png"), ("b.png", "image/png")),
        *(("note.txt", "text/plain"), ("b.docx", "document"), ("chunk.html", "text/html")),
    ]
    assert {"A document inside", "A chunk"} < set(page_texts(reading))


@pytest.mark.parametrize("kind", ["header", "footnotes", "numbering", "styles", "chart"])
def test_damage_beside_the_text_does_not_cost_it(read: Read, kind: str) -> None:
    body = paragraph("Text", "<w:pStyle w:val='Own'/>") + run(tag("w:drawing", "<c:chart r:id='rId1'/>"))
    body += tag("w:sectPr", "<w:headerReference r:id='rId1'/>")
    related = {"rId1": (kind, "beside.xml"), "rId2": ("numbering", "numbering.xml")}
    if kind == "numbering":
        del related["rId2"]
    numbering = "<w:abstractNum w:abstractNumId='0'/><w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num>"
    reading = read(word(body, {"beside.xml": "<w:broken", "numbering.xml": part("numbering", numbering)}, related))
    assert reading.text == "Text"
    assert [warning.code for warning in reading.warnings] == ["DOCUMENT_INCOMPLETE"]


def test_the_strict_variant_is_read_and_so_is_a_main_part_of_another_name(read: Read) -> None:
    strict = NAMESPACES.replace("http://schemas.openxmlformats.org", "http://purl.oclc.org/ooxml").replace(
        "/2006/", "/"
    )
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations({"rId1": ("officeDocument", "word/document2.xml")}),
        "word/document2.xml": f"<w:document {strict}><w:body>{paragraph('Text')}</w:body></w:document>",
    }
    assert read(packed(parts)).text == "Text"


def test_a_document_with_a_password_is_refused_as_such(read: Read) -> None:
    with pytest.raises(EncryptedDocument):
        read(compound({"EncryptedPackage": bytes(4096), "EncryptionInfo": bytes(4096)}), "a.docx")
