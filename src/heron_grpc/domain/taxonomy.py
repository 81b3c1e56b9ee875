"""The labels a document can get, as a tree whose ids are paths."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from heron_grpc.domain.text_pattern import TextPattern

DEFAULT_TAXONOMY = "taxonomies/default"


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the tree, e.g. "financial/statement/bank_statement"."""

    id: str
    display_name: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    retired: bool = False
    # Least calibrated probability for automatic acceptance; the deployment's default when None.
    accept_threshold: float | None = None

    @property
    def level(self) -> int:
        """Depth, 1 at the top."""
        return self.id.count("/") + 1


@dataclass(frozen=True)
class Taxonomy:
    """All categories of one taxonomy, parents before their children."""

    # Resource name, e.g. "taxonomies/default".
    name: str
    display_name: str
    revision: int
    categories: tuple[Category, ...]
    etag: str
    multi_label: bool = False
    _by_id: dict[str, Category] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {category.id: category for category in self.categories})

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._by_id

    def __getitem__(self, category_id: str) -> Category:
        return self._by_id[category_id]

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Ids of the categories without children, in taxonomy order."""
        inner = {parent for category in self.categories for parent in parents(category.id)}
        return tuple(category.id for category in self.categories if category.id not in inner)

    @cached_property
    def open_leaves(self) -> tuple[str, ...]:
        """The leaves that are not retired: those that compete."""
        return tuple(leaf for leaf in self.leaves if not self[leaf].retired)

    @cached_property
    def lineages(self) -> Mapping[str, tuple[str, ...]]:
        """Each open leaf: itself, then the categories above it, nearest first."""
        return {leaf: (leaf, *parents(leaf)) for leaf in self.open_leaves}

    @cached_property
    def open_leaves_below(self) -> Mapping[str, tuple[str, ...]]:
        """Each category that has open leaves, by depth, then by id: itself or those below it, in taxonomy order."""
        below: dict[str, list[str]] = {}
        for leaf, lineage in self.lineages.items():
            for category in lineage:
                below.setdefault(category, []).append(leaf)
        ranked = sorted(below, key=lambda category: (self[category].level, category))
        return {category: tuple(below[category]) for category in ranked}


def parents(category_id: str) -> Iterator[str]:
    """The ids above a category, nearest first: "a/b/c" gives "a/b", "a"."""
    while "/" in category_id:
        category_id = category_id.rsplit("/", 1)[0]
        yield category_id


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that speak for a category: every pattern must be found in the document's head, `exclude` must not."""

    # Unique in its taxonomy, e.g. "acord-25-number".
    name: str
    category: str
    patterns: tuple[TextPattern, ...]
    # Contribution in natural log-odds.
    weight: float
    # Precise enough to settle the label without a model.
    decisive: bool = False
    exclude: TextPattern | None = None
    # Names of calculations (domain.checks) that must come out where the patterns match.
    checks: tuple[str, ...] = ()
    # Texts the rule must match; kept for tests and for readers.
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetadataRule:
    """What a file tells of itself beside its text that speaks for a category: each field must hold its pattern."""

    # Unique among all rules of its taxonomy.
    name: str
    category: str
    # By the field's name, never empty.
    patterns: Mapping[str, TextPattern]
    # Contribution in natural log-odds; below 0 it speaks against the category.
    weight: float
    decisive: bool = False
    # One of these that is found speaks against the rule.
    exclude: Mapping[str, TextPattern] = field(default_factory=dict)
    # Fields the rule must match; kept for tests and for readers.
    examples: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class TaxonomyPack:
    """A taxonomy with its rules and all names its categories go by; each is equal to itself alone."""

    taxonomy: Taxonomy
    rules: tuple[Rule, ...] = ()
    metadata_rules: tuple[MetadataRule, ...] = ()
    # Normalised alias, display name or last part of an id -> category id; ambiguous short names are left out.
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def first_words(self) -> frozenset[str]:
        """The words names begin with."""
        return frozenset(name.split(" ", 1)[0] for name in self.names)

    @cached_property
    def last_words(self) -> frozenset[str]:
        """The words names end with."""
        return frozenset(name.rsplit(" ", 1)[-1] for name in self.names)

    @cached_property
    def most_words(self) -> int:
        """Of a name."""
        return max((name.count(" ") + 1 for name in self.names), default=0)

    def resolve(self, name: str) -> str | None:
        """The category id behind an id, an alias or an unambiguous short name; None when there is none."""
        return name if name in self.taxonomy else self.names.get(normalise_name(name))


_NAME_GAPS = re.compile(r"[\W_]+")
# The same for ASCII, and without case: three times as fast.
_ASCII_NAME = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)


def normalise_name(name: str) -> str:
    """Names compare without case, and any run of punctuation, underscores or white space counts as one space."""
    if name.isascii():
        return " ".join(name.encode().translate(_ASCII_NAME).decode().split())
    return _NAME_GAPS.sub(" ", name.casefold()).strip()
