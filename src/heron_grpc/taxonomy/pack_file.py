"""What stands in one pack file, checked key by key."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from heron_grpc.domain.checks import CHECKS
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import Category, MetadataRule, Rule
from heron_grpc.domain.text_pattern import TextPattern
from heron_grpc.taxonomy.patterns import compile_pattern

_ID = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
_NAME = re.compile(r"[a-z0-9_-]+")
_PACK_KEYS = {"taxonomy", "display_name", "revision", "multi_label", "categories", "extend"}
_EXTEND_KEYS = {"id", "aliases", "rules", "metadata", "accept_threshold", "retired"}
_CATEGORY_KEYS = _EXTEND_KEYS | {"display_name", "description"}
_METADATA_KEYS = {"name", "all", "exclude", "weight", "decisive", "examples"}
_RULE_KEYS = _METADATA_KEYS | {"checks"}
# e^10 against 1: more than any page of words can prove.
_MAX_WEIGHT = 10.0
# A decisive rule must alone be worth 0.98.
_MIN_DECISIVE_WEIGHT = 4.0

_Mapping = dict[str, object]


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file's share of a taxonomy."""

    file: str
    taxonomy: str
    display_name: str
    # Added to those of the taxonomy's other packs; 0 when another pack speaks for this one.
    revision: int
    categories: tuple[Category, ...]
    # Additions to categories of earlier packs; their display names and descriptions are empty.
    extensions: tuple[Category, ...]
    rules: tuple[Rule, ...]
    metadata_rules: tuple[MetadataRule, ...]
    # Whether a document may get more than one label; the taxonomy's when one of its packs says so.
    multi_label: bool = False


def read_pack(path: Path) -> PackFile:
    """Blocks on disk. Raises ConfigurationError with the file's name and the reason."""
    try:
        return _pack(path.name, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name}: is no readable YAML: {_reason(error)}") from error
    except _Wrong as error:
        raise ConfigurationError(f"{path.name}: {error}") from error


class _Wrong(ValueError):
    """What is wrong, without the file's name."""


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"{problem} in line {mark.line + 1}" if mark is not None else str(problem)


def _pack(file: str, raw: object) -> PackFile:
    pack = _mapping(raw, "the pack", _PACK_KEYS)
    defined = [_mapping(item, "a category", _CATEGORY_KEYS) for item in _list(pack, "categories", "the pack")]
    extended = [_mapping(item, "an extension", _EXTEND_KEYS) for item in _list(pack, "extend", "the pack")]
    taxonomy = _text(pack, "taxonomy", "the pack")
    if not _NAME.fullmatch(taxonomy):
        raise _Wrong(f"taxonomy {taxonomy!r} must be made of a-z, 0-9, - and _")
    revision = pack.get("revision", 0)
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 0:
        raise _Wrong("revision must be a whole number")
    return PackFile(
        file=file,
        taxonomy=taxonomy,
        display_name=_text(pack, "display_name", "the pack", default=""),
        revision=revision,
        categories=tuple(_category(raw, _text(raw, "display_name", _where(raw))) for raw in defined),
        extensions=tuple(_category(raw, "") for raw in extended),
        rules=tuple(rule for raw in defined + extended for rule in _rules(raw)),
        metadata_rules=tuple(rule for raw in defined + extended for rule in _metadata_rules(raw)),
        multi_label=_switch(pack, "multi_label", "the pack"),
    )


def _category(raw: _Mapping, display_name: str) -> Category:
    where = _where(raw)
    threshold = raw.get("accept_threshold")
    if threshold is not None and not (_is_number(threshold) and 0 < _number(threshold) <= 1):
        raise _Wrong(f"{where}: accept_threshold must be above 0 and at most 1")
    return Category(
        id=_id(raw),
        display_name=display_name,
        description=_text(raw, "description", where, default=""),
        aliases=tuple(_texts(raw, "aliases", where)),
        retired=_switch(raw, "retired", where),
        accept_threshold=None if threshold is None else _number(threshold),
    )


def _rules(category: _Mapping) -> list[Rule]:
    where = _where(category)
    items = [_mapping(item, f"a rule of {where}", _RULE_KEYS) for item in _list(category, "rules", where)]
    return [_rule(item, _id(category)) for item in items]


def _rule(raw: _Mapping, category_id: str) -> Rule:
    name = _text(raw, "name", f"a rule of {category_id}")
    where = f"rule {name}"
    decisive = _switch(raw, "decisive", where)
    weight = _weight(raw, where, decisive=decisive)
    if weight < 0:
        raise _Wrong(f"{where}: weight must be above 0: words that are found speak for a label")
    patterns = _texts(raw, "all", where)
    if not patterns:
        raise _Wrong(f"{where}: `all` must list at least one pattern")
    exclude = _text(raw, "exclude", where, default="")
    return Rule(
        name=name,
        category=category_id,
        patterns=tuple(_pattern(text, where) for text in patterns),
        weight=weight,
        decisive=decisive,
        exclude=_pattern(exclude, where) if exclude else None,
        checks=tuple(_checks(raw, where)),
        examples=tuple(_texts(raw, "examples", where)),
    )


def _metadata_rules(category: _Mapping) -> list[MetadataRule]:
    where = _where(category)
    items = [
        _mapping(item, f"a metadata rule of {where}", _METADATA_KEYS) for item in _list(category, "metadata", where)
    ]
    return [_metadata_rule(item, _id(category)) for item in items]


def _metadata_rule(raw: _Mapping, category_id: str) -> MetadataRule:
    name = _text(raw, "name", f"a metadata rule of {category_id}")
    where = f"metadata rule {name}"
    decisive = _switch(raw, "decisive", where)
    patterns = _fields(raw.get("all", {}), "all", where)
    if not patterns:
        raise _Wrong(f"{where}: `all` must name at least one field and its pattern")
    return MetadataRule(
        name=name,
        category=category_id,
        patterns={key: _pattern(text, where) for key, text in patterns.items()},
        weight=_weight(raw, where, decisive=decisive),
        decisive=decisive,
        exclude={key: _pattern(text, where) for key, text in _fields(raw.get("exclude", {}), "exclude", where).items()},
        examples=tuple(_fields(item, "examples", where) for item in _list(raw, "examples", where)),
    )


def _fields(raw: object, key: str, where: str) -> dict[str, str]:
    """Texts by the names of metadata fields."""
    if not isinstance(raw, dict):
        raise _Wrong(f"{where}: {key} must map fields to texts")
    if not all(isinstance(name, str) and name and isinstance(text, str) and text for name, text in raw.items()):
        raise _Wrong(f"{where}: {key} must map fields to texts")
    return {str(name): str(text) for name, text in raw.items()}


def _weight(raw: _Mapping, where: str, *, decisive: bool) -> float:
    weight = raw.get("weight")
    least = _MIN_DECISIVE_WEIGHT if decisive else -_MAX_WEIGHT
    if not _is_number(weight) or not (least <= _number(weight) <= _MAX_WEIGHT) or _number(weight) == 0:
        raise _Wrong(f"{where}: weight must be a number of log-odds but 0 (decisive: from 4), at most 10")
    return _number(weight)


def _checks(raw: _Mapping, where: str) -> list[str]:
    checks = _texts(raw, "checks", where)
    unknown = sorted(set(checks) - set(CHECKS))
    if unknown:
        raise _Wrong(f"{where}: no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    return checks


def _pattern(text: str, where: str) -> TextPattern:
    try:
        return compile_pattern(text)
    except ValueError as error:
        raise _Wrong(f"{where}: {error}") from error


def _where(raw: _Mapping) -> str:
    return f"category {raw.get('id')!r}"


def _id(raw: _Mapping) -> str:
    text = _text(raw, "id", "a category")
    if not _ID.fullmatch(text):
        raise _Wrong(f"category id {text!r} must be a path of a-z, 0-9 and _")
    return text


def _mapping(raw: object, what: str, keys: set[str]) -> _Mapping:
    if not isinstance(raw, dict):
        raise _Wrong(f"{what} must be a mapping")
    unknown = sorted(str(key) for key in raw if key not in keys)
    if unknown:
        raise _Wrong(f"{what} has unknown keys: {', '.join(unknown)}")
    return raw


def _list(raw: _Mapping, key: str, where: str) -> list[object]:
    value = raw.get(key, [])
    if not isinstance(value, list):
        raise _Wrong(f"{where}: {key} must be a list")
    return value


def _text(raw: _Mapping, key: str, where: str, default: str | None = None) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise _Wrong(f"{where}: {key} must be text")
    return value


def _texts(raw: _Mapping, key: str, where: str) -> list[str]:
    # YAML reads a bare 1040 as a number; such a name means its digits.
    values = [str(item) if isinstance(item, int) else item for item in _list(raw, key, where)]
    if not all(isinstance(item, str) and item for item in values):
        raise _Wrong(f"{where}: {key} must be a list of texts")
    return [str(item) for item in values]


def _switch(raw: _Mapping, key: str, where: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise _Wrong(f"{where}: {key} must be true or false")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
