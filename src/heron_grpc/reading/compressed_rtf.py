"""The packing of rich text in Outlook's mails (MS-OXRTFCP)."""

import struct

from heron_grpc.domain.errors import CorruptDocument

_HEADER = struct.Struct("<II4s4x")
_PACKED, _PLAIN = b"LZFu", b"MELA"
_WINDOW = 4096
# What the window holds at first: the control words that most texts begin with.
_FIRST = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier"
    b"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_LITERALS = 8


def unpack_rtf(content: bytes) -> bytes:
    """The rich text; at most nine times as long. Raises CorruptDocument."""
    if len(content) < _HEADER.size:
        raise CorruptDocument("the mail's rich text is damaged")
    _, size, kind = _HEADER.unpack_from(content)
    if kind == _PLAIN:
        return content[_HEADER.size :][:size]
    if kind != _PACKED:
        raise CorruptDocument("the mail's rich text is damaged")
    return _unpacked(content, size)


def _unpacked(content: bytes, size: int) -> bytes:
    """Runs of eight tokens behind a byte of flags: a literal byte, or where in the window to copy from and how much."""
    text = bytearray(_FIRST)
    end = len(_FIRST) + size
    at = _HEADER.size
    while at < len(content) and len(text) < end:
        flags = content[at]
        at += 1
        for bit in range(_LITERALS):
            token = content[at : at + 2] if flags >> bit & 1 else content[at : at + 1]
            at += len(token)
            if len(token) == 1:
                text += token
            elif len(token) == 2 and not _copy(text, *divmod(int.from_bytes(token, "big"), 16)):
                return bytes(text[len(_FIRST) : end])
    return bytes(text[len(_FIRST) : end])


def _copy(text: bytearray, offset: int, extra: int) -> bool:
    """Appends `extra` + 2 bytes from the window's `offset`; False at the mark of the end: where it writes next."""
    back = (len(text) - offset) % _WINDOW
    if not back:
        return False
    for _ in range(extra + 2):
        # The window before the text began is blank, and a copy may run into what it has just written.
        text.append(text[-back] if back <= len(text) else 0x20)
    return True
