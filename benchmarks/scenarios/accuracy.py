"""How good the labels are, on real texts and files from bytes to label, and whether what is claimed of them holds.

Exits with 1 when a figure of a model's manifest is not what is measured, or a rule decides alone that should not.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reporting import Goal, Row, at_least, at_most, corpus_option, publish, record_option, require_corpus
from benchmarks.subjects.servers import heron
from heron_grpc.classify import layout, load_classifier
from heron_grpc.classify.decision_rule import KIND, load_decision_rules
from heron_grpc.classify.manifest import FILE_NAME, Manifest, load_manifest
from heron_grpc.cli.labelled_folder import LabelledFile, judge_files, read_manifest
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.lab.corpus import CorpusRow, load_corpus, split_rows
from heron_grpc.lab.evaluate import Evaluation
from heron_grpc.lab.judging import StagesInProcess, judge_by_model
from heron_grpc.lab.label_overrides import DEFAULT, LabelOverride, load_overrides, overridden
from heron_grpc.lab.labelled_texts import LabelledText, generated, of_corpus
from heron_grpc.lab.measures import Share, wilson
from heron_grpc.lab.report import CORRECTED, evaluations
from heron_grpc.lab.rule_figures import LEAST_DECISIVE_PRECISION, RuleFigures, rules_of_answers, rules_of_texts
from heron_grpc.settings import Settings, load_settings
from heron_grpc.taxonomy import load_taxonomies

# What a manifest calls the figures of the dev split, with the labels as they are and corrected.
_AS_LABELLED, _CORRECTED = "dev_", "dev_corrected_"
# Manifests and figures agree to what is read of them; libraries may sum in another order.
_TOLERANCE = 5e-4
_MODEL, _STAGES, _SERVICE = "model alone", "all stages", "service"


@dataclass(frozen=True, slots=True)
class Found:
    """What one part measured."""

    rows: list[Row]
    goals: list[Goal]
    # What is wrong, in words; empty when all that is claimed holds.
    broken: list[str]
    # By the name of the documents they were measured on.
    rules: dict[str, tuple[RuleFigures, ...]] = field(default_factory=dict)


def main() -> None:
    """Measures, prints, records; exits with 1 when something claimed does not hold."""
    given = _arguments()
    settings = load_settings()
    pack = load_taxonomies(settings.classify.packs_dir)[DEFAULT_TAXONOMY]
    corpus = load_corpus(given.corpus / "text.jsonl.gz")
    parts = [_models(corpus, settings, pack), _rules(corpus, given, pack)]
    if not given.without_files:
        parts.append(_files(given.corpus, pack))
    rows = [row for part in parts for row in part.rows]
    rows += _rule_rows({name: figures for part in parts for name, figures in part.rules.items()})
    publish("accuracy", given, rows, [goal for part in parts for goal in part.goals])
    broken = [words for part in parts for words in part.broken]
    print("\n".join(broken) or "all that is claimed holds")
    sys.exit(1 if broken else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    corpus_option(parser)
    parser.add_argument("--without-files", action="store_true", help="leave out what needs a service")
    parser.add_argument("--per-label", type=int, default=10, help="generated documents of every label, for the rules")
    parser.add_argument("--seed", type=int, default=20, help="of those; models are trained on another")
    record_option(parser)
    given = parser.parse_args()
    require_corpus(parser, given)
    return given


def _models(corpus: Sequence[CorpusRow], settings: Settings, pack: TaxonomyPack) -> Found:
    """Every model alone, and all stages around the one that is served."""
    found = Found([], [], [])
    decisions = load_decision_rules(settings.classify.calibration, settings.serving.models_dir)
    dev = split_rows(corpus, "dev")
    texts, corrected = of_corpus(dev), [row.label for row in overridden(dev, _overrides(pack))]
    models = sorted(path.parent for path in settings.serving.models_dir.glob(f"*/{FILE_NAME}"))
    decided: dict[str, Share] = {}
    for directory in models:
        manifest = load_manifest(directory)
        if manifest.kind in {KIND, layout.KIND}:
            continue
        classifier = load_classifier(directory)
        answers = {_MODEL: judge_by_model(classifier, texts)}
        if directory.name == settings.serving.model:
            answers[_STAGES] = StagesInProcess(classifier, pack, settings.classify, decisions).judge(texts)
        measured = evaluations(answers, corrected)
        if _STAGES in measured:
            decided = of_decisions(manifest.name, measured.get(f"{_STAGES}, {CORRECTED}", measured[_STAGES]))
        found.rows.extend(_row(manifest.name, name, evaluation) for name, evaluation in measured.items())
        found.rows.extend(row for name in answers for row in _stage_rows("dev", measured[name]))
        found.goals.extend(goal for name in answers for goal in _goals(f"{manifest.name}, {name}", measured[name]))
        rows, broken = claims(manifest, measured)
        found.rows.extend(rows)
        found.broken.extend(broken)
    for manifest in (load_manifest(directory) for directory in models):
        if manifest.kind == KIND:
            rows, broken = compared(manifest, decided)
            found.rows.extend(rows)
            found.broken.extend(broken)
    return found


def of_decisions(model: str, evaluation: Evaluation) -> dict[str, Share]:
    """The figures of whole decisions as the decision file's manifest names them."""
    by_label = {f"plausible_coverage of {label}": share for label, share in evaluation.plausible.items()}
    return {f"{model}_dev_{name}": share for name, share in {**evaluation.whole, **by_label}.items()}


def claims(manifest: Manifest, measured: dict[str, Evaluation]) -> tuple[list[Row], list[str]]:
    """Each figure of the manifest beside what it is; those that only training can measure are told as such."""
    same = measured[_MODEL]
    figures = {
        **{_AS_LABELLED + name: share for name, share in same.headline.items()},
        **{_CORRECTED + name: share for name, share in measured.get(f"{_MODEL}, {CORRECTED}", same).headline.items()},
    }
    return compared(manifest, figures)


def compared(manifest: Manifest, figures: dict[str, Share]) -> tuple[list[Row], list[str]]:
    """Each figure of the manifest beside the one of that name, if it was measured."""
    rows: list[Row] = []
    broken: list[str] = []
    for claim in manifest.figures:
        now = figures.get(claim.name)
        held = now is not None and _agrees((claim.value, claim.low, claim.high), now, claim.documents)
        rows.append(
            {
                "model": manifest.model_version,
                "figure": claim.name,
                "manifest": round(claim.value, 4),
                "measured": round(now.value, 4) if now else "measured in training alone",
                "reproduced": held if now else None,
            }
        )
        if now and not held:
            broken.append(f"{manifest.model_version}: {claim.name} is {now.value:.4f}, not {claim.value:.4f}")
        elif now is None and claim.name.startswith(_AS_LABELLED):
            broken.append(f"{manifest.model_version}: nothing here measures {claim.name}")
    return rows, broken


def _agrees(claimed: tuple[float, float, float], now: Share, documents: int) -> bool:
    pairs = zip(claimed, (now.value, now.low, now.high), strict=True)
    return documents == now.documents and all(abs(said - is_now) <= _TOLERANCE for said, is_now in pairs)


def _rules(corpus: Sequence[CorpusRow], given: argparse.Namespace, pack: TaxonomyPack) -> Found:
    """Every rule on both splits with corrected labels and on generated documents."""
    rows = overridden(corpus, _overrides(pack))
    sets: dict[str, tuple[LabelledText, ...]] = {
        "dev": of_corpus(split_rows(rows, "dev")),
        "train": of_corpus(split_rows(rows, "train")),
        "generated": generated(given.per_label, given.seed),
    }
    found = Found([], [], [])
    for name, texts in sets.items():
        _add_rules(found, name, rules_of_texts(pack, texts))
    return found


def _files(corpus: Path, pack: TaxonomyPack) -> Found:
    """From bytes to label, through a service of its own, without names."""
    found = Found([], [], [])
    sets = {"files": read_manifest(corpus / "documents", pack), "einvoices": _einvoices(corpus / "einvoices")}
    with heron() as server:
        for name, files in sets.items():
            if files:
                answers = judge_files(files, server.address, pack, lambda *_: None)
                judged, version = answers.rows, answers.model_version
                (evaluation,) = evaluations({_SERVICE: judged}, ()).values()
                found.rows.append(_row(version.split("/")[1] if version else "", f"{_SERVICE}, {name}", evaluation))
                found.rows.extend(_stage_rows(name, evaluation))
                found.goals.append(at_least(f"{name} from bytes to label", 0.9, evaluation.leaf.value))
                _add_rules(found, name, rules_of_answers(pack, judged))
    return found


def _einvoices(folder: Path) -> tuple[LabelledFile, ...]:
    """Invoices with data inside; corrections and what Germans call Gutschrift may be either, and are left out."""
    names = sorted(path for path in folder.glob("*.pdf") if not re.search("gutschrift|korrektur", path.name.lower()))
    return tuple(LabelledFile(path, "financial/receivable/invoice", {}) for path in names)


def _add_rules(found: Found, documents: str, rules: tuple[RuleFigures, ...]) -> None:
    found.rules[documents] = rules
    deciding = [rule for rule in rules if rule.deciding.documents]
    found.broken.extend(
        f"rule {rule.rule} decides alone on {documents}, right {rule.deciding.value:.3f}"
        for rule in deciding
        if rule.must_not_decide
    )
    if deciding:
        goal = f"the worst of the rules that decide alone on {documents} ({len(deciding)}): precision"
        found.goals.append(at_least(goal, LEAST_DECISIVE_PRECISION, min(rule.deciding.value for rule in deciding)))


def _overrides(pack: TaxonomyPack) -> dict[str, LabelOverride]:
    return load_overrides(DEFAULT, pack.taxonomy.leaves)


def _row(model: str, who: str, evaluation: Evaluation) -> Row:
    scope = evaluation.out_of_scope
    decided = {made.decision: f"{_right(made.right)} of {made.documents}" for made in evaluation.decisions}
    return {
        "model": model,
        "who": who,
        "documents": evaluation.leaf.documents,
        "leaf": _interval(evaluation.leaf),
        "rolled_up": round(evaluation.rolled_up.value, 3),
        "macro_f1": round(evaluation.macro_f1, 3),
        "macro_f1_many": round(evaluation.macro_f1_many, 3),
        "ece": round(evaluation.calibration_error, 3),
        "out_of_scope": round(scope.by_probability.value, 3) if scope.by_probability else None,
        "novelty": round(scope.by_novelty.value, 3) if scope.by_novelty else None,
        "coverage_at_99": round(dict(evaluation.coverage_at)[0.99], 3),
        "decisions_right": ", ".join(f"{name} {right}" for name, right in decided.items()) or None,
    }


def _goals(who: str, evaluation: Evaluation) -> list[Goal]:
    scope = evaluation.out_of_scope.by_probability
    return [
        at_least(f"{who}: leaf accuracy on dev", 0.95, evaluation.leaf.value),
        at_least(f"{who}: rolled up", 0.99, evaluation.rolled_up.value),
        at_least(f"{who}: macro-F1, labels with 20 documents", 0.95, evaluation.macro_f1_many),
        at_most(f"{who}: calibration error", 0.03, evaluation.calibration_error),
        *([at_least(f"{who}: out-of-scope AUROC", 0.97, scope.value)] if scope else []),
    ]


def _stage_rows(documents: str, evaluation: Evaluation) -> list[Row]:
    return [
        {
            "stage alone": stage.stage,
            "on": documents,
            "spoke of": stage.precision.documents,
            "coverage": round(stage.coverage.value, 3),
            "precision": _interval(stage.precision),
        }
        for stage in evaluation.stages
        if stage.precision.documents
    ]


def _rule_rows(measured: dict[str, tuple[RuleFigures, ...]]) -> list[Row]:
    """A row a rule: right of how many documents it holds of, on each set; those that hold of none at the end."""
    rows: list[Row] = []
    for figures in zip(*measured.values(), strict=True):
        rule, held = figures[0], [one.precision for one in figures]
        counts = {
            name: f"{_right(share)} of {share.documents}" if share.documents else None
            for name, share in zip(measured, held, strict=True)
        }
        everywhere = wilson(sum(map(_right, held)), sum(share.documents for share in held))
        rows.append(
            {
                "rule": rule.rule,
                "category": rule.category,
                "decides": rule.decisive,
                **counts,
                "precision": _interval(everywhere) if everywhere.documents else None,
            }
        )
    return sorted(rows, key=lambda row: row["precision"] is None)


def _right(share: Share) -> int:
    return round(share.value * share.documents)


def _interval(share: Share) -> str:
    return f"{share.value:.3f} ({share.low:.3f} - {share.high:.3f})"


if __name__ == "__main__":
    main()
