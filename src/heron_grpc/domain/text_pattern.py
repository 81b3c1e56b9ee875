"""Regular expressions that are tried only where a string they must hold stands in the text."""

import re
from dataclasses import dataclass

# What regular expressions take for i and s beside I and S: capital I with a dot, i without one, long s.
_VARIANTS = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"))
# Beyond so many places the regular expression's own search is as fast as trying each.
_MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class Needle:
    """A folded string, and how many characters of a match stand before it: `least` to `most`."""

    text: str
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A regular expression that ignores case, and strings one of which each of its matches holds (none: unknown)."""

    regex: re.Pattern[str]
    needles: tuple[Needle, ...] = ()
    # As they stand in spaced(folded(text)).
    phrases: tuple[str, ...] = ()

    def search(self, text: str, folded_text: str) -> re.Match[str] | None:
        """What `regex.search(text)` finds; `folded_text` is folded(text)."""
        if not self.needles:
            return self.regex.search(text)
        first: re.Match[str] | None = None
        # No match that is not known yet starts from here on.
        known = len(text)
        for needle in self.needles:
            known, found = self._search_near(needle, text, folded_text, known)
            first = found or first
        return first

    def _search_near(self, needle: Needle, text: str, folded_text: str, known: int) -> tuple[int, re.Match[str] | None]:
        """The first match before `known` that holds the needle, if any, and what is known then."""
        most_tries = _MOST_TRIES // (needle.most - needle.least + 1)
        end = known + needle.most + len(needle.text)
        place = folded_text.find(needle.text, 0, end)
        while place >= 0:
            start = max(0, place - needle.most)
            if most_tries <= 0:
                match = self.regex.search(text, start)
                return min(known, start), match if match and match.start() < known else None
            most_tries -= 1
            for begin in range(start, min(known, place - needle.least + 1)):
                if match := self.regex.match(text, begin):
                    return begin, match
            place = folded_text.find(needle.text, place + 1, end)
        return known, None


def folded(text: str) -> str:
    """Lower case, one character for one; texts a regular expression holds equal but for case are equal then.

    True of the letters of Latin scripts up to U+017F without µ.
    """
    if not text.isascii():
        for variant, letter in _VARIANTS:
            text = text.replace(variant, letter)
    return text.lower()


def spaced(text: str) -> str:
    """Any run of white space as one space, none at the ends."""
    return " ".join(text.split())
