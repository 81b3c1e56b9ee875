"""Outlook's mails (MS-OXMSG): headers, text, and what is attached."""

from collections.abc import Iterator
from email.parser import HeaderParser
from email.utils import format_datetime
from functools import partial
from itertools import chain

from heron_grpc.domain.errors import UnsupportedMediaType
from heron_grpc.domain.steps import Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.compressed_rtf import unpack_rtf
from heron_grpc.reading.embedded import Embedded, Unpacked, read_embedded
from heron_grpc.reading.mail_page import HEADERS, MailPage
from heron_grpc.reading.mail_text import AS_WRITTEN, readable
from heron_grpc.reading.ole_storage import open_ole
from heron_grpc.reading.outlook_properties import OutlookProperties
from heron_grpc.reading.reader import ReadOptions

# Numbers of properties (MS-OXPROPS).
_SUBJECT, _TRANSPORT_HEADERS, _MESSAGE_ID, _SENT, _ARRIVED = 0x0037, 0x007D, 0x1035, 0x0039, 0x0E06
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP, _REPLY_TO = 0x0C1A, 0x0C1F, 0x5D01, 0x0050
_BODY, _HTML, _RTF, _BODY_CODE_PAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
_NAME, _ADDRESS, _SMTP, _RECIPIENT_KIND = 0x3001, 0x3003, 0x39FE, 0x0C15
_ATTACHED, _LONG_NAME, _SHORT_NAME = 0x3701, 0x3707, 0x3704
_RECIPIENTS, _ATTACHMENTS = "__recip_version1.0_#", "__attach_version1.0_#"
_RECIPIENT_KINDS = {"To": 1, "Cc": 2, "Bcc": 3}


def read_msg(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page of headers and text, then what is attached. Raises CorruptDocument."""
    with open_ole(path) as ole:
        yield from _read(OutlookProperties(ole), options)


def _read(mail: OutlookProperties, options: ReadOptions) -> Iterator[Step]:
    page = MailPage(_headers(mail))
    code_page = mail.number(_BODY_CODE_PAGE)
    plain, html = mail.body(_BODY, code_page), mail.body(_HTML, code_page)
    packed = b""
    if plain.text.strip() or html.text.strip():
        page.add(plain if plain.text.strip() else html, is_html=not plain.text.strip())
    else:
        packed = mail.content(_RTF)
    yield from page.steps(options)
    rich_text = [Embedded("body.rtf", partial(unpack_rtf, packed))] if packed else []
    yield from read_embedded(chain(rich_text, map(_attachment, mail.inside(_ATTACHMENTS))), page.count, options)


def _headers(mail: OutlookProperties) -> dict[str, str]:
    """As the mail travelled with, where it did; else from Outlook's own properties."""
    travelled = HeaderParser(policy=AS_WRITTEN).parsestr(mail.text(_TRANSPORT_HEADERS))
    headers = _own_headers(mail)
    return {name: readable(", ".join(travelled.get_all(name, ()))) or headers.get(name, "") for name in HEADERS}


def _own_headers(mail: OutlookProperties) -> dict[str, str]:
    sent = mail.time(_SENT) or mail.time(_ARRIVED)
    sender = _person(mail.text(_SENDER), mail.text(_SENDER_SMTP) or mail.text(_SENDER_ADDRESS))
    recipients = list(mail.inside(_RECIPIENTS))
    people = {
        name: ", ".join(
            _person(each.text(_NAME), each.text(_SMTP) or each.text(_ADDRESS))
            for each in recipients
            if each.number(_RECIPIENT_KIND) == kind
        )
        for name, kind in _RECIPIENT_KINDS.items()
    }
    return people | {
        "From": sender,
        "Subject": mail.text(_SUBJECT),
        "Date": format_datetime(sent) if sent else "",
        "Reply-To": mail.text(_REPLY_TO),
        "Message-ID": mail.text(_MESSAGE_ID),
    }


def _person(name: str, address: str) -> str:
    """Addresses inside an organisation are paths in its directory, which say nothing outside."""
    if "@" not in address:
        return name or address
    return f"{name} <{address}>" if name and name != address else address


def _attachment(attachment: OutlookProperties) -> Embedded | Unpacked:
    name = attachment.text(_LONG_NAME) or attachment.text(_SHORT_NAME) or attachment.text(_NAME)
    if mail := attachment.mail(_ATTACHED):
        return Unpacked(name or mail.text(_SUBJECT), types.MSG, partial(_read, mail))
    return Embedded(name, partial(_content, attachment))


def _content(attachment: OutlookProperties) -> bytes:
    if content := attachment.content(_ATTACHED) or attachment.whole_file(_ATTACHED):
        return content
    raise UnsupportedMediaType("its bytes are not in the mail, or in a form of the program that made them")
