"""A report as tables on a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from heron_grpc.lab.evaluate import MANY, Evaluation
from heron_grpc.lab.measures import Share
from heron_grpc.lab.report import Report

_MOST_CONFUSIONS = 30
# Figures of whole decisions, as people read them.
_WHOLE = {
    "accepted": "accepted",
    "accepted_right": "right of the accepted",
    "accepted_above_leaf": "accepted above a leaf",
    "plausible_coverage": "true label is plausible",
    "foreign_accepted_at_90": "foreign among the surest 90 %",
}


def print_report(report: Report, console: Console) -> None:
    """The figures of all who answered side by side, then the main ones in full."""
    console.print(report.title)
    for name, value in report.facts.items():
        console.print(f"  {name}: {value}", highlight=False)
    main = report.evaluations[report.main]
    for table in (_summary(report), *_details(main), _rules(report)):
        if table.row_count:
            console.print(table)


def summary(evaluation: Evaluation) -> dict[str, str]:
    """The figures that are told first, by name."""
    scope = evaluation.out_of_scope
    separations = {"by probability": scope.by_probability, "by novelty": scope.by_novelty}
    return {
        "documents": str(evaluation.leaf.documents),
        "leaf accuracy": interval(evaluation.leaf),
        "rolled up": interval(evaluation.rolled_up),
        "macro-F1": f"{evaluation.macro_f1:.3f}",
        f"macro-F1, labels with {MANY} or more": f"{evaluation.macro_f1_many:.3f}",
        "calibration error": f"{evaluation.calibration_error:.3f}",
        **{f"coverage at {accuracy:.0%}": f"{coverage:.1%}" for accuracy, coverage in evaluation.coverage_at},
        **{
            f"out-of-scope AUROC, {name}": f"{found.value:.3f} ({found.low:.3f} - {found.high:.3f})"
            for name, found in separations.items()
            if found
        },
        **{words: interval(evaluation.whole[name]) for name, words in _WHOLE.items() if name in evaluation.whole},
    }


def interval(share: Share) -> str:
    """A share with its 95 % interval; a dash for no documents."""
    return f"{share.value:.3f} ({share.low:.3f} - {share.high:.3f})" if share.documents else "-"


def _summary(report: Report) -> Table:
    columns = {name: summary(evaluation) for name, evaluation in report.evaluations.items()}
    table = Table("figure", *columns)
    for figure in dict.fromkeys(figure for column in columns.values() for figure in column):
        table.add_row(figure, *(column.get(figure, "") for column in columns.values()))
    return table


def _details(evaluation: Evaluation) -> Iterator[Table]:
    decided = Table("decision", "documents", "right")
    for decision in evaluation.decisions:
        decided.add_row(decision.decision, str(decision.documents), interval(decision.right))
    stages = Table("stage", "spoke of", "said", "was right")
    for stage in evaluation.stages:
        stages.add_row(
            stage.stage, str(stage.precision.documents), f"{stage.coverage.value:.1%}", interval(stage.precision)
        )
    sliced = Table("slice", "documents", "leaf accuracy")
    for name, share in evaluation.slices:
        sliced.add_row(name, str(share.documents), interval(share))
    classes = Table("label", "documents", "precision", "recall", "F1")
    for row in evaluation.classes:
        classes.add_row(row.label, str(row.documents), f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}")
    mistakes = Table("truth", "answered", "documents")
    for truth, said, count in evaluation.confusions[:_MOST_CONFUSIONS]:
        mistakes.add_row(truth, said or "(no answer)", str(count))
    plausible = Table("label", "documents", "among the plausible ones")
    for label, share in evaluation.plausible.items():
        plausible.add_row(label, str(share.documents), interval(share))
    yield from (decided, plausible, stages, sliced, classes, mistakes)


def _rules(report: Report) -> Table:
    table = Table("rule", "for", "held of", "precision", "decided", "precision deciding", "")
    for rule in report.rules:
        if rule.precision.documents:
            deciding = interval(rule.deciding) if rule.decisive else "may not"
            warning = "must not decide" if rule.must_not_decide else ""
            counts = str(rule.precision.documents), interval(rule.precision), str(rule.deciding.documents)
            table.add_row(rule.rule, rule.category, *counts, deciding, warning)
    return table
