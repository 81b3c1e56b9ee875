"""The labels a document can get, as a tree whose ids are paths."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property


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


def parents(category_id: str) -> Iterator[str]:
    """The ids above a category, nearest first: "a/b/c" gives "a/b", "a"."""
    while "/" in category_id:
        category_id = category_id.rsplit("/", 1)[0]
        yield category_id
