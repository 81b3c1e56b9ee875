"""Lists of words and phrases by name and language."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import yaml

_FALLBACK = "en"


class Vocabulary:
    """vocabulary.yaml: a list of phrases by name, or by name and language."""

    def __init__(self, lists: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._lists = lists

    @classmethod
    @cache
    def load(cls) -> "Vocabulary":
        """The vocabulary of the package."""
        file = resources.files("heron_grpc.lab.generator") / "vocabulary.yaml"
        return cls(yaml.safe_load(file.read_text(encoding="utf-8")))

    def words(self, name: str, language: str) -> list[str]:
        """The phrases, in English where the language has none. Raises KeyError when there is no such list."""
        by_language = self._lists[name]
        return [str(phrase) for phrase in by_language.get(language, by_language[_FALLBACK])]
