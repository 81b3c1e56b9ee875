"""HTML: what a browser shows, as text and tables."""

import base64
import io
from collections.abc import Callable

import pytest
from PIL import Image

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument

Read = Callable[..., Reading]


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<h1>One</h1><p>two <b>three</b>\n four</p>five<br>six", "One\ntwo three four\nfive\nsix"),
        ("<div>a<div>b</div>c</div>", "a\nb\nc"),
        ("<ul><li>a<li>b<ol start=4><li>c<li>d</ol></ul>e", "- a\n- b\n4. c\n5. d\ne"),
        ("<pre>  a\n    b</pre>", "  a\n    b"),
        ("a<script>b</script><style>c{}</style><template>d</template><!-- e -->f", "af"),
        ('a<p style="DISPLAY : none">b</p><p hidden>c</p><span style="visibility:hidden">d</span>e', "ae"),
        ('<style>.x, #y {display:none}</style>a<p class="z x">b</p><p id=y>c</p>d', "ad"),
        ('<style>@media print {.x {display:none}}</style>a<p class="x">b</p>', "a\nb"),
        ('see <img src=x.png alt="the plan">!', "see the plan !"),
        ('<a href="mailto:a@b.example?subject=x">Write to us</a>', "Write to us (a@b.example)"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="https://b.example/terms">here</a>', "here (https://b.example/terms)"),
        ('<a href="https://b.example/terms">our terms</a>', "our terms"),
        ('Name <input value="Ada"><input type=hidden value=x><input type=password value=y>', "Name Ada"),
        ("<input type=checkbox checked> yes <input type=radio> no", "[x] yes [ ] no"),
        ("<select><option>a<option selected>b</select><textarea>c\nd</textarea>", "b\nc\nd"),
        ("&euro;&nbsp;5 &#x41; &unknown;", "€\xa05 A &unknown;"),
    ],
)
def test_text_is_what_a_browser_shows(read: Read, body: str, text: str) -> None:
    assert read(page(body)).text == text


def test_tables_are_tables_with_spans_and_captions(read: Read) -> None:
    body = (
        "<table><caption>Prices</caption><thead><tr><th>Item<th colspan=2>Price</thead>"
        "<tr><td rowspan=2>Rod<td>net<td>10<tr><td>gross<td><p>11</p><p>90</p></table>after"
    )
    reading = read(page(body))
    assert reading.tables[0].rows == (("Item", "Price", ""), ("Rod", "net", "10"), ("", "gross", "11\n90"))
    assert reading.text == "Prices\nItem\tPrice\nRod\tnet\t10\n\tgross\t11 90\nafter"


def test_tables_that_only_lay_out_the_page_are_text(read: Read) -> None:
    inner = "<table><tr><td>a<td>b<tr><td>c<td>d</table>"
    reading = read(page(f"<table><tr><td>menu<td>{inner}<tr><td>foot<td>end</table>"))
    assert [table.rows for table in reading.tables] == [(("a", "b"), ("c", "d"))]
    assert reading.text == "menu\na\tb\nc\td\nfoot\nend"


def test_spans_without_end_are_bounded(read: Read) -> None:
    body = "<table><tr>" + "<td colspan=1000 rowspan=65000>x" * 200 + "<tr><td>y" * 500 + "</table>"
    assert sum(map(len, read(page(body)).tables[0].rows)) <= 200_000


def test_title_and_descriptions_are_metadata(read: Read) -> None:
    head = '<title>The \n title</title><meta name=Author content="Ada"><meta property="og:description" content="About">'
    assert read(page("x", head)).metadata == {"title": "The title", "author": "Ada", "description": "About"}


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1251">', "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-15">', "iso-8859-15"),
        ('<meta charset="nonsense">', "utf-8"),
        ('<meta charset="us-ascii">', "utf-8"),
        ("", "utf-16"),
    ],
)
def test_the_encoding_is_the_declared_one_unless_it_cannot_be(read: Read, head: str, encoding: str) -> None:
    text = {"cp1251": "Счёт на оплату", "iso-8859-15": "Preis in €"}.get(encoding, "Größe über Ärger")
    data = page(f"<p>{text}</p>", head).decode().encode(encoding)
    expected = "GrÃ¶Ã\x9fe" if "us-ascii" in head else text
    assert expected[:3] in read(data, "page.html").text


def test_pictures_in_the_document_itself_are_read(read: Read) -> None:
    packed = io.BytesIO()
    Image.new("L", (200, 100), 255).save(packed, "PNG")
    address = "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode()
    reading = read(page(f'text<img src="{address}">'), ocr_budget_s=5)
    assert [(part.name, part.media_type) for part in reading.parts] == [("image1.png", "image/png")]


def test_a_tag_of_very_many_attributes_loses_them(read: Read) -> None:
    attributes = " ".join(f"a{number}" for number in range(50_000))
    assert read(page(f"<p {attributes}>kept</p>")).text == "kept"
    quoted = " ".join(f'a{number}=">"' for number in range(50_000))
    assert read(page(f"<p {quoted}>kept</p>")).text == "kept"


def test_what_is_nested_without_end_is_read_as_words_with_a_warning(read: Read) -> None:
    reading = read(page("<div>" * 5_000 + "deep &amp; down"))
    assert reading.text == "deep & down"
    assert [warning.code for warning in reading.warnings] == ["SYNTAX_BROKEN"]


def test_tags_never_closed_lose_nothing(read: Read) -> None:
    assert read(page("<font><b>word " * 400)).text.split() == ["word"] * 400


def test_a_page_with_nothing_to_see_says_so(read: Read) -> None:
    assert [warning.code for warning in read(page("<script>x</script>")).warnings] == ["NO_TEXT_FOUND"]


def test_binary_behind_an_html_beginning_is_corrupt(read: Read) -> None:
    with pytest.raises(CorruptDocument):
        read(page("text ") + b"x" * 70_000 + bytes(range(256)) * 400)
