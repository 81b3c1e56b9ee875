"""The languages of a document, added up from its pages."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from heron_grpc.domain.document import Page

# Shares below are pages misjudged, or a line in another language.
_LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class LanguageShare:
    """A language (BCP-47), and the share of the text that is surely in it, 0 to 1."""

    language: str
    share: float


class LanguageTally:
    """Pages in, languages out."""

    def __init__(self) -> None:
        self._surely: defaultdict[str, float] = defaultdict(float)
        self._chars = 0.0

    def add(self, page: Page) -> None:
        """Counts a page by the length of its text."""
        self._chars += len(page.text)
        if page.language:
            self._surely[page.language] += len(page.text) * page.language_confidence

    def shares(self) -> tuple[LanguageShare, ...]:
        """Largest first; none below a twentieth."""
        found = [LanguageShare(language, chars / self._chars) for language, chars in self._surely.items() if chars]
        most_first = sorted(found, key=lambda one: one.share, reverse=True)
        return tuple(one for one in most_first if one.share >= _LEAST_SHARE)


def languages_of(pages: Iterable[Page]) -> tuple[LanguageShare, ...]:
    """The languages of these pages."""
    tally = LanguageTally()
    for page in pages:
        tally.add(page)
    return tally.shares()
