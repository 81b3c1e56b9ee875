"""A report as one HTML page that needs nothing else: no script, no file beside it, no network."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from heron_grpc.lab.evaluate import Evaluation
from heron_grpc.lab.measures import ClassFigures, Share
from heron_grpc.lab.report import Report
from heron_grpc.lab.report_plots import coverage_plot, interval_plot, reliability_plot
from heron_grpc.lab.report_tables import interval, summary
from heron_grpc.lab.rule_figures import RuleFigures

_PAGE = Path(__file__).parent / "report_page.html"
# A matrix of more labels cannot be read.
_MOST_LABELS = 24


def report_page(report: Report) -> str:
    """The page; every text that comes from documents or files is escaped."""
    parts = [_facts(report), _side_by_side(report)]
    parts += [_evaluation(name, evaluation) for name, evaluation in report.evaluations.items()]
    parts.append(_section("Rules", _rules(report.rules)))
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(title=escape(report.title), content="\n".join(parts))


def _facts(report: Report) -> str:
    return _table((), report.facts.items())


def _side_by_side(report: Report) -> str:
    columns = {name: summary(evaluation) for name, evaluation in report.evaluations.items()}
    figures = dict.fromkeys(figure for column in columns.values() for figure in column)
    rows = [(figure, *(column.get(figure, "") for column in columns.values())) for figure in figures]
    return _table(("figure", *columns), rows)


def _evaluation(name: str, evaluation: Evaluation) -> str:
    curves = "".join(
        f"<figure>{plot}<figcaption>{caption}</figcaption></figure>"
        for plot, caption in (
            (reliability_plot(evaluation.reliability), "Reliability: on the line, confidence is what comes true."),
            (
                coverage_plot(evaluation.coverage),
                "Coverage against accuracy: what is left when unsure answers are not.",
            ),
        )
    )
    decided = [(made.decision, made.documents, interval(made.right)) for made in evaluation.decisions]
    stages = [
        (stage.stage, stage.precision.documents, f"{stage.coverage.value:.1%}", interval(stage.precision))
        for stage in evaluation.stages
    ]
    parts = (
        ("", f'<div class="plots">{curves}</div>'),
        ("Decisions", _table(("decision", "documents", "right"), decided)),
        ("What each stage alone said", _table(("stage", "spoke of", "coverage", "precision"), stages)),
        ("By language, source and format", interval_plot(evaluation.slices)),
        ("By label", _classes(evaluation.classes)),
        ("Confusion", _confusion(evaluation)),
    )
    return _section(name, "".join(f"<h3>{heading}</h3>{content}" for heading, content in parts if content))


def _classes(classes: Sequence[ClassFigures]) -> str:
    rows = [(row.label, row.documents, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}") for row in classes]
    return _table(("label", "documents", "precision", "recall", "F1"), rows)


def _confusion(evaluation: Evaluation) -> str:
    """Truth by row, answer by column, of the labels with most mistakes; right answers stand on the diagonal."""
    mistakes = {(truth, said): count for truth, said, count in evaluation.confusions}
    if not mistakes:
        return "<p>No answer was wrong.</p>"
    ranked = dict.fromkeys(label for pair in mistakes for label in pair)
    labels = sorted([*ranked][:_MOST_LABELS])
    counts = {row.label: round(row.documents * row.recall) for row in evaluation.classes}
    most = max(mistakes.values())
    head = "".join(f'<th class="turned"><span>{_name(label)}</span></th>' for label in labels)
    body = "".join(
        f"<tr><th>{_name(truth)}</th>"
        + "".join(
            f'<td class="right">{counts.get(truth, 0)}</td>'
            if truth == said
            else _cell(mistakes.get((truth, said)), most)
            for said in labels
        )
        + "</tr>"
        for truth in labels
    )
    left_out = len(ranked) - len(labels)
    note = f"<p>{left_out} labels with fewer mistakes are left out.</p>" if left_out else ""
    return f'<div class="wide"><table class="matrix"><tr><th></th>{head}</tr>{body}</table></div>{note}'


def _cell(count: int | None, most: int) -> str:
    return f'<td style="--share: {count / most:.2f}" class="wrong">{count}</td>' if count else "<td></td>"


def _rules(rules: Sequence[RuleFigures]) -> str:
    seen = [rule for rule in rules if rule.precision.documents]
    unseen = [rule.rule for rule in rules if not rule.precision.documents]
    rows = [
        (rule.rule, rule.category, rule.precision.documents, interval(rule.precision), *_deciding(rule))
        for rule in seen
    ]
    columns = ("rule", "for", "held of", "precision", "decided alone", "precision deciding", "")
    note = f"<p>Held of no document: {escape(', '.join(unseen))}.</p>" if unseen else ""
    return _table(columns, rows) + note


def _deciding(rule: RuleFigures) -> tuple[object, ...]:
    share: Share = rule.deciding
    if not rule.decisive:
        return "", "may not", ""
    return share.documents, interval(share), "must not decide" if rule.must_not_decide else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Nothing where there is no row."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_value, row))}</tr>" for row in rows)
    if not body:
        return ""
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _value(value: object) -> str:
    kind = ' class="number"' if isinstance(value, int | float) or str(value)[:1].isdigit() else ""
    return f"<td{kind}>{escape(str(value))}</td>"


def _name(label: str) -> str:
    return escape(label or "(no answer)")
