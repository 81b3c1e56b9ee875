"""What an evaluation hands out: the figures of everything that was asked, with what they were measured on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from heron_grpc.lab.evaluate import Evaluation, evaluate_rows
from heron_grpc.lab.measures import Judged
from heron_grpc.lab.rule_figures import RuleFigures

CORRECTED = "labels corrected"


@dataclass(frozen=True, slots=True)
class Report:
    """Figures by who answered, e.g. "all stages", the most complete last, and of the rules."""

    title: str
    # What was measured on what, e.g. "model" -> "models/nb/versions/3".
    facts: Mapping[str, str]
    evaluations: Mapping[str, Evaluation]
    rules: tuple[RuleFigures, ...]

    @property
    def main(self) -> str:
        """Whose figures are told in full where there is room for one: the last with the labels as they are."""
        as_labelled = [name for name in self.evaluations if not name.endswith(CORRECTED)]
        return as_labelled[-1]

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return {
            "title": self.title,
            "facts": dict(self.facts),
            "evaluations": {name: evaluation.to_json() for name, evaluation in self.evaluations.items()},
            "rules": [{**asdict(rule), "must_not_decide": rule.must_not_decide} for rule in self.rules],
        }


def evaluations(answers: Mapping[str, Sequence[Judged]], corrected: Sequence[str]) -> dict[str, Evaluation]:
    """The figures of each who answered, with the labels as they are and, where they differ, with `corrected` ones.

    All answered the same documents in the same order; `corrected` has a label for each, or is empty.
    """
    found: dict[str, Evaluation] = {}
    for name, rows in answers.items():
        found[name] = evaluate_rows(rows)
        if corrected and [row.truth for row in rows] != list(corrected):
            relabelled = [replace(row, truth=label) for row, label in zip(rows, corrected, strict=True)]
            found[f"{name}, {CORRECTED}"] = evaluate_rows(relabelled)
    return found
