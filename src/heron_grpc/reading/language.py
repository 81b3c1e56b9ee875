"""Which language a text is in, and how sure that is: its script first, then py3langid's model of byte n-grams."""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Code points looked at, and of those that are words' so many: twice as many settle 1 document in 200 more, for half as
# much time again.
_LOOKED_AT = 2_000
_JUDGED = 500
# Letters that settle a language known by its script alone, and one that shares its script's letters with others.
_ENOUGH_LETTERS, _ENOUGH_CHINESE = 8, 24
# Below it, as measured on sentences cut short, more tags are wrong than right.
_LEAST_CERTAINTY = 0.2
# Share of kana above which Chinese characters are Japanese.
_KANA_SHARE = 0.05
# The model's own name for what is no language (ISO 639-3).
_NO_LANGUAGE = "zxx"

# Whatever is no space, figure, punctuation, symbol or private character: vowel signs of many scripts are no letters.
_LETTER = r"[^\s\d!-@\[-`{-\xbf\u2000-\u200b\u200e-\u2bff\u3000-\u303f\ud800-\uf8ff]"
# Words without figures in them, and not of a web or mail address or a path.
_WORD = re.compile(rf"(?<![\w@./\\]){_LETTER}+(?:['\u2019-]{_LETTER}+)*(?![\w@/\\]|[.][^\W_])")
_OTHER_SCRIPTS = re.compile(r"[\u0370-\u1dff\u1f00-\ufaff\ufb1d-\uffff]")
# Scripts by their letters, and the languages that write them; the model decides where there are several.
_SCRIPTS = tuple(
    (re.compile(f"[{letters}]"), tuple(tags.split()))
    for letters, tags in (
        ("\u0400-\u052f", "be bg kk ky mk mn ru sr tg tt uk"),
        ("\u0370-\u03ff\u1f00-\u1fff", "el"),
        ("\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff", "ar fa ps ug ur"),
        ("\u0590-\u05ff", "he"),
        ("\uac00-\ud7af\u1100-\u11ff\u3130-\u318f", "ko"),
        ("\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d", "ja"),
        ("\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff", "zh"),
        ("\u0e00-\u0e7f", "th"),
        ("\u0900-\u097f", "hi mr ne"),
        ("\u0980-\u09ff", "as bn"),
        ("\u0a00-\u0a7f", "pa"),
        ("\u0a80-\u0aff", "gu"),
        ("\u0b80-\u0bff", "ta"),
        ("\u0c00-\u0c7f", "te"),
        ("\u0c80-\u0cff", "kn"),
        ("\u0d00-\u0d7f", "ml"),
        ("\u0d80-\u0dff", "si"),
        ("\u0e80-\u0eff", "lo"),
        ("\u1000-\u109f", "my"),
        ("\u1780-\u17ff", "km"),
        ("\u1200-\u137f", "am"),
        ("\u0530-\u058f", "hy"),
        ("\u10a0-\u10ff", "ka"),
    )
)
_JA, _ZH = ("ja",), ("zh",)
_LATIN_TAGS = (
    "af az bs ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it la lb lt lv ms mt nl nn no pl pt ro sk sl sq "
    "sr sv sw tl tr uz vi zu"
)
_LATIN = tuple(_LATIN_TAGS.split())


def preload() -> None:
    """Loads the model: half a second, 60 MB. It unpacks itself into a temporary file, which a child may not write."""
    _model()


def detect_language(text: str) -> tuple[str, float]:
    """The language (BCP-47, primary tag) that most of a text's beginning is in, and how sure that is, 0 to 1.

    ("", 0.0) for what is too short to tell or no language: figures, codes, addresses. About 0.2 ms, in any thread.
    """
    words = " ".join(_WORD.findall(text[:_LOOKED_AT]))[:_JUDGED]
    tag, certainty = _judged(words)
    return (tag, round(certainty, 3)) if certainty >= _LEAST_CERTAINTY else ("", 0.0)


def _judged(words: str) -> tuple[str, float]:
    letters = len(words) - words.count(" ")
    if not letters:
        return "", 0.0
    tags, share = (_LATIN, 1.0) if words.isascii() else _script(words, letters)
    if len(tags) > 1:
        tag, certainty = _by_model(words, tags)
    else:
        tag, certainty = tags[0], min(1.0, share * letters / (_ENOUGH_CHINESE if tags == _ZH else _ENOUGH_LETTERS))
    return tag, share * certainty


def _script(words: str, letters: int) -> tuple[tuple[str, ...], float]:
    """Languages of the script most letters are of, and its share of them."""
    latin = letters - len(_OTHER_SCRIPTS.findall(words))
    if 2 * latin >= letters:
        return _LATIN, latin / letters
    counts = {tags: len(script.findall(words)) for script, tags in _SCRIPTS}
    kana, chinese = counts[_JA], counts[_ZH]
    if kana > _KANA_SHARE * (kana + chinese):
        counts[_JA], counts[_ZH] = kana + chinese, 0
    tags = max(counts, key=counts.__getitem__)
    return tags, counts[tags] / letters


def _by_model(words: str, tags: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest of the languages, and its share of their and no language's likelihood."""
    scores = dict(_model().rank(words))
    tag = max(tags, key=scores.__getitem__)
    return tag, scores[tag] / (sum(scores[each] for each in tags) + scores[_NO_LANGUAGE])


@cache
def _model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
