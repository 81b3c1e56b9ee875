"""Packs of a deployment: what they may add, and how wrong ones are refused."""

from pathlib import Path

import pytest

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.domain.text_pattern import folded
from heron_grpc.taxonomy import load_taxonomies
from heron_grpc.taxonomy.patterns import compile_pattern

HEAD = "taxonomy: default\nrevision: 1\n"
CATEGORY = HEAD + "categories:\n  - id: financial/bill/parking_ticket\n    display_name: Parking ticket\n"
METADATA = CATEGORY + "    metadata:\n      - {{name: {name}, all: {fields}, weight: {weight}}}\n"
RULE = CATEGORY + "    rules:\n      - name: {name}\n        all: ['{pattern}']\n        weight: {weight}\n"


def load(directory: Path, *contents: str) -> dict[str, TaxonomyPack]:
    for number, content in enumerate(contents):
        (directory / f"pack{number}.yaml").write_text(content, encoding="utf-8")
    return load_taxonomies(directory)


def test_a_pack_adds_a_category_a_rule_and_an_alias(tmp_path: Path) -> None:
    built_in = load_taxonomies()["taxonomies/default"]
    extend = "extend:\n  - id: tax/w9\n    aliases: [vendor_form]\n    accept_threshold: 0.95\n"
    pack = load(tmp_path, RULE.format(name="fine", pattern="parking fine", weight=3) + extend)["taxonomies/default"]
    assert "financial/bill/parking_ticket" in pack.taxonomy.leaves
    assert pack.resolve("Parking ticket") == "financial/bill/parking_ticket"
    assert pack.resolve("vendor form") == "tax/w9"
    assert pack.taxonomy["tax/w9"].accept_threshold == 0.95
    assert pack.taxonomy["tax/w9"].display_name == built_in.taxonomy["tax/w9"].display_name
    assert {rule.name for rule in pack.rules} == {rule.name for rule in built_in.rules} | {"fine"}
    assert pack.taxonomy.revision == built_in.taxonomy.revision + 1
    assert pack.taxonomy.etag != built_in.taxonomy.etag


def test_a_pack_may_define_another_taxonomy(tmp_path: Path) -> None:
    other = "taxonomy: claims\ndisplay_name: Claims\nrevision: 4\ncategories:\n  - {id: motor, display_name: Motor}\n"
    taxonomies = load(tmp_path, other)
    assert list(taxonomies) == ["taxonomies/claims", "taxonomies/default"]
    assert taxonomies["taxonomies/claims"].taxonomy.revision == 4
    assert taxonomies["taxonomies/claims"].taxonomy.leaves == ("motor",)


def test_equal_content_has_equal_tags() -> None:
    assert (
        load_taxonomies()["taxonomies/default"].taxonomy.etag == load_taxonomies()["taxonomies/default"].taxonomy.etag
    )


def test_any_change_of_a_rule_changes_the_tag(tmp_path: Path) -> None:
    one = load(tmp_path, RULE.format(name="fine", pattern="parking fine", weight=3))["taxonomies/default"]
    two = load(tmp_path, RULE.format(name="fine", pattern="parking fine", weight=2))["taxonomies/default"]
    assert one.taxonomy.etag != two.taxonomy.etag


def test_a_pack_adds_rules_about_metadata_and_checks_on_words(tmp_path: Path) -> None:
    told = METADATA.format(name="app", fields="{creator: '^ParkRight', title: fine}", weight=-2)
    words = RULE.format(name="fine", pattern="pay to", weight=3).partition("display_name: Parking ticket\n")[2]
    pack = load(tmp_path, told + words + "        checks: [iban, running_balance]\n")["taxonomies/default"]
    (rule,) = [rule for rule in pack.metadata_rules if rule.name == "app"]
    assert (rule.category, rule.weight, rule.decisive) == ("financial/bill/parking_ticket", -2.0, False)
    assert {name: pattern.regex.pattern for name, pattern in rule.patterns.items()} == {
        "creator": "^ParkRight",
        "title": "fine",
    }
    assert next(rule for rule in pack.rules if rule.name == "fine").checks == ("iban", "running_balance")


@pytest.mark.parametrize(
    ("name", "fields", "weight"), [("b", "{title: fine}", 2), ("a", "{creator: fine}", 2), ("a", "{title: fine}", 3)]
)
def test_any_change_of_a_metadata_rule_changes_the_tag(tmp_path: Path, name: str, fields: str, weight: float) -> None:
    one = load(tmp_path, METADATA.format(name="a", fields="{title: fine}", weight=2))["taxonomies/default"]
    two = load(tmp_path, METADATA.format(name=name, fields=fields, weight=weight))["taxonomies/default"]
    assert one.taxonomy.etag != two.taxonomy.etag


def test_a_check_changes_the_tag(tmp_path: Path) -> None:
    rule = RULE.format(name="fine", pattern="parking fine", weight=3)
    one = load(tmp_path, rule)["taxonomies/default"]
    two = load(tmp_path, rule + "        checks: [iban]\n")["taxonomies/default"]
    assert one.taxonomy.etag != two.taxonomy.etag


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEAD + "categories:\n  - {id: a/b, display_name: B}\n", "no parent a before it"),
        (HEAD + "categories:\n  - {id: tax/w9, display_name: Again}\n", "tax/w9 is defined twice"),
        (HEAD + "categories:\n  - {id: Tax, display_name: T}\n", "must be a path"),
        (HEAD + "categories:\n  - {id: toll}\n", "display_name must be text"),
        (HEAD + "categories:\n  - {id: toll, display_name: T, colour: red}\n", "unknown keys: colour"),
        (HEAD + "extend:\n  - {id: tax/w10}\n", "tax/w10 to extend is not defined"),
        (
            HEAD + "extend:\n  - {id: tax/w9, aliases: [bill of lading, cv]}\n",
            "'cv' of tax/w9 already belongs to hr/resume",
        ),
        (HEAD + "extend:\n  - {id: tax/w9, aliases: [lease]}\n", "'lease' of tax/w9 is the short name of legal/lease"),
        (HEAD + "extend:\n  - {id: tax/w9, accept_threshold: 1.5}\n", "accept_threshold must be"),
        (HEAD + "extend:\n  - {id: tax/w9, retired: 1}\n", "retired must be true or false"),
        (RULE.format(name="form-w9-title", pattern="x", weight=1), "rule form-w9-title is defined twice"),
        (RULE.format(name="fine", pattern="parking (fine", weight=1), "rule fine: bad pattern"),
        (RULE.format(name="fine", pattern="(a+)+b", weight=1), "rule fine: bad pattern: it could take too long"),
        (RULE.format(name="fine", pattern="x?", weight=1), "rule fine: bad pattern: it may match nothing"),
        (RULE.format(name="fine", pattern="fine", weight=11), "rule fine: weight must be"),
        (RULE.format(name="fine", pattern="fine", weight="heavy"), "rule fine: weight must be"),
        (RULE.format(name="fine", pattern="fine", weight=0), "rule fine: weight must be"),
        (RULE.format(name="fine", pattern="fine", weight=3) + "        decisive: true\n", "rule fine: weight must be"),
        (RULE.format(name="fine", pattern="fine", weight=-1), "rule fine: weight must be above 0"),
        (
            RULE.format(name="fine", pattern="x", weight=1) + "        checks: [luck]\n",
            "rule fine: no such check: luck",
        ),
        (METADATA.format(name="einvoice-cii", fields="{title: x}", weight=1), "rule einvoice-cii is defined twice"),
        (METADATA.format(name="form-w9-title", fields="{title: x}", weight=1), "rule form-w9-title is defined twice"),
        (METADATA.format(name="app", fields="{}", weight=1), "metadata rule app: `all` must name at least one field"),
        (METADATA.format(name="app", fields="[x]", weight=1), "metadata rule app: all must map fields to texts"),
        (METADATA.format(name="app", fields="{title: 7}", weight=1), "metadata rule app: all must map fields to texts"),
        (METADATA.format(name="app", fields="{title: '(x'}", weight=1), "metadata rule app: bad pattern"),
        (METADATA.format(name="app", fields="{title: 'x*'}", weight=1), "metadata rule app: bad pattern"),
        (METADATA.format(name="app", fields="{title: x}", weight=-11), "metadata rule app: weight must be"),
        (METADATA.format(name="app", fields="{title: x}", weight=0), "metadata rule app: weight must be"),
        (
            METADATA.format(name="app", fields="{title: x}, decisive: true", weight=3),
            "metadata rule app: weight must be",
        ),
        (METADATA.format(name="app", fields="{title: x}, checks: [iban]", weight=3), "unknown keys: checks"),
        ("taxonomy: default\n", "revision must be a whole number from 1"),
        ("taxonomy: default\nrevision: -1\n", "revision must be a whole number"),
        ("taxonomy: De fault\nrevision: 1\n", "must be made of"),
        ("- a list\n", "the pack must be a mapping"),
        ("taxonomy: [unclosed\n", "is no readable YAML"),
        ("taxonomy: !!python/object/apply:os.getcwd []\nrevision: 1\n", "is no readable YAML"),
    ],
)
def test_a_wrong_pack_is_refused_with_file_and_reason(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, content)
    assert refused.value.message.startswith("pack0.yaml: ")
    assert reason in refused.value.message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pack.yml").write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(ConfigurationError, match=r"pack\.yml: is no readable YAML"):
        load_taxonomies(tmp_path)


def test_a_missing_packs_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="packs directory"):
        load_taxonomies(tmp_path / "nowhere")


@pytest.mark.parametrize("pattern", ["a+", "a*b", r"(\w{1,9}){1,9}x", r".{0,300}.{0,300}x", r"(a)\1", "(?:a|b{1,})c"])
def test_patterns_that_could_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="could take too long"):
        compile_pattern(pattern)


def test_a_space_in_a_pattern_is_any_gap_between_words() -> None:
    pattern = compile_pattern("total ?due")
    for text in ("Total due", "TOTAL\n  DUE", "totaldue", "total\t due"):
        assert pattern.search(text, folded(text))
    assert not compile_pattern("total due").search("totaldue", "totaldue")
