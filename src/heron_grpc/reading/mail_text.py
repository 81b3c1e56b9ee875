"""Headers and texts of mails as people read them, whatever their senders made of the rules (RFC 2047)."""

import binascii
import codecs
import re
from email.policy import Compat32

from heron_grpc.reading.decoding import Decoded, decode

# Long enough for some thousand recipients.
_LONGEST_HEADER = 100_000
# RFC 2047 with RFC 2231's language; blanks within are wrong and common.
_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=")
_FOLD = re.compile(r"\r?\n[ \t]*|\r")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
# What senders mean by a charset's name (the Encoding standard's tables): the wider one that holds it.
_MEANT = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
# Slow beyond measure on long texts, or no charset at all.
_NOT_MEANT = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})


class _AsWritten(Compat32):
    """Header values as they stand, cut where taking them apart takes quadratic time.

    The newer policy makes a tree of each: that takes 13 times as long, and raises for broken headers of real mails.
    """

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002  the signature is the policy's
        return value[:_LONGEST_HEADER]


AS_WRITTEN = _AsWritten()


def readable(value: str) -> str:
    """A header's value as people read it: unfolded, its encoded words (RFC 2047) and stray 8-bit bytes decoded.

    Neighbouring words are joined before they are decoded: senders cut characters in two.
    """
    value = _FOLD.sub(" ", value).strip()
    if "=?" not in value and value.isascii():
        return value
    pieces: list[tuple[str, bytes]] = []
    end = 0
    for word in _WORD.finditer(value):
        between = value[end : word.start()]
        if not pieces or between.strip():
            pieces.append(("", _bytes(between)))
        charset, content = word[1].lower(), _unpacked(word[2], _bytes(word[3]))
        if pieces[-1][0] == charset:
            content = pieces.pop()[1] + content
        pieces.append((charset, content))
        end = word.end()
    pieces.append(("", _bytes(value[end:])))
    return "".join(decode_charset(content, charset).text if charset else _stray(content) for charset, content in pieces)


def decode_charset(content: bytes, charset: str) -> Decoded:
    """The text in the charset its sender named, or in a likelier one where that cannot be; line ends unified."""
    decoded = _as_named(content, charset) or decode(content)
    text = decoded.text if decoded else content.decode("cp1252", "replace")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text, decoded.encoding if decoded else "cp1252", decoded.guessed if decoded else True)


def _stray(content: bytes) -> str:
    """8-bit bytes in a header: too few to guess from."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _as_named(content: bytes, charset: str) -> Decoded | None:
    try:
        name = codecs.lookup(charset.strip(" \"'")).name
        name = _MEANT.get(name, name)
        return Decoded(content.decode(name), name) if name not in _NOT_MEANT else None
    except (LookupError, ValueError):
        return None


def _unpacked(encoding: str, content: bytes) -> bytes:
    if encoding in "Qq":
        return binascii.a2b_qp(content, header=True)
    digits = _NOT_BASE64.sub(b"", content)
    # A single digit left over says nothing.
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _bytes(text: str) -> bytes:
    """Undoes what the parser made of 8-bit bytes."""
    return text.encode("utf-8", "surrogateescape")
