"""Mails as they travel (RFC 5322, MIME), alone or in a mailbox file (RFC 4155)."""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from functools import partial
from pathlib import Path

from heron_grpc.domain.errors import ReadingLimitExceeded
from heron_grpc.domain.steps import Step
from heron_grpc.reading import media_types as types
from heron_grpc.reading.decoding import Decoded
from heron_grpc.reading.embedded import Embedded, Unpacked, read_embedded
from heron_grpc.reading.mail_page import HEADERS, MailPage, visible_text
from heron_grpc.reading.mail_text import AS_WRITTEN, decode_charset, readable
from heron_grpc.reading.reader import ReadOptions

# A blank line before it keeps it apart from a sentence that begins with "From".
_POSTMARK = re.compile(rb"(?:\A|\n\r?\n)From \S+ [^\r\n]*\d\d:\d\d[^\r\n]*\r?\n")
_UTF_8_MARK, _UTF_16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_MAILS = frozenset({"message/rfc822", "message/global", "message/news"})
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_BODY = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext", "text/rfc822-headers"})
# Mail software nests some five; texts of alternatives are weighed once on each level.
_DEEPEST = 30
# A plain text of so many words says what other forms of it say; one far shorter than they are may only point to them.
_FULL_TEXT = 100
_HINT_SHARE = 0.3


def read_eml(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page of headers and text, then what is attached. Raises ReadingLimitExceeded."""
    return _read_bytes(Path(path).read_bytes(), options)


def read_mbox(path: str, options: ReadOptions) -> Iterator[Step]:
    """No page of its own: each mail is a part."""
    content = Path(path).read_bytes()
    marks = list(_POSTMARK.finditer(content))
    ends = [mark.start() for mark in marks[1:]] + [len(content)]
    mails = (content[mark.end() : end] for mark, end in zip(marks, ends, strict=True))
    return read_embedded((Unpacked("", types.EML, partial(_read_bytes, mail)) for mail in mails), 0, options)


def _read_bytes(content: bytes, options: ReadOptions) -> Iterator[Step]:
    if content.startswith(_UTF_16_MARKS):
        content = content.decode("utf-16", "replace").encode()
    try:
        mail = BytesParser(policy=AS_WRITTEN).parsebytes(content.removeprefix(_UTF_8_MARK).lstrip(b"\r\n"))
    except RecursionError as error:
        raise _too_deep() from error
    yield from _read(mail, options)


def _read(mail: Message, options: ReadOptions) -> Iterator[Step]:
    texts: list[Message] = []
    inside: list[Embedded | Unpacked] = []
    _sort(mail, texts, inside)
    page = MailPage({name: ", ".join(map(readable, mail.get_all(name, ()))) for name in HEADERS})
    for part in texts:
        page.add(_text(part), is_html=_is_html(part))
    yield from page.steps(options)
    yield from read_embedded(inside, page.count, options)


def _sort(part: Message, texts: list[Message], inside: list[Embedded | Unpacked], depth: int = 0) -> None:
    """Adds what is in a part to the texts to be read one after the other, and to the documents inside."""
    if depth > _DEEPEST:
        raise _too_deep()
    kind = part.get_content_type()
    children = _children(part)
    if kind in _MAILS and children:
        inside += (_embedded(mail, _name(part)) for mail in children)
    elif kind == "multipart/alternative" and children:
        texts += _best([_form(child, inside, depth + 1) for child in children])
    elif kind.startswith("multipart/") and children:
        for child in children:
            if kind != "multipart/signed" or child.get_content_type() not in _SIGNATURES:
                _sort(child, texts, inside, depth + 1)
    elif _is_text(part, kind):
        texts.append(part)
    else:
        inside.append(Embedded(_name(part), partial(_content, part)))


def _children(part: Message) -> list[Message]:
    # A text's payload would be decoded, by whatever charset it names.
    payload = part.get_payload() if part.is_multipart() else None
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _too_deep() -> ReadingLimitExceeded:
    return ReadingLimitExceeded("the mail's parts are nested too deeply", {"limit": "memory"})


def _form(part: Message, inside: list[Embedded | Unpacked], depth: int) -> list[Message]:
    """One of several forms of a text; what is attached to any of them is kept."""
    texts: list[Message] = []
    _sort(part, texts, inside, depth)
    return texts


def _best(forms: list[list[Message]]) -> list[Message]:
    """The plain form, unless it only says that there is another."""
    plain = next((form for form in forms if form and all(part.get_content_type() == "text/plain" for part in form)), [])
    words = _words(plain)
    if words >= _FULL_TEXT:
        return plain
    best = max(forms, key=_words, default=[])
    return plain if words and words >= _HINT_SHARE * _words(best) else best


def _words(texts: list[Message]) -> int:
    shown = (visible_text(_text(part).text) if _is_html(part) else _text(part).text for part in texts)
    return sum(len(text.split()) for text in shown)


def _is_html(part: Message) -> bool:
    return part.get_content_type() == "text/html"


def _is_text(part: Message, kind: str) -> bool:
    """Whether it is read where it stands: a text without a name, and what only machines write."""
    # Multipart without parts has lost its boundary, and messages that are no mails are reports on one.
    is_report = kind.startswith(("multipart/", "message/"))
    return is_report or (kind in _BODY and part.get_content_disposition() != "attachment" and not _name(part))


def _text(part: Message) -> Decoded:
    if blocks := _children(part):
        texts = ("\n".join(f"{name}: {readable(value)}" for name, value in block.items()) for block in blocks)
        return Decoded("\n\n".join(texts), "utf-8")
    return decode_charset(_content(part), part.get_content_charset(""))


def _content(part: Message) -> bytes:
    """Its bytes, unpacked as it says, even where it says so carelessly."""
    if "Content-Transfer-Encoding" in part:
        encoding = part["Content-Transfer-Encoding"].partition(";")[0]
        part.replace_header("Content-Transfer-Encoding", encoding.strip(" \t\r\n\"'"))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _name(part: Message) -> str:
    return readable(part.get_filename() or "")


def _embedded(mail: Message, name: str = "") -> Unpacked:
    """A mail inside: its subject is its name unless it has one."""
    name = name or readable(mail.get("Subject", ""))
    return Unpacked(name, types.EML, partial(_read, mail))
