"""Scripts, the languages written in them, by Tesseract's names, and the characters they use."""

import unicodedata
from collections.abc import Iterable

# The commonest language first. Scripts as Tesseract's detection names them.
_LANGUAGES = {
    "Arabic": ("ara", "fas", "urd"),
    "Armenian": ("hye",),
    "Bengali": ("ben",),
    "Cyrillic": ("rus", "ukr", "bul", "srp", "mkd", "kaz"),
    "Devanagari": ("hin", "mar"),
    "Georgian": ("kat",),
    "Greek": ("ell",),
    "Gujarati": ("guj",),
    "Gurmukhi": ("pan",),
    "Han": ("chi_sim", "chi_tra"),
    "Hangul": ("kor",),
    "Hebrew": ("heb",),
    "Japanese": ("jpn",),
    "Kannada": ("kan",),
    "Korean": ("kor",),
    "Malayalam": ("mal",),
    "Tamil": ("tam",),
    "Telugu": ("tel",),
    "Thai": ("tha",),
}
_CHINESE = frozenset({"chi_sim", "chi_tra", "jpn"})
_OTHERS = {name for names in _LANGUAGES.values() for name in names} - _CHINESE
# Whose letters have dots, which Tesseract 5.5 takes for noise: of 64 clean lines of Arabic it left out 17, told this
# none (tesseract-ocr/tesseract, issue 4582).
_DOTTED = frozenset({"ara", "fas", "pus", "snd", "uig", "urd"})
_WITH_DOTS = {"textord_noise_rejrows": "0", "textord_noise_rejwords": "0"}
# First words of their characters' Unicode names.
_CHINESE_NAMES = frozenset(
    {"CJK", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}
)
# Latin-1's letters occur in names and borrowed words everywhere, further Latin ones where a language has them.
_LATIN_1 = range(0xC0, 0x100)
_SIGNS = frozenset(
    "\u2018\u2019\u201c\u201d\u2013\u2014\u2022\u20ac\u00a3\u00a5\u00a7\u00a9\u00ae\u00b0\u00b1\u00b2\u00b3\u00bd"
)


def languages_of(script: str) -> tuple[str, ...]:
    """Tesseract's names; none for Latin, which tells nothing, and for scripts it has no language of."""
    return _LANGUAGES.get(script, ())


def tesseract_variables(languages: Iterable[str]) -> dict[str, str]:
    """What has to be told Tesseract before it reads in these languages."""
    return {} if _DOTTED.isdisjoint(languages) else _WITH_DOTS


def is_latin_or_chinese(languages: tuple[str, ...]) -> bool:
    """Whether all of them are written in Latin, Chinese or Japanese characters, which PP-OCR's network knows."""
    return _OTHERS.isdisjoint(languages)


def may_occur(sign: str, languages: tuple[str, ...]) -> bool:
    """Whether texts in one of those languages, Latin, Chinese or Japanese ones, can hold that character."""
    if sign.isascii() or sign in _SIGNS or ord(sign[0]) in _LATIN_1:
        return True
    script = unicodedata.name(sign[0], "").partition(" ")[0]
    if script == "LATIN":
        return not {"eng", *_CHINESE}.issuperset(languages)
    return script in _CHINESE_NAMES and not _CHINESE.isdisjoint(languages)
