"""Outlook's mails, made of their properties."""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import DocumentError
from office_files import compound

Read = Callable[..., Reading]
SUBJECT, HEADERS, BODY, HTML, RTF, SENDER, SENDER_SMTP = 0x0037, 0x007D, 0x1000, 0x1013, 0x1009, 0x0C1A, 0x5D01
NAME, SMTP, ATTACHED, LONG_NAME = 0x3001, 0x39FE, 0x3701, 0x3707
CODE_PAGE, BODY_CODE_PAGE, SENT, KIND = 0x3FFD, 0x3FDE, 0x0039, 0x0C15
# [MS-OXRTFCP] 4.1.1
PACKED_RTF = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)


def storage(path: str, header: int, numbers: Mapping[int, int], values: Mapping[int, str | bytes]) -> dict[str, bytes]:
    """Text becomes Unicode; bytes are a narrow text where the number is a text's, else binary."""
    entries = b"".join(struct.pack("<HHIQ", 0x0003, number, 0, value) for number, value in numbers.items())
    streams = {f"{path}__properties_version1.0": bytes(header) + entries}
    for number, value in values.items():
        kind = "001F" if isinstance(value, str) else "0102" if number in {HTML, RTF, ATTACHED} else "001E"
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        streams[f"{path}__substg1.0_{number:04X}{kind}"] = content
    return streams


def message(
    values: Mapping[int, str | bytes], numbers: Mapping[int, int] = {}, inside: Mapping[str, bytes] = {}, path: str = ""
) -> dict[str, bytes]:
    return {**storage(path, 24 if path else 32, numbers, values), **inside}


def attachment(at: int, values: Mapping[int, str | bytes], path: str = "") -> dict[str, bytes]:
    return storage(f"{path}__attach_version1.0_#{at:08X}/", 8, {}, values)


def test_headers_it_travelled_with_come_first(read: Read) -> None:
    headers = (
        "From: Ada <ada@heron.example>\r\nTo: =?utf-8?Q?B=C3=B8?= <bo@heron.example>\r\nDate: Mon, 4 Mar 2024 10:00\r\n"
    )
    reading = read(
        compound(message({HEADERS: headers, SUBJECT: "An order", BODY: "Twelve rods\r\nplease", SENDER: "X"}))
    )
    assert reading.media_type == "application/vnd.ms-outlook"
    assert reading.text.splitlines() == [
        "From: Ada <ada@heron.example>",
        "To: Bø <bo@heron.example>",
        "Subject: An order",
        "Date: Mon, 4 Mar 2024 10:00",
        "",
        "Twelve rods",
        "please",
    ]
    assert reading.metadata["to"] == "Bø <bo@heron.example>"


def test_a_mail_that_never_travelled_has_headers_of_its_properties(read: Read) -> None:
    ticks = int((datetime(2024, 3, 4, 10, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds() * 10**7)
    recipients = {
        **storage("__recip_version1.0_#00000000/", 8, {KIND: 1}, {NAME: "Bo", SMTP: "bo@heron.example"}),
        **storage("__recip_version1.0_#00000001/", 8, {KIND: 1}, {NAME: "/o=heron/cn=cy"}),
        **storage("__recip_version1.0_#00000002/", 8, {KIND: 3}, {NAME: "di@heron.example", SMTP: "di@heron.example"}),
    }
    values = {SENDER: "Ada", SENDER_SMTP: "ada@heron.example", SUBJECT: "An order", BODY: "Twelve rods"}
    metadata = read(compound(message(values, {SENT: ticks}, recipients))).metadata
    assert metadata == {
        "from": "Ada <ada@heron.example>",
        "to": "Bo <bo@heron.example>, /o=heron/cn=cy",
        "bcc": "di@heron.example",
        "subject": "An order",
        "date": "Mon, 04 Mar 2024 10:00:00 +0000",
    }


@pytest.mark.parametrize(
    ("code_page", "charset"), [(1251, "cp1251"), (65001, "utf-8"), (28595, "iso-8859-5"), (20866, "koi8-r")]
)
def test_narrow_texts_are_in_the_code_page_named(read: Read, code_page: int, charset: str) -> None:
    body = "Счёт на оплату".encode(charset)
    assert "Счёт на оплату" in read(compound(message({SUBJECT: "x", BODY: body}, {BODY_CODE_PAGE: code_page}))).text
    assert "Счёт на оплату" in read(compound(message({SUBJECT: body, BODY: "x"}, {CODE_PAGE: code_page}))).text


def test_html_is_read_where_there_is_no_plain_text(read: Read) -> None:
    html = "<p>Twelve <b>rods</b></p><table><tr><td>Größe<td>7<tr><td>Farbe<td>rot</table>".encode()
    reading = read(compound(message({SUBJECT: "x", HTML: html}, {BODY_CODE_PAGE: 65001})))
    assert "Twelve rods\nGröße\t7\nFarbe\trot" in reading.text


def test_rich_text_is_read_where_there_is_nothing_else(read: Read) -> None:
    reading = read(compound(message({SUBJECT: "x", RTF: PACKED_RTF})))
    assert "hello world" in reading.text
    assert [part.media_type for part in reading.parts] == ["application/rtf"]


@pytest.mark.parametrize("packed", [b"", PACKED_RTF[:20], b"\0" * 40, PACKED_RTF[:16] + b"\xff" * 40])
def test_damaged_rich_text_is_said(read: Read, packed: bytes) -> None:
    reading = read(compound(message({SUBJECT: "x", RTF: packed})))
    assert "Subject: x" in reading.text


def test_attachments_are_read_and_mails_inside_too(read: Read, text_pdf) -> None:
    inner = "__attach_version1.0_#00000001/__substg1.0_3701000D/"
    inside = {
        **attachment(0, {LONG_NAME: "a.pdf", ATTACHED: text_pdf.read_bytes()}),
        **attachment(1, {}),
        **message({SUBJECT: "Inner", BODY: "Inner text"}, path=inner),
        **attachment(0, {LONG_NAME: "b.txt", ATTACHED: b"A note. " * 600}, inner),
    }
    reading = read(compound(message({SUBJECT: "Outer", BODY: "Outer text"}, inside=inside)))
    assert [(part.name, part.media_type, part.container) for part in reading.parts] == [
        ("a.pdf", "application/pdf", 0),
        ("Inner", "application/vnd.ms-outlook", 0),
        ("b.txt", "text/plain", 2),
    ]
    assert [page.part for page in reading.pages] == [0, 1, 1, 2, 3]
    assert "Inner text" in reading.pages[3].text
    assert reading.metadata["subject"] == "Outer"


def test_an_attachment_that_is_only_a_link_says_so(read: Read) -> None:
    reading = read(compound(message({SUBJECT: "x", BODY: "y"}, inside=attachment(0, {LONG_NAME: "elsewhere.doc"}))))
    assert [part.name for part in reading.parts] == ["elsewhere.doc"]
    assert [warning.code for warning in reading.warnings] == ["PART_UNREADABLE"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_mail_is_refused_or_read(read: Read, share: float) -> None:
    content = compound(message({SUBJECT: "An order", BODY: "Twelve rods " * 1000}))
    try:
        reading = read(content[: int(len(content) * share)], "order.msg")
    except DocumentError:
        return
    assert reading.text.strip()
