"""XML: names and values as lines, without entities."""

import base64
from collections.abc import Callable

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument

Read = Callable[..., Reading]


def document(body: str, prologue: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{prologue}{body}'.encode()


def test_an_invoice_reads_as_names_and_values_below_what_they_belong_to(read: Read) -> None:
    body = (
        '<ubl:Invoice xmlns:ubl="urn:ubl:Invoice-2" xmlns:c="urn:c"><c:ID>4711</c:ID>'
        "<c:Seller><c:Party><c:Name>Heron</c:Name><c:City>Bergen</c:City></c:Party></c:Seller>"
        '<c:Total><c:Payable currencyID="EUR">119.00</c:Payable></c:Total></ubl:Invoice>'
    )
    reading = read(document(body))
    assert reading.text.split("\n") == [
        *("ID: 4711", "Seller / Party", "Name: Heron", "City: Bergen", "Total", "Payable: 119.00 (currencyID: EUR)"),
    ]
    assert reading.metadata == {"root": "Invoice", "namespace": "urn:ubl:Invoice-2"}


def test_prose_stays_prose(read: Read) -> None:
    text = "a long sentence " * 20
    assert (
        read(document(f"<a><p>One <i>two</i> three.</p><p>{text}</p></a>")).text == f"p: One two three.\n{text.strip()}"
    )


def test_attributes_alone_are_read(read: Read) -> None:
    assert read(document('<list><item name="rod" price="12.50"/></list>')).text == "item: (name: rod, price: 12.50)"


def test_files_in_it_are_read_as_documents(read: Read) -> None:
    content = base64.b64encode(b"the delivery note\n" * 3).decode()
    body = f'<a><b>x</b><Binary mimeCode="text/plain" filename="note.txt">{content}</Binary></a>'
    reading = read(document(body))
    assert [part.name for part in reading.parts] == ["note.txt"]
    assert [page.text.split("\n")[0] for page in reading.pages] == ["b: x", "the delivery note"]


def test_a_drawing_gives_its_texts(read: Read) -> None:
    texts = '<title>Plan</title><path d="M0 0"/><text>North <tspan>side</tspan></text>'
    assert read(document(f'<svg xmlns="http://www.w3.org/2000/svg">{texts}</svg>')).text == "Plan\nNorth side"


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1/x"> %b;]>',
    ],
)
def test_entities_are_refused(read: Read, prologue: str) -> None:
    with pytest.raises(CorruptDocument):
        read(document("<a>&b;</a>", prologue))


def test_a_document_type_without_entities_is_read(read: Read) -> None:
    assert read(document("<a><b>c</b></a>", '<!DOCTYPE a SYSTEM "a.dtd">')).text == "b: c"


@pytest.mark.parametrize("body", ["<a><b>c</a>", "<a>" * 5_000 + "x" + "</a>" * 5_000])
def test_what_is_not_well_formed_is_read_as_text_with_a_warning(read: Read, body: str) -> None:
    reading = read(document(body))
    assert body in reading.text
    assert [warning.code for warning in reading.warnings] == ["SYNTAX_BROKEN"]


def test_text_beyond_the_limit_is_cut(read: Read) -> None:
    reading = read(document("<a>" + "<b>word</b>" * 1_000 + "</a>"), max_text_chars=100)
    assert [warning.code for warning in reading.warnings] == ["TEXT_TRUNCATED"]
