"""Bytes of unknown encoding as text."""

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Control characters that stand in texts: tab, line ends, form feed, backspace, escape (terminal colours).
_USUAL_CONTROLS = frozenset("\t\n\r\f\v\b\x1b\x1a\x85")
# charset-normalizer's time grows with its sample; 32 KiB settle the encoding in some 10 ms.
_GUESS_BYTES = 32 * 1024
_CONTROLS_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and whether its encoding had to be guessed."""

    text: str
    encoding: str
    guessed: bool = False


def decode(data: bytes) -> Decoded | None:
    """The text, with a cut at the end forgiven; None when the bytes are no text in any encoding.

    In this order: byte order mark, UTF-8, UTF-16 without a mark, charset-normalizer's best guess, Windows-1252.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _checked(Decoded(data.decode(encoding, "replace"), encoding))
    text = _strict(data, "utf-8")
    if text is not None and "\x00" not in text:
        return _checked(Decoded(text, "utf-8"))
    if b"\x00" in data:
        return _wide(data)
    return _checked(Decoded(*_guess(data), guessed=True))


def _strict(data: bytes, encoding: str) -> str | None:
    """Decoded without errors but for an incomplete character at the very end."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(data)
    except UnicodeDecodeError:
        return None


def _wide(data: bytes) -> Decoded | None:
    """UTF-32 or UTF-16 without a mark, told by where zeros stand, or by spaces and line ends of the right width."""
    sample = data[: 4 * 1024]
    for encoding, zeros, least, others, most in (
        # No code point is above 10FFFF: the highest byte of four is zero, the second nearly always.
        ("utf-32-le", sample[3::4] + sample[2::4], 0.9, sample[::4], 0.3),
        ("utf-32-be", sample[::4] + sample[1::4], 0.9, sample[3::4], 0.3),
        # In the scripts of Europe every other byte of the first line is zero.
        ("utf-16-le", sample[1::2], 0.6, sample[::2], 0.02),
        ("utf-16-be", sample[::2], 0.6, sample[1::2], 0.02),
    ):
        if zeros.count(0) > least * len(zeros) and others.count(0) < most * len(others):
            return _wide_as(data, encoding)
    little, big = (_usual(sample, encoding) for encoding in ("utf-16-le", "utf-16-be"))
    # By chance bytes make one of these once in 10,000 characters.
    if max(little, big) > 0.01 * len(sample) / 2 and max(little, big) > 4 * min(little, big):
        decoded = _wide_as(data, "utf-16-le" if little > big else "utf-16-be")
        letters = sum(map(str.isalnum, decoded.text[: len(sample)])) if decoded else 0
        return decoded if decoded and 2 * letters > len(decoded.text[: len(sample)]) else None
    return None


def _wide_as(data: bytes, encoding: str) -> Decoded | None:
    text = _strict(data, encoding)
    return _checked(Decoded(text, encoding, guessed=True)) if text is not None else None


def _usual(sample: bytes, encoding: str) -> int:
    """Characters that stand in texts of any script: spaces, line ends, full stops."""
    text = sample.decode(encoding, "replace")
    return sum(map(text.count, " \n,.\u3001\u3002\uff0c"))


def _guess(data: bytes) -> tuple[str, str]:
    guesses = from_bytes(data[:_GUESS_BYTES])
    best = guesses.best()
    # Several code pages often do equally well: Windows-1252 is by far the most common of them.
    ties = [each.encoding for each in guesses if best and each.chaos <= best.chaos and each.coherence >= best.coherence]
    encoding = best.encoding if best and "cp1252" not in ties else "cp1252"
    text = _strict(data, encoding)
    return (text, encoding) if text is not None else (data.decode("cp1252", "replace"), "cp1252")


def _checked(decoded: Decoded) -> Decoded | None:
    """None when it is no text after all: control characters, or too much that is no character."""
    text = decoded.text[:_GUESS_BYTES]
    odd = sum(char < " " and char not in _USUAL_CONTROLS for char in text) + text.count("\x7f")
    odd += sum("\x80" <= char <= "\x9f" for char in text) if decoded.guessed else 0
    if "\x00" in decoded.text or odd + text.count("\ufffd") > _CONTROLS_SHARE * len(text):
        return None
    return decoded
