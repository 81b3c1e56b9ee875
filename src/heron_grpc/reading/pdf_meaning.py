"""Whether the text layer of a PDF page says what the page shows, from what its fonts say and how it reads."""

import re
from enum import Enum

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

# Characters looked at for missing Unicode maps: a few first, which settle it for almost every page.
_FEW_CHARS, _SAMPLE_CHARS = 50, 1000
_UNMAPPED_SHARE, _SUSPICIOUS_SHARE = 0.3, 0.05
# Characters without a meaning, or none that a document would use. Control characters have become U+FFFD by now.
_ODD = re.compile("[\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
_ODD_SHARE = 0.2
_LETTERS = bytes((*range(65, 91), *range(97, 123)))
# Together 0.58 to 0.70 of the letters of English, German, French, Spanish, Italian, Dutch and Polish pages; 0.15 to
# 0.45 where letters stand for others, in 0.98 of 1,800 texts whose letters were shifted. Fewer in 0.005 of real ones.
_FREQUENT = b"eainrtsoEAINRTSO"
_FEWEST_FREQUENT = 0.45
_ENOUGH_LETTERS, _MANY_LETTERS = 20, 100
# Cyrillic or Greek of one byte a character taken for Latin is all accents; Vietnamese has 0.3.
_ACCENTED = re.compile("[\xc0-\xff]")
_MOST_ACCENTED = 0.5
# Words, figures, dates and codes, with what stands around and in them; or one character, again and again. They are 0.9
# of the tokens of 300 real texts and of pages of code and figures; 0.7 at most where glyphs are numbered from 33 on.
_TOKEN = re.compile(
    r"""[("'\[<{*+\-\u2013\u2014\u2212\xb1$\xa3\u20ac\xa5#@\xa7~\u2264\u2265=\u2022\u2192\u2713]*+"""
    r"""\w++(?:[.,:;|/$\xa3\u20ac\xa5'\u2019\-\u2013&@+\xb1\xd7]++\w++)*+"""
    r"""[)"'\u2019\u201d\]>},.;:!?%\u2030*\xb0+\-\u2013\u2014\u2026\u20ac$\xa3\xa5/]*+|(.)\1*+"""
)
_FEWEST_TOKENS, _ENOUGH_TOKENS = 0.7, 20
# Only texts with fewer letters than this are looked at token by token.
_FEW_LETTERS = 0.5
# Ideographs: without kana, and without the signs that make up 0.15 of any Chinese text, numbers of glyphs.
_HAN, _KANA = re.compile("[\u3400-\u9fff\U00020000-\U0002ffff]"), re.compile("[\u3040-\u30ff\uac00-\ud7a3]")
_FREQUENT_HAN = re.compile(
    "[的一是不了在人有我他这個们中来上大為和国地到以说時时要就出会可也你对生能而子那得于着下自之年日月元號号]"
)
_FEWEST_HAN = 0.02


class Meaning(Enum):
    """What the text is worth."""

    PLAIN = "plain"
    # Reads like no language, though its fonts say what each character is: to be held against the page.
    DOUBTFUL = "doubtful"
    # Reads like no language, and its fonts do not say either.
    NONE = "none"


def meaning_of(textpage: pdfium.PdfTextPage, raw: str) -> Meaning:
    """`raw` are the characters of the page at the places by which PDFium knows them."""
    if is_plausible(raw):
        return Meaning.PLAIN
    if _is_unmapped(textpage, raw):
        return Meaning.NONE
    return Meaning.PLAIN if is_plausible(raw, _MANY_LETTERS) else Meaning.DOUBTFUL


def is_plausible(text: str, enough_letters: int = _ENOUGH_LETTERS) -> bool:
    """Whether this could be language, or figures; less than so many letters cannot tell. 10 us a page."""
    accented = 0
    if not text.isascii():
        step = len(text) // _SAMPLE_CHARS + 1
        sample = text[::step]
        if len(_ODD.findall(sample)) > _ODD_SHARE * (len(sample) - sample.count(" ")) or _is_random_han(sample):
            return False
        accented = step * len(_ACCENTED.findall(sample))
    ascii_only = text.encode("ascii", "ignore")
    letters = _count(ascii_only, _LETTERS)
    if letters < _FEW_LETTERS * len(ascii_only) and _is_mishmash(text):
        return False
    if letters + accented < enough_letters:
        return True
    if accented > _MOST_ACCENTED * (letters + accented):
        return False
    return letters < enough_letters or _count(ascii_only, _FREQUENT) >= _FEWEST_FREQUENT * letters


def _count(text: bytes, chars: bytes) -> int:
    return len(text) - len(text.translate(None, chars))


def _is_mishmash(text: str) -> bool:
    """Signs, figures and letters in no order any writing has; 80 us."""
    tokens = text[:_SAMPLE_CHARS].split()
    return len(tokens) >= _ENOUGH_TOKENS and sum(map(bool, map(_TOKEN.fullmatch, tokens))) < _FEWEST_TOKENS * len(
        tokens
    )


def _is_random_han(text: str) -> bool:
    count = len(_HAN.findall(text))
    return count >= _MANY_LETTERS and not _KANA.search(text) and len(_FREQUENT_HAN.findall(text)) < _FEWEST_HAN * count


def _is_unmapped(textpage: pdfium.PdfTextPage, raw: str) -> bool:
    """Whether for too many of the characters the font does not say what they are."""
    few = _unmapped_share(textpage, raw, _FEW_CHARS)
    return few > _SUSPICIOUS_SHARE and _unmapped_share(textpage, raw, _SAMPLE_CHARS) > _UNMAPPED_SHARE


def _unmapped_share(textpage: pdfium.PdfTextPage, raw: str, chars: int) -> float:
    """Of about so many characters, or all if there are fewer."""
    has_error, handle = pdfium_c.FPDFText_HasUnicodeMapError, textpage.raw
    sample = [index for index in range(0, len(raw), max(1, len(raw) // chars)) if not raw[index].isspace()]
    return sum(has_error(handle, index) == 1 for index in sample) / len(sample) if sample else 0.0
