"""OpenDocument texts and presentations."""

from collections.abc import Callable

import pytest

from heron_grpc.domain.document import OcrMode, Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from office_files import ODF_NAMESPACES, compound, native, odf, packed, png

Read = Callable[..., Reading]
NOTE = b"The heron is grey. " * 300
OPEN_OFFICE = "http://openoffice.org/2009/office"
MATH = "http://www.w3.org/1998/Math/MathML"


def tag(name: str, *inside: str) -> str:
    """An element; its attributes follow its name."""
    return f"<{name}>{''.join(inside)}</{name.partition(' ')[0]}>"


def p(text: str) -> str:
    return tag("text:p", text)


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def item(*inside: str) -> str:
    return tag("text:list-item", *inside)


def style(name: str, properties: str, attributes: str = "") -> str:
    inner = f"<style:paragraph-properties {properties}/>"
    return f'<style:style style:name="{name}" style:family="paragraph" {attributes}>{inner}</style:style>'


def frame(target: str, kind: str = "image") -> str:
    return f'<draw:{kind} xlink:href="{target}"/>'


def content(body: str) -> str:
    """The content.xml of an object."""
    return f"<office:document-content {ODF_NAMESPACES}><office:body>{body}</office:body></office:document-content>"


def page_texts(reading: Reading) -> list[str]:
    return [page.text for page in reading.pages]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (tag("text:h", "One") + p("two <text:span>three</text:span>\n   four"), "One\ntwo three four"),
        (p("a<text:s text:c='3'/>b<text:tab/>c<text:line-break/>d"), "a   b\tc\nd"),
        (p("a<text:a xlink:href='http://heron.example'>b</text:a>c"), "abc"),
        (tag("text:list", item(p("a"), tag("text:list", item(p("b")))), item(p("c"))), "a\nb\nc"),
        (tag("text:section", p("a")) + p("b"), "a\nb"),
        (p(f"Page {tag('text:page-number', '1')} of {tag('text:date', 'May')}"), "Page  of May"),
        (p(tag("text:ruby", tag("text:ruby-base", "a"), tag("text:ruby-text", "b"))), "a"),
        (tag("text:tracked-changes", tag("text:deletion", p("gone"))) + p("a<text:change/>b"), "ab"),
        (tag("office:forms", p("a form")) + p(tag("draw:frame", tag("svg:title", "a title")) + "b"), "b"),
    ],
)
def test_what_is_shown_is_text(read: Read, body: str, text: str) -> None:
    assert read(odf(body)).text == text


def numbered(level: int, shape: str, more: str = "", kind: str = "list") -> str:
    return f"<text:{kind}-level-style-number text:level='{level}' style:num-format='{shape}' {more}/>"


LISTS = tag(
    "text:list-style style:name='L'",
    numbered(1, "1", "style:num-suffix='.'"),
    numbered(2, "a", "style:num-prefix='(' style:num-suffix=')' text:start-value='3'"),
    numbered(3, "I", "text:display-levels='3'"),
) + tag("text:list-style style:name='B'", "<text:list-level-style-bullet text:level='1' text:bullet-char='x'/>")


def listed(*items: str, more: str = "text:style-name='L'") -> str:
    return tag(f"text:list {more}", *items)


def test_list_items_are_numbered_and_begin_anew_below_a_higher_one(read: Read) -> None:
    deep = listed(item(p("c"), listed(item(p("d")), more="")), item(p("e")), more="")
    body = listed(item(p("a"), p("still a")), item(p("b"), deep), item(p("f"), listed(item(p("g")), more="")))
    shown = ["1. a", "still a", "2. b", "(c) c", "2.c.I d", "(d) e", "3. f", "(c) g"]
    assert read(odf(body, styles=LISTS)).text.split("\n") == shown


def test_a_list_begins_anew_unless_it_goes_on_with_another(read: Read) -> None:
    first, named = "text:style-name='L'", "text:style-name='L' xml:id='one'"
    body = (
        listed(item(p("a")), more=named)
        + listed(item(p("b")), more=first)
        + listed(item(p("c")), more=f"{first} text:continue-numbering='true'")
        + listed(item(p("d")), more=f"{first} text:continue-list='one'")
        + listed(tag("text:list-item text:start-value='7'", p("e")), item(p("f")))
        + listed(tag("text:list-header", p("g")), item(listed(item(p("h")), more="")), item(p("i")))
        + listed(item(p("j")), more="text:style-name='B'")
        + listed(item(p("k")), more="text:style-name='unknown'")
    )
    shown = ["1. a", "1. b", "2. c", "2. d", "7. e", "8. f", "g", "(c) h", "1. i", "j", "k"]
    assert read(odf(body, styles=LISTS)).text.split("\n") == shown


def test_headings_are_numbered_as_the_outline_says(read: Read) -> None:
    outline = numbered(1, "1", kind="outline"), numbered(2, "1", "text:display-levels='2'", "outline")
    styles = tag("text:outline-style", *(each.replace("-number", "", 1) for each in outline))
    styles += style("Free", "", "style:list-style-name=''") + style("Own", "", "style:parent-style-name='Free'")

    def heading(level: int, text: str, more: str = "") -> str:
        return tag(f"text:h text:outline-level='{level}' {more}", text)

    body = heading(1, "a") + heading(2, "b") + heading(2, "c") + heading(1, "d") + heading(2, "e") + heading(3, "f")
    body += heading(1, "g", "text:style-name='Own'") + heading(1, "h", "text:is-list-header='true'")
    body += heading(1, "i", "text:restart-numbering='true'")
    shown = ["1 a", "1.1 b", "1.2 c", "2 d", "2.1 e", "f", "g", "h", "1 i"]
    assert read(odf(body, styles=styles)).text.split("\n") == shown


def test_tables_are_tables_in_order(read: Read) -> None:
    inner = f"<table:table>{row(cell('x'), cell('y'))}</table:table>"
    headed = f"<table:table-header-rows>{row(cell('Item'), cell('Price'))}</table:table-header-rows>"
    wide = row(cell("both", 'table:number-columns-spanned="2"'), "<table:covered-table-cell/>", cell("z"))
    repeated = row(cell("2", 'table:number-columns-repeated="2"'), "<table:table-cell/>")
    deep = row(f"<table:table-cell>{inner}</table:table-cell>")
    table = f"<table:table>{headed}{wide}{repeated}{deep}</table:table>"
    reading = read(odf(f"<text:p>Before</text:p>{table}<text:p>After</text:p>"))
    assert reading.text.split("\n") == ["Before", "Item\tPrice", "both\t\tz", "2\t2", "x\ty", "After"]
    assert [table.rows for table in reading.tables] == [
        (("x", "y"),),
        (("Item", "Price"), ("both", "", "z"), ("2", "2"), ("x\ty",)),
    ]


def test_headers_notes_comments_and_boxes_stand_around_the_text(read: Read) -> None:
    header, footer = tag("style:header", p("Letterhead")), tag("style:footer", p("Bergen"))
    pages = tag("office:master-styles", tag("style:master-page", header, footer), tag("style:master-page", header))
    note = tag("text:note", tag("text:note-citation", "1"), tag("text:note-body", p("In May")))
    comment = tag("office:annotation", tag("dc:creator", "Ada"), tag("dc:date", "2024"), p("Sure?"))
    box = tag("draw:frame", tag("draw:text-box", p("Boxed")))
    reading = read(odf(p(f"First{note}{box} line{comment}") + p("Second"), styles=pages))
    assert reading.text.split("\n") == [
        "Letterhead",
        "First line",
        "Boxed",
        "Second",
        "In May",
        "[Ada] Sure?",
        "Bergen",
    ]


def test_pages_end_at_breaks_and_where_the_program_broke_them(read: Read) -> None:
    styles = style("Before", 'fo:break-before="page"') + style("After", 'fo:break-after="page"')
    body = (
        "<text:p text:style-name='Before'>One</text:p><text:p text:style-name='Before'>Two</text:p>"
        "<text:p text:style-name='After'>still two</text:p><text:p>Three</text:p>"
        "<text:soft-page-break/><text:p>Four<text:soft-page-break/> Five</text:p>"
    )
    assert page_texts(read(odf(body, styles=styles))) == ["One", "Two\nstill two", "Three", "Four", "Five"]


def test_styles_break_pages_as_what_they_are_based_on_and_with_their_own_kind_of_page(read: Read) -> None:
    styles = style("Chapter", 'fo:break-before="page"') + style("P1", "", 'style:parent-style-name="Chapter"')
    styles += style("P2", "", 'style:master-page-name="Landscape"') + style("P3", "", 'style:master-page-name=""')
    styles += style("P4", 'fo:break-before="auto"', 'style:parent-style-name="Chapter"')
    body = "".join(f"<text:p text:style-name='P{number}'>{number}</text:p>" for number in (4, 1, 2, 3))
    assert page_texts(read(odf(body, styles=styles))) == ["4", "1", "2\n3"]


def test_a_chart_and_a_formula_say_what_they_show(read: Read) -> None:
    table = f"<table:table>{row(cell(''), cell('Trout'))}{row(cell('May'), cell('4.3'))}</table:table>"
    title = tag("chart:title xmlns:chart='urn:oasis:names:tc:opendocument:xmlns:chart:1.0'", p("Catch"))
    terms = tag("mrow", tag("mi", "E"), tag("mo", "="), tag("mi", "m"))
    formula = tag(f"math xmlns='{MATH}'", tag("semantics", terms, tag("annotation", "E = m")))
    parts = {
        "Object 1/content.xml": content(f"<office:chart>{title}{table}</office:chart>"),
        "Object 2/content.xml": formula,
        "ObjectReplacements/Object 1": png(),
    }
    chart = tag("draw:frame", frame("./Object 1", "object"), frame("./ObjectReplacements/Object 1"))
    written = tag("draw:frame", frame("./Object%202", "object"))
    reading = read(odf(p("Before" + chart + written) + p("After"), parts), ocr=OcrMode.NEVER)
    assert reading.text.split("\n") == ["Before", "Catch", "\tTrout", "May\t4.3", "E=m", "After"]
    assert [table.rows for table in reading.tables] == [(("", "Trout"), ("May", "4.3"))]
    assert not reading.parts


@pytest.mark.parametrize("part", ["Object 1/content.xml", "styles.xml", "meta.xml"])
def test_a_damaged_object_does_not_cost_the_document(read: Read, part: str) -> None:
    body = p("Before" + tag("draw:frame", frame("./Object 1", "object")))
    reading = read(odf(body, {part: "<office:document"}))
    assert reading.text == "Before"
    assert [warning.code for warning in reading.warnings] == ["DOCUMENT_INCOMPLETE"]


def test_pictures_and_files_inside_are_read_once(read: Read) -> None:
    parts = {
        "Pictures/a.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "Pictures/a.png": png(),
        "Pictures/b.png": png(shade=40),
        "Object 1": compound({"\x01Ole10Native": native("note.txt", NOTE)}),
        "ObjectReplacements/Object 1": png(shade=80),
    }
    frames = (
        frame("Pictures/a.svg") + frame("Pictures/a.png"),
        frame("Pictures/b.png"),
        frame("Pictures/b.png"),
        frame("./Object 1", "object-ole") + frame("./ObjectReplacements/Object 1"),
        frame("http://heron.example/c.png"),
    )
    shown = "".join(f"<draw:frame>{each}</draw:frame>" for each in frames)
    reading = read(odf(f"<text:p>Text{shown}</text:p>", parts), ocr=OcrMode.NEVER)
    assert [(part.name, part.media_type) for part in reading.parts] == [
        ("a.png", "image/png"),
        ("b.png", "image/png"),
        ("note.txt", "text/plain"),
    ]


def test_slides_are_pages_with_their_notes_and_comments(read: Read) -> None:
    box = "draw:frame", "draw:text-box"
    notes = tag("presentation:notes", "<draw:page-thumbnail/>", tag(box[0], tag(box[1], p("Say hello"))))

    def slide(text: str, rest: str = "") -> str:
        return tag("draw:page", tag(box[0], tag(box[1], text)), rest)

    comment = tag("dc:creator", "Ada") + p("Sure?")
    comments = tag("office:annotation", comment) + tag(f"o:annotation xmlns:o='{OPEN_OFFICE}'", p("Yes"))
    slides = slide(p("One"), notes + comments) + slide("") + slide(p("Three"))
    reading = read(odf(slides, kind="presentation"))
    assert reading.media_type == "application/vnd.oasis.opendocument.presentation"
    assert page_texts(reading) == ["One\nSay hello\n[Ada] Sure?\nYes", "", "Three"]


def test_shapes_of_a_slide_are_read_from_top_to_bottom_and_titles_first(read: Read) -> None:
    def shape(text: str, place: str, more: str = "") -> str:
        return tag(f"draw:custom-shape {place} {more}", p(text) if text else "")

    drawn = (
        shape("right", "svg:x='9cm' svg:y='100mm' svg:height='4cm'"),
        shape("left", "svg:x='1in' svg:y='4in' svg:height='4cm'"),
        tag("draw:g", shape("turned", "draw:transform='rotate (1.5) translate (2cm 18cm)'")),
        shape("above", "svg:x='0pt' svg:y='1pt' svg:height='9pt'"),
        shape("", "svg:x='0pt' svg:y='0pt' svg:height='60cm'"),
        shape("Title", "svg:x='0cm' svg:y='50cm'", "presentation:class='title'"),
    )
    assert read(odf(tag("draw:page", *drawn), kind="presentation")).text == "Title\nabove\nleft\nright\nturned"


def test_properties_are_metadata(read: Read) -> None:
    entries = "<dc:title>Order</dc:title><meta:keyword>rods</meta:keyword><meta:keyword>lines</meta:keyword><dc:date/>"
    meta = f"<office:document-meta {ODF_NAMESPACES}><office:meta>{entries}</office:meta></office:document-meta>"
    assert read(odf("<text:p>a</text:p>", {"meta.xml": meta})).metadata == {"title": "Order", "keywords": "rods, lines"}


@pytest.mark.parametrize("kind", ["text", "presentation", "spreadsheet"])
def test_a_document_with_a_password_is_refused_as_such(read: Read, kind: str) -> None:
    entry = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    manifest = f"<manifest:manifest {ODF_NAMESPACES}>{entry}</manifest:manifest>"
    with pytest.raises(EncryptedDocument):
        read(odf("", {"META-INF/manifest.xml": manifest, "content.xml": b"\x8f\x01\xff"}, kind=kind))


def test_a_document_that_is_encrypted_as_a_whole_is_refused_as_such(read: Read) -> None:
    parts = {"mimetype": "application/vnd.oasis.opendocument.text", "encrypted-package": b"\x8f\x01\xff"}
    with pytest.raises(EncryptedDocument):
        read(packed(parts))


@pytest.mark.parametrize("damaged", ["<office:document-content", f"<office:document-content {ODF_NAMESPACES}/>"])
def test_a_damaged_document_is_corrupt(read: Read, damaged: str) -> None:
    with pytest.raises(CorruptDocument):
        read(odf("", {"content.xml": damaged}))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_truncated_document_is_corrupt(read: Read, share: float) -> None:
    whole = odf("<text:p>Text</text:p>")
    with pytest.raises(CorruptDocument):
        read(whole[: int(len(whole) * share)])


def test_a_row_repeated_without_end_is_bounded(read: Read) -> None:
    repeated = row(cell("a")).replace("<table:table-row", '<table:table-row table:number-rows-repeated="999999999"')
    reading = read(odf(f"<table:table>{repeated}</table:table>"))
    assert "TABLE_INCOMPLETE" in {warning.code for warning in reading.warnings}
    assert len(reading.tables[0].rows) <= 200_000
