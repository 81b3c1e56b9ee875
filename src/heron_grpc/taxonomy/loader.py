"""Loads taxonomies from packs: YAML files that name categories, their aliases and their rules."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import Category, MetadataRule, Rule, Taxonomy, TaxonomyPack, normalise_name, parents
from heron_grpc.domain.text_pattern import TextPattern
from heron_grpc.taxonomy.pack_file import PackFile, read_pack

BUILT_IN = Path(__file__).parent / "packs"


def load_taxonomies(packs_dir: Path | None = None) -> dict[str, TaxonomyPack]:
    """All taxonomies by resource name ("taxonomies/default"), the built-in packs first, then those of `packs_dir`.

    Packs are read in order of file name and build on each other; a taxonomy's revision is the sum of its packs'.
    Blocks on disk. Raises ConfigurationError with the file and what is wrong in it.
    """
    by_taxonomy: dict[str, list[PackFile]] = defaultdict(list)
    for pack in (*_built_in(), *_added(packs_dir)):
        by_taxonomy[pack.taxonomy].append(pack)
    return {f"taxonomies/{name}": _build(name, packs) for name, packs in sorted(by_taxonomy.items())}


@cache
def _built_in() -> tuple[PackFile, ...]:
    """Parsed once a process: they are part of the release."""
    return tuple(read_pack(path) for path in sorted(BUILT_IN.glob("*.yaml")))


def _added(packs_dir: Path | None) -> list[PackFile]:
    if packs_dir is None:
        return []
    if not packs_dir.is_dir():
        raise ConfigurationError("the packs directory does not exist or is no directory")
    packs = [read_pack(path) for path in sorted(packs_dir.iterdir()) if path.suffix in {".yaml", ".yml"}]
    for pack in packs:
        if pack.revision == 0:
            raise ConfigurationError(f"{pack.file}: revision must be a whole number from 1, raised at each change")
    return packs


def _build(name: str, packs: list[PackFile]) -> TaxonomyPack:
    categories: dict[str, Category] = {}
    rules: dict[str, Rule | MetadataRule] = {}
    for pack in packs:
        for category in pack.categories:
            _add_category(categories, category, pack)
        for extension in pack.extensions:
            categories[extension.id] = _extended(categories, extension, pack)
        for rule in pack.rules:
            _add_rule(rules, rule, pack)
        for told in pack.metadata_rules:
            _add_rule(rules, told, pack)
    display_name = next((pack.display_name for pack in packs if pack.display_name), name)
    multi_label = any(pack.multi_label for pack in packs)
    taxonomy = Taxonomy(
        name=f"taxonomies/{name}",
        display_name=display_name,
        revision=sum(pack.revision for pack in packs),
        categories=tuple(categories.values()),
        etag=_etag(display_name, tuple(categories.values()), tuple(rules.values()), multi_label=multi_label),
        multi_label=multi_label,
    )
    return TaxonomyPack(
        taxonomy,
        tuple(rule for rule in rules.values() if isinstance(rule, Rule)),
        tuple(rule for rule in rules.values() if isinstance(rule, MetadataRule)),
        _names(taxonomy, packs[-1].file),
    )


def _add_category(categories: dict[str, Category], category: Category, pack: PackFile) -> None:
    if category.id in categories:
        raise ConfigurationError(f"{pack.file}: category {category.id} is defined twice; `extend` adds to it")
    parent = next(parents(category.id), None)
    if parent is not None and parent not in categories:
        raise ConfigurationError(f"{pack.file}: category {category.id} has no parent {parent} before it")
    categories[category.id] = category


def _extended(categories: dict[str, Category], extension: Category, pack: PackFile) -> Category:
    old = categories.get(extension.id)
    if old is None:
        raise ConfigurationError(f"{pack.file}: category {extension.id} to extend is not defined")
    threshold = old.accept_threshold if extension.accept_threshold is None else extension.accept_threshold
    return Category(
        id=old.id,
        display_name=old.display_name,
        description=old.description,
        aliases=old.aliases + extension.aliases,
        retired=old.retired or extension.retired,
        accept_threshold=threshold,
    )


def _add_rule(rules: dict[str, Rule | MetadataRule], rule: Rule | MetadataRule, pack: PackFile) -> None:
    if rule.name in rules:
        raise ConfigurationError(f"{pack.file}: rule {rule.name} is defined twice")
    rules[rule.name] = rule


def _names(taxonomy: Taxonomy, file: str) -> dict[str, str]:
    """Aliases win over the last parts of ids, those over display names; a name two categories share is nobody's."""
    aliases: dict[str, str] = {}
    for category in taxonomy.categories:
        for alias in map(normalise_name, category.aliases):
            other = aliases.setdefault(alias, category.id)
            if other != category.id or not alias:
                raise ConfigurationError(f"{file}: alias {alias!r} of {category.id} already belongs to {other}")
    short = _unambiguous((category.id.rsplit("/", 1)[-1], category.id) for category in taxonomy.categories)
    shown = _unambiguous((category.display_name, category.id) for category in taxonomy.categories)
    taken = next((alias for alias, owner in aliases.items() if short.get(alias, owner) != owner), None)
    if taken is not None:
        raise ConfigurationError(f"{file}: alias {taken!r} of {aliases[taken]} is the short name of {short[taken]}")
    return {**shown, **short, **aliases}


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    owners: dict[str, set[str]] = defaultdict(set)
    for name, category_id in pairs:
        owners[normalise_name(name)].add(category_id)
    return {name: ids.pop() for name, ids in owners.items() if len(ids) == 1}


def _etag(
    display_name: str, categories: tuple[Category, ...], rules: tuple[Rule | MetadataRule, ...], *, multi_label: bool
) -> str:
    content = {
        "multi_label": multi_label,
        "display_name": display_name,
        "categories": [
            [c.id, c.display_name, c.description, c.aliases, c.retired, c.accept_threshold] for c in categories
        ],
        "rules": [_rule_content(rule) for rule in rules],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _rule_content(rule: Rule | MetadataRule) -> list[object]:
    """All that decides what a rule does."""
    if isinstance(rule, MetadataRule):
        patterns: object = _sources(rule.patterns)
        exclude: object = _sources(rule.exclude)
        checks: tuple[str, ...] = ()
    else:
        patterns = [pattern.regex.pattern for pattern in rule.patterns]
        exclude = rule.exclude and rule.exclude.regex.pattern
        checks = rule.checks
    return [rule.name, rule.category, patterns, rule.weight, rule.decisive, exclude, checks]


def _sources(patterns: Mapping[str, TextPattern]) -> dict[str, str]:
    return {key: pattern.regex.pattern for key, pattern in patterns.items()}
