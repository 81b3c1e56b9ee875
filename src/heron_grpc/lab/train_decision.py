"""Makes the decision file: real texts in, a rule for each model out, and its figures on the dev split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from heron_grpc.classify import load_classifier
from heron_grpc.classify.decision_rule import (
    DIRECTORY,
    FILE_NAME,
    KIND,
    DecisionRules,
    parse_decision_rules,
)
from heron_grpc.classify.manifest import (
    DataSource,
    Figure,
    Manifest,
    describe_file,
    load_manifest,
    write_manifest,
)
from heron_grpc.domain.errors import ConfigurationError, ModelFileRefused
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.lab.corpus import CorpusRow, load_corpus, split_rows
from heron_grpc.lab.decision_cases import cases_of
from heron_grpc.lab.decision_figures import coverage_by_label, decision_figures
from heron_grpc.lab.fit_decision import FitDecision, fit_rule, fit_temperature, held_out_precision
from heron_grpc.lab.held_out import OTHER_LANGUAGE, HeldOut, HoldOptions, held_out, predictions_from
from heron_grpc.lab.judging import StagesInProcess
from heron_grpc.lab.label_overrides import LabelOverride, overridden
from heron_grpc.lab.labelled_texts import of_corpus
from heron_grpc.lab.measures import Share
from heron_grpc.settings import ClassifySettings

NAIVE_BAYES = "nb"
NOTES = (
    "Weights, temperature, thresholds and plausible sets are fitted on documents held out by group and layout.",
    "Generated documents count little beside real ones; heads of documents tell how many words a model needs.",
    "metadata, layout and quality stay at 1: the corpus is text.",
    "other_language_temperature is what documents need whose language was left out of training.",
    "*_held_out_precision is that of real training documents whose leaf reaches its threshold.",
    "*_dev_*: dev with corrected labels; no number was fitted to it, but the rule was shaped with it in view.",
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DecisionOptions:
    """How a decision file is made."""

    hold: HoldOptions = field(default_factory=HoldOptions)
    fit: FitDecision = field(default_factory=FitDecision)
    # Held-out predictions of other models, by the model's name.
    predictions: Mapping[str, Path] = field(default_factory=dict)
    # Whose rule answers without a model get, and those of models without one.
    default: str = NAIVE_BAYES
    overrides: Mapping[str, LabelOverride] = field(default_factory=dict)


def train_decision(
    corpus: Path, models_dir: Path, pack: TaxonomyPack, created: date, options: DecisionOptions, tell: Progress
) -> Manifest:
    """Fits and writes models_dir/decision; the same input gives the same bytes. Blocks for minutes.

    Raises ConfigurationError when the corpus or the predictions cannot be used.
    """
    rows = overridden(load_corpus(corpus), options.overrides)
    training, dev = split_rows(rows, "train"), split_rows(rows, "dev")
    if not training or not dev:
        raise ConfigurationError("the corpus has no documents to fit to or none to judge by")
    rules, precision = fit_rules(held_out(training, options.hold, tell), pack, options)
    content = rules.to_json().encode()
    parse_decision_rules(content, FILE_NAME)
    figures = [
        Figure(f"{model}_{name}", share.value, share.low, share.high, share.documents)
        for model in rules.by_model
        for name, share in {**_measured(models_dir / model, rules, pack, dev), **precision[model]}.items()
    ]
    directory = models_dir / DIRECTORY
    manifest = Manifest(
        name=DIRECTORY,
        kind=KIND,
        version=_next_version(directory),
        created=created.isoformat(),
        labels=pack.taxonomy.open_leaves,
        files=(describe_file(FILE_NAME, content),),
        taxonomy=pack.taxonomy.name,
        taxonomy_revision=pack.taxonomy.revision,
        data=_sources(training),
        parameters={
            "folds": options.hold.folds,
            "per_label": options.hold.per_label,
            "seed": options.hold.seed,
            "precision": options.fit.precision,
            "coverage": options.fit.coverage,
        },
        figures=tuple(figures),
        notes=NOTES,
    )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / FILE_NAME).write_bytes(content)
    write_manifest(directory, manifest)
    return manifest


def fit_rules(
    documents: Sequence[HeldOut], pack: TaxonomyPack, options: DecisionOptions
) -> tuple[DecisionRules, dict[str, dict[str, Share]]]:
    """A rule for Naive Bayes and one for each model whose held-out predictions are given, and their precisions.

    Raises ConfigurationError for predictions that cannot be used, or a default model without any.
    """
    cases = {NAIVE_BAYES: cases_of(documents, pack)}
    own = fit_rule(cases[NAIVE_BAYES], options.fit)
    elsewhere = cases_of([one for one in documents if one.kind == OTHER_LANGUAGE], pack)
    heat = fit_temperature(elsewhere, own) if len(elsewhere) else 1.0
    found = {NAIVE_BAYES: replace(own, other_language_temperature=heat)}
    for model, path in options.predictions.items():
        cases[model] = cases_of(predictions_from(path, documents), pack)
        rule = fit_rule(cases[model], options.fit, own)
        found[model] = replace(rule, other_language_temperature=heat)
    if options.default not in found:
        raise ConfigurationError(f"there are no predictions of the default model {options.default}")
    precision = {
        model: {
            f"held_out_precision of {leaf}": share
            for leaf, share in held_out_precision(cases[model], rule, options.fit).items()
        }
        for model, rule in found.items()
    }
    return DecisionRules(found[options.default], found, options.default), precision


def _measured(directory: Path, rules: DecisionRules, pack: TaxonomyPack, dev: Sequence[CorpusRow]) -> dict[str, Share]:
    """Nothing where the model is not there: its rule can be fitted before it is."""
    try:
        classifier = load_classifier(directory)
    except ModelFileRefused:
        return {}
    rows = StagesInProcess(classifier, pack, ClassifySettings(), rules).judge(of_corpus(dev))
    by_label = {f"plausible_coverage of {label}": share for label, share in coverage_by_label(rows).items()}
    return {f"dev_{name}": share for name, share in {**decision_figures(rows), **by_label}.items()}


def _sources(training: Sequence[CorpusRow]) -> tuple[DataSource, ...]:
    names = sorted({(row.source, row.licence) for row in training})
    return tuple(
        DataSource(source, licence, sum((row.source, row.licence) == (source, licence) for row in training))
        for source, licence in names
    )


def _next_version(directory: Path) -> str:
    try:
        version = load_manifest(directory).version
    except ModelFileRefused:
        return "1"
    return str(int(version) + 1) if version.isdigit() else "1"
