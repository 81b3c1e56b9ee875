"""Mails as they travel, with all that senders get wrong."""

import base64
from collections.abc import Callable
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import ReadingLimitExceeded

Read = Callable[..., Reading]
PGP = "-----BEGIN PGP MESSAGE-----\n\nhIwDY32hYGCE8MkB\n-----END PGP MESSAGE-----\n"


def mail(body: str = "Twelve rods, please.", subject: str = "An order", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ada <ada@heron.example>"
    message["To"] = "Bo <bo@heron.example>"
    message["Subject"] = subject
    message["Message-ID"] = "<1@heron.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


def raw(*headers: bytes, body: bytes = b"Twelve rods") -> bytes:
    return b"\r\n".join((b"From: ada@heron.example", b"To: bo@heron.example", *headers, b"", body))


def parts(reading: Reading) -> list[tuple[str, str, int]]:
    return [(part.media_type, part.name, part.container) for part in reading.parts]


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def test_headers_are_the_first_lines_and_metadata(read: Read) -> None:
    message = mail(Cc="Cy <cy@heron.example>", Date="Mon, 04 Mar 2024 10:00:00 +0100", Reply_To="desk@heron.example")
    reading = read(message.as_bytes())
    assert reading.media_type == "message/rfc822"
    assert reading.text.splitlines() == [
        "From: Ada <ada@heron.example>",
        "To: Bo <bo@heron.example>",
        "Cc: Cy <cy@heron.example>",
        "Subject: An order",
        "Date: Mon, 04 Mar 2024 10:00:00 +0100",
        "Reply-To: desk@heron.example",
        "Message-ID: <1@heron.example>",
        "",
        "Twelve rods, please.",
    ]
    assert reading.metadata["reply-to"] == "desk@heron.example"
    assert reading.metadata["subject"] == "An order"


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        (b"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe_an_alle?= und mehr", "Grüße an alle und mehr"),
        # A character cut in two, a word folded, a language, blanks inside, no padding, an odd digit.
        (b"=?utf-8?B?R3LD?=\r\n =?utf-8?B?vMOfZQ==?=", "Grüße"),
        (b"=?iso-8859-1*de?Q?Gr=FC=DFe?=", "Grüße"),
        (b"=?utf-8?Q?two words?=", "two words"),
        (b"=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        (b"=?utf-8?B?R3LDvMOfZ?=", "Grüß"),
        (b"=?no-such?Q?plain?=", "plain"),
        (b"=?iso-8859-1?Q?=93quoted=94?=", "\u201cquoted\u201d"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"folded\r\n\tsubject", "folded subject"),
    ],
)
def test_headers_are_read_as_they_are_meant(read: Read, value: bytes, subject: str) -> None:
    assert read(raw(b"Subject: " + value)).metadata["subject"] == subject


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Grüße aus Bergen"),
        ("iso-8859-1", "Grüße aus Bergen"),
        ("windows-1252", "“Grüße” für 5 €"),
        ("gb2312", "你好 發票"),
        ("koi8-r", "Счёт на оплату"),
        ("iso-2022-jp", "請求書です"),
        ("ks_c_5601-1987", "청구서 입니다"),
        ("shift_jis", "請求書①"),
    ],
)
def test_bodies_are_read_in_the_charset_meant(read: Read, charset: str, text: str) -> None:
    wider = {"gb2312": "gb18030", "shift_jis": "cp932"}.get(charset, charset)
    header = b"Content-Type: text/plain; charset=" + charset.encode()
    reading = read(raw(b"Subject: x", b"Mime-Version: 1.0", header, body=text.encode(wider)))
    assert text in reading.text
    assert codes(reading) == []


@pytest.mark.parametrize("charset", [b"no-such", b"punycode", b"utf-8", b'"'])
def test_a_wrong_charset_is_guessed_around(read: Read, charset: bytes) -> None:
    text = (
        "Sehr geehrte Damen und Herren, bitte überweisen Sie den fälligen Betrag bis Ende des Monats auf unser Konto."
    )
    body = f"{text} Mit freundlichen Grüßen Ihre Buchhaltung".encode("cp1252")
    reading = read(raw(b"Mime-Version: 1.0", b"Content-Type: text/plain; charset=" + charset, body=body))
    assert "überweisen Sie den fälligen Betrag" in reading.text
    assert codes(reading) == ["ENCODING_GUESSED"]


def test_the_plain_alternative_is_read_once(read: Read) -> None:
    message = mail("A plain text of the order.")
    message.add_alternative("<p>A plain text <b>of</b> the order.</p>", subtype="html")
    assert read(message.as_bytes()).text.count("of the order") == 1


@pytest.mark.parametrize("plain", ["", "Please view this mail in a browser."])
def test_html_is_read_where_the_plain_alternative_says_nothing(read: Read, plain: str) -> None:
    message = mail(plain)
    rows = "".join(f"<tr><td>Rod {number}</td><td>99.00</td></tr>" for number in range(20))
    message.add_alternative(f"<style>p {{}}</style><p>Your order</p><table>{rows}</table>", subtype="html")
    reading = read(message.as_bytes())
    assert "Your order\nRod 0\t99.00" in reading.text
    assert reading.tables[0].rows[1] == ("Rod 1", "99.00")
    assert "style" not in reading.text


def test_texts_around_an_attachment_stay_in_order(read: Read) -> None:
    message = MIMEMultipart()
    message["From"], message["To"], message["Subject"] = "ada@heron.example", "bo@heron.example", "x"
    for text in ("before", "after"):
        message.attach(MIMEText(text))
    assert read(message.as_bytes()).text.endswith("before\nafter")


def test_what_is_attached_is_read_and_numbered_on(read: Read, text_pdf, simple_docx) -> None:
    message = mail()
    message.add_attachment(text_pdf.read_bytes(), maintype="application", subtype="pdf", filename="Größe.pdf")
    message.add_attachment(simple_docx.read_bytes(), maintype="application", subtype="octet-stream", filename="b.bin")
    reading = read(message.as_bytes())
    assert [(part.name, part.number) for part in reading.parts] == [("Größe.pdf", 1), ("b.bin", 2)]
    assert [(page.number, page.part) for page in reading.pages] == [(1, 0), (2, 1), (3, 1), (4, 2)]
    assert "INVOICE number 4711" in reading.pages[1].text
    assert reading.tables[-1].page == 4
    assert reading.metadata == {key: reading.metadata[key] for key in ("from", "to", "subject", "message-id")}


@pytest.mark.parametrize(
    "parameter",
    [
        b'filename="=?utf-8?Q?Gr=C3=B6=C3=9Fe.txt?="',
        b"filename*=utf-8''Gr%C3%B6%C3%9Fe.txt",
        b"filename*0*=utf-8''Gr%C3%B6; filename*1*=%C3%9Fe.txt",
        'filename="Größe.txt"'.encode(),
        "filename=Größe.txt".encode("latin-1"),
    ],
)
def test_names_of_attachments_are_decoded(read: Read, parameter: bytes) -> None:
    headers = (b"Mime-Version: 1.0", b"Content-Type: text/plain", b"Content-Disposition: attachment; " + parameter)
    reading = read(raw(*headers))
    assert parts(reading) == [("text/plain", "Größe.txt", 0)]


def test_mails_inside_mails_are_parts_within_parts(read: Read) -> None:
    inner = mail("The inner text", "Inner subject")
    inner.add_attachment("A note", filename="note.txt")
    outer = mail("The outer text")
    outer.add_attachment(inner)
    reading = read(outer.as_bytes())
    assert parts(reading) == [("message/rfc822", "Inner subject", 0), ("text/plain", "note.txt", 1)]
    assert [page.part for page in reading.pages] == [0, 1, 2]
    assert "Subject: Inner subject" in reading.pages[1].text
    assert reading.metadata["subject"] == "An order"


def test_pictures_in_the_text_are_parts(read: Read, draw) -> None:
    import io

    packed = io.BytesIO()
    draw(("INVOICE number 4711",), (700, 150)).save(packed, "PNG")
    message = mail("see the picture")
    message.add_alternative('<p>see the picture</p><img src="cid:1">', subtype="html")
    message.get_payload()[1].add_related(packed.getvalue(), "image", "png", cid="<1>")
    reading = read(message.as_bytes())
    assert parts(reading) == [("image/png", "", 0)]
    assert "INVOICE" in reading.pages[1].text


def test_an_icon_is_a_part_without_a_page(read: Read) -> None:
    from office_files import png

    message = mail()
    message.add_attachment(png(16, 16, 90), maintype="image", subtype="png", filename="spacer.png")
    reading = read(message.as_bytes())
    assert (len(reading.pages), len(reading.parts), codes(reading)) == (1, 1, [])


def test_a_signed_mail_is_read_without_its_signature(read: Read) -> None:
    message = MIMEMultipart("signed")
    message["From"], message["To"], message["Subject"] = "ada@heron.example", "bo@heron.example", "x"
    message.attach(MIMEText("Signed words"))
    signature = MIMEText("")
    signature.replace_header("Content-Type", 'application/pkcs7-signature; name="smime.p7s"')
    message.attach(signature)
    reading = read(message.as_bytes())
    assert "Signed words" in reading.text
    assert (reading.parts, reading.warnings) == ((), ())


def der(tag: int, *content: bytes, indefinite: bool = False) -> bytes:
    body = b"".join(content)
    if indefinite:
        return bytes([tag, 0x80]) + body + b"\0\0"
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(length)]) + length) + body


def cms(kind: int, content: bytes, *, indefinite: bool = False) -> bytes:
    def identifier(last: int) -> bytes:
        return bytes.fromhex("06092a864886f70d0107") + bytes([last])

    pieces = [der(0x04, content[:20]), der(0x04, content[20:])]
    octets = der(0x24, *pieces, indefinite=True) if indefinite else der(0x04, content)
    inner = der(0x30, identifier(1), der(0xA0, octets, indefinite=indefinite), indefinite=indefinite)
    signed = der(0x30, b"\x02\x01\x01", der(0x31), inner, der(0x31), indefinite=indefinite)
    return der(0x30, identifier(kind), der(0xA0, signed, indefinite=indefinite), indefinite=indefinite)


@pytest.mark.parametrize("indefinite", [False, True])
def test_what_is_signed_around_it_is_read(read: Read, indefinite: bool) -> None:
    inner = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"Signed words. " * 20
    message = mail("")
    message.set_content(cms(2, inner, indefinite=indefinite), "application", "pkcs7-mime", filename="smime.p7m")
    reading = read(message.as_bytes())
    assert parts(reading) == [("application/pkcs7-mime", "smime.p7m", 0), ("message/rfc822", "", 1)]
    assert "Signed words." in reading.pages[-1].text


def test_a_signed_invoice_is_read(read: Read, text_pdf) -> None:
    reading = read(cms(2, text_pdf.read_bytes()))
    assert reading.media_type == "application/pkcs7-mime"
    assert "INVOICE number 4711" in reading.text


def test_an_encrypted_mail_says_so(read: Read) -> None:
    message = mail("")
    message.set_content(cms(3, b"secret"), "application", "pkcs7-mime", filename="smime.p7m")
    reading = read(message.as_bytes())
    assert codes(reading) == ["PART_ENCRYPTED"]
    assert "Subject: An order" in reading.text


@pytest.mark.parametrize("content", [PGP.encode(), b"\x76\xe8\x04\x60\xc4\x11\xe3\x86" + bytes(40)])
def test_an_encrypted_attachment_says_so(read: Read, content: bytes) -> None:
    message = mail()
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename="a.bin")
    reading = read(message.as_bytes())
    assert codes(reading) == ["PART_ENCRYPTED"]
    assert "part 1" in reading.warnings[0].message


def test_an_encrypted_text_says_so(read: Read) -> None:
    assert codes(read(mail(PGP).as_bytes())) == ["PART_ENCRYPTED"]


@pytest.mark.parametrize("encoding", [b"base64 ", b"BASE64", b"base64; x", b'"base64"'])
def test_careless_transfer_encodings_are_undone(read: Read, encoding: bytes) -> None:
    body = base64.b64encode(b"Twelve carbon fibre rods")
    reading = read(raw(b"Mime-Version: 1.0", b"Content-Transfer-Encoding: " + encoding, body=body))
    assert "Twelve carbon fibre rods" in reading.text


def test_a_multipart_that_lost_its_boundary_keeps_its_text(read: Read) -> None:
    reading = read(raw(b"Mime-Version: 1.0", b"Content-Type: multipart/mixed; boundary=lost", body=b"Twelve rods"))
    assert "Twelve rods" in reading.text


def test_a_report_on_a_mail_is_text(read: Read) -> None:
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nCould not be delivered\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: rfc822; bo@heron.example\r\n\r\n--b--\r\n"
    )
    reading = read(raw(b"Mime-Version: 1.0", b"Content-Type: multipart/report; boundary=b", body=body))
    assert "Could not be delivered" in reading.text
    assert "Final-Recipient: rfc822; bo@heron.example" in reading.text


def test_a_mailbox_is_a_part_for_each_mail(read: Read) -> None:
    mark = b"From ada@heron.example Mon Mar  4 10:00:00 2024\n"
    mails = [mail(f"Text {number}\n\nFrom here on it is prose", f"Subject {number}").as_bytes() for number in range(3)]
    reading = read(b"\n".join(mark + each for each in mails))
    assert reading.media_type == "application/mbox"
    assert [part.media_type for part in reading.parts] == ["message/rfc822"] * 3
    assert [page.number for page in reading.pages] == [1, 2, 3]
    assert "Text 1" in reading.pages[1].text


def test_a_mail_in_utf_16_is_read(read: Read) -> None:
    assert "Twelve rods" in read(mail().as_string().encode("utf-16")).text


@pytest.mark.parametrize("depth", [40, 3000])
def test_parts_nested_beyond_reason_are_refused(read: Read, depth: int) -> None:
    body = b"".join(b"--%d\nContent-Type: multipart/mixed; boundary=%d\n\n" % (at, at + 1) for at in range(depth))
    with pytest.raises(ReadingLimitExceeded):
        read(raw(b"Mime-Version: 1.0", b"Content-Type: multipart/mixed; boundary=0", body=body))


def test_a_header_without_end_is_cut(read: Read) -> None:
    reading = read(raw(b"Subject: " + b"rods " * 100_000, b"Content-Type: text/plain;" + b"a*1=x;" * 100_000))
    assert len(reading.text) < 110_000
    assert "Twelve rods" in reading.text
