"""The fitted numbers of a decision: what each source counts, when an answer is sure, and the file that holds them."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from heron_grpc.classify.manifest import load_manifest, read_verified
from heron_grpc.domain.errors import ConfigurationError, ModelFileRefused

KIND = "decision"
DIRECTORY = "decision"
FILE_NAME = "decision.json"
FORMAT = 1
# What may weigh in: the model, the stages with log-odds of their own, and the trust in recognised text.
SOURCES = ("model", "metadata", "text", "ocr", "rules", "layout", "quality")
# Of a category that no fit knows, where the deployment sets none either.
DEFAULT_THRESHOLD = 0.8
# Two categories that part the documents can be above it together never.
_LEAST_THRESHOLD = 0.5
_MOST_WEIGHT = 20.0


@dataclass(frozen=True, slots=True)
class Foreign:
    """What speaks for a document being none of the others, in natural log-odds of meta/other."""

    # For each unit of novelty, and of what the model leaves to all but its best label; each 0 to 1.
    novelty: float = 0.0
    doubt: float = 0.0

    def log_odds(self, novelty: float, best: float) -> float:
        """Of a text this new whose likeliest label has this probability."""
        return self.novelty * novelty + self.doubt * (1.0 - best)


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """The numbers of one model's answers; as made here it changes nothing that the sources say."""

    # By source; one that is not named counts 1.
    weights: Mapping[str, float] = field(default_factory=dict)
    # Divides the log-odds, and does so once more where the language is none the models were trained on.
    temperature: float = 1.0
    other_language_temperature: float = 1.0
    # Distinct words known to the model at which it counts half of what it does in a long text.
    half_words: float = 0.0
    foreign: Foreign = field(default_factory=Foreign)
    # Probability of all labels below "meta" together from which on the answer is UNKNOWN.
    unknown_from: float = 1.0
    # Least probability for acceptance, by category.
    accept: Mapping[str, float] = field(default_factory=dict)
    accept_others: float = DEFAULT_THRESHOLD
    # Share of documents whose true label the set of plausible ones promises to hold.
    coverage: float = 0.95
    # Least probability at which a leaf is plausible; None where nothing was fitted: the likeliest that add up to
    # `coverage` are.
    plausible: Mapping[str, float] = field(default_factory=dict)
    plausible_others: float | None = None

    def weight(self, source: str) -> float:
        """What a source's log-odds are multiplied by."""
        return self.weights.get(source, 1.0)

    def trust(self, known_words: float) -> float:
        """Share of its weight a model has on a text with so many distinct words it knows; 0 to 1."""
        total = known_words + self.half_words
        return known_words / total if total > 0 else 1.0

    def heat(self, *, language_known: bool) -> float:
        """What log-odds are divided by."""
        return self.temperature if language_known else self.temperature * self.other_language_temperature

    def threshold(self, category: str) -> float:
        """Least probability for acceptance of a category."""
        return self.accept.get(category, self.accept_others)


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """A rule for each model, by its name, and the one for all others and for answers without a model."""

    default: DecisionRule = field(default_factory=DecisionRule)
    by_model: Mapping[str, DecisionRule] = field(default_factory=dict)
    # Whose rule the default is; empty for none.
    default_model: str = ""

    def of(self, model_version: str) -> DecisionRule:
        """The rule for answers of models/{model}/versions/{version}."""
        parts = model_version.split("/")
        return self.by_model.get(parts[1], self.default) if len(parts) > 1 else self.default

    def to_json(self) -> str:
        """The file's text, the same for the same numbers."""
        named = self.by_model or {"": self.default}
        content = {
            "format": FORMAT,
            "default": self.default_model,
            "rules": {name: _plain(rule) for name, rule in named.items()},
        }
        return json.dumps(content, indent=1, sort_keys=True) + "\n"


NEUTRAL = DecisionRules()


def load_decision_rules(calibration: Path | None, models_dir: Path) -> DecisionRules:
    """The deployment's own file, else the models' verified one, else the neutral rule. Blocks.

    Raises ConfigurationError where a file is there and cannot be used.
    """
    if calibration is not None:
        try:
            return parse_decision_rules(calibration.read_bytes(), calibration.name)
        except OSError as error:
            raise ConfigurationError(f"{calibration.name}, which HERON_CLASSIFY_CALIBRATION names: no file") from error
    directory = models_dir / DIRECTORY
    if not directory.is_dir():
        return NEUTRAL
    manifest = load_manifest(directory)
    if manifest.kind != KIND:
        raise ModelFileRefused(f"{DIRECTORY}: the manifest's kind is not {KIND}")
    contents = read_verified(directory, manifest)
    if FILE_NAME not in contents:
        raise ModelFileRefused(f"{DIRECTORY}: the manifest does not name {FILE_NAME}")
    return parse_decision_rules(contents[FILE_NAME], FILE_NAME)


def parse_decision_rules(content: bytes, name: str) -> DecisionRules:
    """Raises ConfigurationError that says what is wrong with the file called `name`."""
    try:
        found = json.loads(content)
        if found["format"] != FORMAT:
            raise ConfigurationError(f"{name} is of a format this release does not know")
        default = str(found["default"])
        rules = {str(model): _rule(rule) for model, rule in found["rules"].items()}
        return DecisionRules(rules[default], rules, default)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{name} is no decision file: {_reason(error)}") from error


def _plain(rule: DecisionRule) -> dict[str, Any]:
    return {name: value for name, value in asdict(rule).items() if value is not None}


def _rule(content: dict[str, Any]) -> DecisionRule:
    """Raises ValueError, KeyError or TypeError."""
    names = {one.name for one in fields(DecisionRule)}
    if unknown := sorted(set(content) - names):
        raise ValueError(f"{unknown[0]} is unknown")
    rule = replace(DecisionRule(**content), foreign=Foreign(**content.get("foreign", {})))
    if unknown := sorted(set(rule.weights) - set(SOURCES)):
        raise ValueError(f"weights: {unknown[0]} is unknown")
    for source, weight in rule.weights.items():
        _within(f"weights: {source}", weight, 0.0, _MOST_WEIGHT)
    for name in ("temperature", "other_language_temperature"):
        _within(name, getattr(rule, name), 0.01, 100.0)
    _within("half_words", rule.half_words, 0.0, 10_000.0)
    for one in fields(Foreign):
        _within(f"foreign: {one.name}", getattr(rule.foreign, one.name), -100.0, 100.0)
    _within("unknown_from", rule.unknown_from, 0.0, 1.0)
    _within("coverage", rule.coverage, 0.0, 1.0)
    for category, threshold in {**rule.accept, "accept_others": rule.accept_others}.items():
        _within(f"accept: {category}", threshold, _LEAST_THRESHOLD, 1.0)
    for category, floor in {**rule.plausible, "plausible_others": rule.plausible_others or 0.0}.items():
        _within(f"plausible: {category}", floor, 0.0, 1.0)
    return rule


def _within(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is no number")
    if not least <= value <= most:
        raise ValueError(f"{name} must lie between {least:g} and {most:g}")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "it is no JSON"
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error) if type(error) is ValueError else "its structure is not the documented one"
