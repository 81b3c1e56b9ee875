"""What a manifest claims beside what is measured."""

from dataclasses import replace

import pytest

from benchmarks.scenarios.accuracy import claims, compared, of_decisions
from heron_grpc.classify.manifest import Figure, Manifest
from heron_grpc.domain.classification import Decision
from heron_grpc.lab.evaluate import evaluate_rows
from heron_grpc.lab.measures import Judged, wilson
from heron_grpc.lab.report import CORRECTED

ROWS = [Judged("a/x", {"a/x": 0.9, "a/y": 0.1}), Judged("a/x", {"a/x": 0.4, "a/y": 0.6})]
MEASURED = {
    "model alone": evaluate_rows(ROWS),
    f"model alone, {CORRECTED}": evaluate_rows([ROWS[0], replace(ROWS[1], truth="a/y")]),
}


def broken(*figures: Figure) -> list[str]:
    manifest = Manifest("nb", "naive_bayes", "3", "2026-01-01", ("a/x", "a/y"), (), "t", 1, figures=figures)
    return claims(manifest, MEASURED)[1]


def test_figures_that_are_what_is_measured_hold():
    leaf = MEASURED["model alone"].leaf
    claimed = Figure("dev_leaf_accuracy", leaf.value, leaf.low, leaf.high, leaf.documents)
    corrected = Figure("dev_corrected_macro_f1", 1.0, 1.0, 1.0, 2)
    assert broken(claimed, corrected) == []


@pytest.mark.parametrize(
    "figure",
    [
        Figure("dev_leaf_accuracy", 0.6, 0.095, 0.905, 2),
        Figure("dev_leaf_accuracy", 0.5, 0.2, 0.905, 2),
        Figure("dev_leaf_accuracy", 0.5, 0.0945, 0.9055, 3),
        Figure("dev_shoe_size", 0.5, 0.5, 0.5, 2),
    ],
    ids=["value", "interval", "documents", "unknown"],
)
def test_figures_that_are_not_break(figure):
    assert len(broken(figure)) == 1


def test_the_decision_file_is_held_to_what_whole_decisions_are_worth():
    rows = [
        replace(row, decision=Decision.ACCEPTED, answered=row.likeliest, plausible=(row.likeliest,)) for row in ROWS
    ]
    decided = of_decisions("nb", evaluate_rows(rows))
    right = wilson(1, 2)
    claim = Figure("nb_dev_accepted_right", right.value, right.low, right.high, 2)
    manifest = Manifest("decision", "decision", "1", "2026-01-01", (), (), "t", 1, figures=(claim,))
    assert compared(manifest, decided)[1] == []
    wrong = replace(manifest, figures=(replace(claim, value=0.9),))
    assert compared(wrong, decided)[1] == ["models/decision/versions/1: nb_dev_accepted_right is 0.5000, not 0.9000"]
    # Of a model that is not served nothing is measured, which breaks no claim.
    assert compared(replace(manifest, figures=(replace(claim, name="auto_dev_accepted"),)), decided)[1] == []


def test_what_only_training_can_measure_is_told_and_breaks_nothing():
    assert broken(Figure("generated_unseen_layouts_accuracy", 0.5, 0.4, 0.6, 100)) == []
