"""Presentations: a page a slide, in the order people read its shapes."""

from collections.abc import Callable

import pytest

from heron_grpc.domain.document import OcrMode, Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from office_files import NAMESPACES, compound, native, odf, packed, png, relations, shape, slides

Read = Callable[..., Reading]
NOTE = b"The heron is grey. " * 300
LEFT, RIGHT = (0, 1000, 400, 400), (500, 1010, 400, 400)
THREADED = "http://schemas.microsoft.com/office/powerpoint/2018/8/main"


def layout(*placeholders: str, kind: str = "sldLayout") -> str:
    return f"<p:{kind} {NAMESPACES}><p:cSld><p:spTree>{''.join(placeholders)}</p:spTree></p:cSld></p:{kind}>"


def picture(name: str) -> str:
    return f'<p:pic><p:blipFill><a:blip r:embed="{name}"/></p:blipFill></p:pic>'


def frame(content: str, place: str = "") -> str:
    graphic = f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic>"
    return f"<p:graphicFrame>{place}{graphic}</p:graphicFrame>"


def page_texts(reading: Reading) -> list[str]:
    return [page.text for page in reading.pages]


def test_slides_are_pages_in_the_order_of_the_presentation(read: Read) -> None:
    listed = f"<p:presentation {NAMESPACES}><p:sldIdLst><p:sldId r:id='rId2'/><p:sldId r:id='rId3'/>"
    parts = {"presentation.xml": f"{listed}<p:sldId r:id='rId1'/></p:sldIdLst></p:presentation>"}
    assert page_texts(read(slides([shape("last"), shape("first"), ""], parts))) == ["first", "", "last"]


def test_shapes_are_read_from_top_to_bottom_and_titles_first(read: Read) -> None:
    drawn = (
        shape("right", RIGHT),
        shape("left", LEFT),
        shape("below", (0, 2000, 400, 400)),
        shape("above", (0, 0, 900, 100)),
        shape("Title", (0, 3000, 900, 100), "title"),
    )
    assert page_texts(read(slides(["".join(drawn)]))) == ["Title\nabove\nleft\nright\nbelow"]


def test_shapes_of_groups_stand_where_the_group_puts_them(read: Read) -> None:
    moved = "<a:off x='0' y='5000'/><a:ext cx='100' cy='100'/><a:chOff x='0' y='0'/><a:chExt cx='1000' cy='1000'/>"
    group = f"<p:grpSp><p:grpSpPr><a:xfrm>{moved}</a:xfrm></p:grpSpPr>{shape('in a group', (0, 0, 100, 100))}</p:grpSp>"
    tree = group + shape("after it", (0, 5200, 10, 10)) + shape("before it", (0, 1000, 10, 10))
    assert page_texts(read(slides([tree]))) == ["before it\nin a group\nafter it"]


def test_placeholders_without_a_place_stand_where_layout_and_master_put_them(read: Read) -> None:
    parts = {
        "layout.xml": layout(shape("", fills="body", number=1), shape("", (0, 100, 10, 10), "body", 2)),
        "_rels/layout.xml.rels": relations({"rId1": ("slideMaster", "master.xml")}),
        "master.xml": layout(shape("", (0, 900, 10, 10), "body", 7), kind="sldMaster"),
    }
    tree = shape("by the master", fills="body", number=1) + shape("by the layout", fills="body", number=2)
    tree += shape("own", (0, 500, 10, 10))
    reading = read(slides([tree], parts, {"rId1": ("slideLayout", "../layout.xml")}))
    assert page_texts(reading) == ["by the layout\nown\nby the master"]


def test_what_old_programs_get_instead_is_not_read_again(read: Read) -> None:
    choice = f"<mc:Choice Requires='new'>{shape('new')}</mc:Choice><mc:Fallback>{shape('old')}</mc:Fallback>"
    assert page_texts(read(slides([f"<mc:AlternateContent>{choice}</mc:AlternateContent>"]))) == ["new"]


def test_breaks_and_fields_are_read_but_not_slide_numbers(read: Read) -> None:
    runs = "<a:r><a:t>one</a:t></a:r><a:br/><a:r><a:t>two</a:t></a:r><a:fld type='datetime1'><a:t> May</a:t></a:fld>"
    numbered = "<a:p><a:fld type='slidenum'><a:t>7</a:t></a:fld></a:p>"
    tree = f"<p:sp><p:txBody><a:p>{runs}</a:p>{numbered}</p:txBody></p:sp>" + shape("8", fills="sldNum")
    assert page_texts(read(slides([tree]))) == ["one\ntwo May"]


def test_formulas_are_read(read: Read) -> None:
    math = "xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'"
    terms = f"<x:m xmlns:x='new' {math}><m:oMath><m:r><m:t>E=m</m:t></m:r><m:r><m:t>c</m:t></m:r></m:oMath></x:m>"
    tree = f"<p:sp><p:txBody><a:p><a:r><a:t>So </a:t></a:r>{terms}</a:p></p:txBody></p:sp>"
    assert page_texts(read(slides([tree]))) == ["So E=mc"]


def test_tables_are_tables(read: Read) -> None:
    def row(*cells: str) -> str:
        return f"<a:tr>{''.join(f'<a:tc><a:txBody>{each}</a:txBody></a:tc>' for each in cells)}</a:tr>"

    def text(words: str) -> str:
        return f"<a:p><a:r><a:t>{words}</a:t></a:r></a:p>"

    table = f"<a:tbl>{row(text('Item'), text('Price'))}{row(text('Rod') + text('long'), text('99.00'))}</a:tbl>"
    reading = read(slides([shape("First") + "<p:sp/>", shape("Above", (0, 0, 1, 1)) + frame(table)]))
    assert page_texts(reading) == ["First", "Above\nItem\tPrice\nRod long\t99.00"]
    assert [(table.page, table.rows) for table in reading.tables] == [(2, (("Item", "Price"), ("Rod\nlong", "99.00")))]


def test_charts_and_diagrams_say_what_they_show(read: Read) -> None:
    related = {"rId1": ("chart", "../chart.xml"), "rId2": ("diagramData", "../data.xml")}
    tree = frame("<c:chart r:id='rId1'/>") + frame("<dgm:relIds r:dm='rId2'/>")
    reading = read(slides([tree], related=related))
    assert page_texts(reading) == ["Catch\n\tTrout\nMay\nJune\t4.3\nCast, wait"]
    assert [table.rows for table in reading.tables] == [(("", "Trout"), ("May", ""), ("June", "4.3"))]


def test_notes_and_comments_stand_below_the_slide(read: Read) -> None:
    threaded = "<a:p><a:r><a:t>Which one?</a:t></a:r></a:p>"
    related = {
        "rId1": ("notesSlide", "../notes.xml"),
        "rId2": ("comments", "../old.xml"),
        "rId3": ("comments", "../new.xml"),
    }
    notes = shape("Say hello\nand wait", fills="body") + shape("1", fills="sldNum") + shape("a date", fills="dt")
    parts = {
        "notes.xml": layout(notes, kind="notes"),
        "old.xml": f"<p:cmLst {NAMESPACES}><p:cm><p:text>Sure?</p:text></p:cm></p:cmLst>",
        "new.xml": f"<t:cmLst xmlns:t='{THREADED}' {NAMESPACES}><t:cm><t:txBody>{threaded}</t:txBody></t:cm></t:cmLst>",
    }
    reading = read(slides([shape("Slide")], parts, related))
    assert page_texts(reading) == ["Slide\nSay hello\nand wait\nSure?\nWhich one?"]


def test_pictures_and_files_inside_are_read_once(read: Read) -> None:
    related = {
        "rId1": ("image", "../media/a.png"),
        "rId2": ("oleObject", "../embeddings/a.bin"),
        "rId3": ("image", "../media/icon.png"),
        "rId4": ("package", "../embeddings/b.odt"),
    }
    parts = {
        "media/a.png": png(),
        "media/icon.png": png(shade=40),
        "embeddings/a.bin": compound({"\x01Ole10Native": native("note.txt", NOTE)}),
        "embeddings/b.odt": odf("<text:p>A text inside</text:p>"),
    }
    ole = f"<p:oleObj r:id='rId2'>{picture('rId3')}</p:oleObj>"
    tree = picture("rId1") + picture("rId1") + frame(ole) + frame("<p:oleObj r:id='rId4'/>")
    reading = read(slides([tree, shape("Two")], parts, related), ocr=OcrMode.NEVER)
    assert [(part.name, part.media_type) for part in reading.parts] == [
        ("a.png", "image/png"),
        ("note.txt", "text/plain"),
        ("b.odt", "application/vnd.oasis.opendocument.text"),
    ]
    assert page_texts(reading)[-1] == "A text inside"


def test_a_hidden_slide_is_read_and_said_to_be_hidden(read: Read) -> None:
    hidden = f"<p:sld show='0'><p:cSld><p:spTree>{shape('Hidden')}</p:spTree></p:cSld></p:sld>"
    reading = read(slides([shape("Shown"), hidden]))
    assert page_texts(reading) == ["Shown", "Hidden"]
    assert [(warning.code, warning.page) for warning in reading.warnings] == [("PAGE_HIDDEN", 2)]


@pytest.mark.parametrize("damage", ["<p:sld", None])
def test_a_damaged_slide_does_not_cost_the_others(read: Read, damage: str | None) -> None:
    names = {"rId1": "slide1", "rId2": "broken", "rId3": "slide3"}
    related = {key: ("slide", f"slides/{name}.xml") for key, name in names.items()}
    parts = {"_rels/presentation.xml.rels": relations(related)}
    if damage:
        parts["slides/broken.xml"] = damage
    reading = read(slides([shape("One"), "", shape("Three")], parts))
    assert page_texts(reading) == ["One", "", "Three"]
    assert [(warning.code, warning.page) for warning in reading.warnings] == [("PAGE_DAMAGED", 2)]


@pytest.mark.parametrize("part", ["layout.xml", "notes.xml", "comments.xml", "chart.xml"])
def test_a_damaged_part_beside_a_slide_does_not_cost_its_text(read: Read, part: str) -> None:
    kinds = {"layout.xml": "slideLayout", "notes.xml": "notesSlide", "comments.xml": "comments", "chart.xml": "chart"}
    tree = frame("<c:chart r:id='rId1'/>" if part == "chart.xml" else "") + shape("Slide")
    reading = read(slides([tree, shape("Next")], {part: "<broken"}, {"rId1": (kinds[part], f"../{part}")}))
    assert page_texts(reading) == ["Slide", "Next"]
    warnings = [] if part == "layout.xml" else ["DOCUMENT_INCOMPLETE"]
    assert [warning.code for warning in reading.warnings] == warnings


def test_the_strict_variant_is_read(read: Read) -> None:
    usual, strict = "http://schemas.openxmlformats.org", "http://purl.oclc.org/ooxml"
    names = NAMESPACES.replace(usual, strict).replace("/2006/", "/")
    tree = f"<p:cSld><p:spTree>{shape('Slide')}</p:spTree></p:cSld>"
    listed = f"<p:presentation {names}><p:sldIdLst><p:sldId r:id='rId1'/></p:sldIdLst></p:presentation>"
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations({"rId1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": listed,
        "ppt/_rels/presentation.xml.rels": relations({"rId1": ("slide", "slides/slide1.xml")}),
        "ppt/slides/slide1.xml": f"<p:sld {names}>{tree}</p:sld>",
    }
    assert page_texts(read(packed(parts))) == ["Slide"]


def test_a_presentation_with_a_password_is_refused_as_such(read: Read) -> None:
    with pytest.raises(EncryptedDocument):
        read(compound({"EncryptedPackage": bytes(4096), "EncryptionInfo": bytes(4096)}), "a.pptx")


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_truncated_presentation_is_corrupt(read: Read, share: float) -> None:
    whole = slides([shape("Slide")])
    with pytest.raises(CorruptDocument):
        read(whole[: int(len(whole) * share)])


def test_a_damaged_presentation_is_corrupt(read: Read) -> None:
    with pytest.raises(CorruptDocument):
        read(slides([shape("Slide")], {"presentation.xml": "<p:presentation"}))


def test_a_presentation_without_text_comes_with_a_warning(read: Read) -> None:
    assert [warning.code for warning in read(slides([""])).warnings] == ["NO_TEXT_FOUND"]
