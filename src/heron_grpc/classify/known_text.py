"""How much of a text models can know: its distinct words, and whether its language is one they were trained on."""

import re

from heron_grpc.domain.document import Reading
from heron_grpc.domain.languages import languages_of

# Most of the documents models are trained on are in these (BCP-47).
LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "nl", "pl"})
# What templates are filled with ("lorem ipsum"), whatever language they are in.
_FILLER = "la"
# Share of the text surely in one other language that makes it a foreign one: below, of 1,830 real documents, most were
# receipts and bank papers of figures and names that are in a language of those above.
_SURELY = 0.7
# Share of the letters in another script.
_MOST_LETTERS = 0.5
# Code points looked at: a page. Further words change nothing where the first page has some hundreds.
_HEAD = 4_000
_WORD = re.compile(r"[^\W\d_]{2,}")
_LETTER = re.compile(r"[^\W\d_]")
# Latin letters with all their accents end here.
_LATIN_END = "\u0250"


def distinct_words(text: str) -> int:
    """Different words of two letters and more at the beginning of a text."""
    return len(set(_WORD.findall(text[:_HEAD].lower())))


def is_other_language(reading: Reading) -> bool:
    """Whether most of a document is in a language models were not trained on; text too short to tell is not."""
    found = languages_of(reading.pages)
    if found:
        return found[0].language not in {*LANGUAGES, _FILLER} and found[0].share >= _SURELY
    letters = _LETTER.findall(reading.text[:_HEAD])
    beyond: int = sum(letter > _LATIN_END for letter in letters)
    return beyond > _MOST_LETTERS * len(letters)
