"""Lists of words and phrases by name and language."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import yaml

_FALLBACK = "en"


class Vocabulary:
    """A list of phrases by name and language; a phrase may leave choices open, as templates do."""

    def __init__(self, lists: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._lists = lists

    @classmethod
    @cache
    def load(cls) -> "Vocabulary":
        """The vocabulary of the package: vocabulary.yaml and what each subject adds to it in phrases/."""
        package = resources.files("heron_grpc.lab.generator")
        subjects = sorted((package / "phrases").iterdir(), key=lambda file: file.name)
        lists: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for file in (package / "vocabulary.yaml", *subjects):
            for name, by_language in yaml.safe_load(file.read_text(encoding="utf-8")).items():
                for language, phrases in by_language.items():
                    lists[name].setdefault(language, []).extend(phrases)
        return cls(lists)

    def words(self, name: str, language: str) -> list[str]:
        """The phrases, in English where the language has none. Raises KeyError when there is no such list."""
        by_language = self._lists[name]
        return [str(phrase) for phrase in by_language.get(language, by_language[_FALLBACK])]
