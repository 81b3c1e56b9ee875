"""Fitting a decision: the arrays give what the service gives; thresholds and sets are what can be counted by hand."""

import gzip
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from heron_grpc.classify.decision_rule import DecisionRule, DecisionRules, Foreign, load_decision_rules
from heron_grpc.classify.manifest import load_manifest
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision, Prediction
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.decision_cases import Cases, cases_of
from heron_grpc.lab.decision_figures import coverage_by_label, decision_figures, foreign_accepted
from heron_grpc.lab.fit_decision import (
    FitDecision,
    answers_of,
    fit_plausible,
    fit_thresholds,
    fit_weights,
    held_out_precision,
)
from heron_grpc.lab.held_out import GENERATED, REAL, HeldOut, HoldOptions, predictions_from
from heron_grpc.lab.measures import Judged
from heron_grpc.lab.train_decision import DecisionOptions, train_decision
from stage_inputs import LETTERS, PACK, SETTINGS, W9_TEXT, ChosenModel, text_reading, uniform_but

LEAVES = PACK.taxonomy.open_leaves
RECEIPT, RESUME, OTHER = "financial/receivable/receipt", "hr/resume", "meta/other"
RULE = DecisionRule(
    weights={"model": 0.9, "text": 1.5, "ocr": 1.5, "rules": 0.7},
    temperature=1.3,
    half_words=6.0,
    foreign=Foreign(novelty=2.0, doubt=0.8),
)


def held(label: str, shares: dict[str, float], text: str = LETTERS, kind: str = REAL) -> HeldOut:
    return HeldOut(
        f"{label}-{len(text)}", kind, label, text, "group", Prediction(shares, 0.2, "models/chosen/versions/1")
    )


@pytest.mark.parametrize(
    "text", [LETTERS, "Lease agreement\n" + LETTERS, "Pay slip\nGross pay 1,900\nNet pay 1", W9_TEXT]
)
async def test_the_arrays_give_the_probabilities_the_service_gives(text: str) -> None:
    shares = uniform_but(receipt=0.6, invoice=0.2)
    cases = cases_of([held(RECEIPT, shares, text)], PACK)
    verdict = await classify_reading(
        Subject(text_reading(text), is_file=False),
        PACK,
        ClassifyOptions(max_scores=1000),
        ChosenModel(shares, 0.2),
        SETTINGS,
        DecisionRules(RULE),
    )
    said = {score.category: score.probability for score in verdict.scores}
    assert cases.probabilities(RULE)[0] == pytest.approx([said[leaf] for leaf in LEAVES])


def cases(*documents: tuple[str, dict[str, float], int], kind: str = REAL) -> Cases:
    """So many documents of a label that all get these shares, by a neutral rule."""
    return cases_of([held(label, shares, kind=kind) for label, shares, count in documents for _ in range(count)], PACK)


def thresholds(how: FitDecision, *documents: tuple[str, dict[str, float], int]) -> tuple[dict[str, float], float]:
    return fit_thresholds(answers_of(cases(*documents), DecisionRule(), how), how)


def test_a_threshold_is_the_least_with_the_precision_wished_for_and_few_documents_borrow() -> None:
    how = FitDecision(precision=0.9, pooled_documents=10, least_accepted=0.5, most_asked=0.99)
    sure, unsure = uniform_but(receipt=0.955), uniform_but(receipt=0.755)
    found, others = thresholds(how, (RECEIPT, sure, 40), (RESUME, unsure, 10))
    # From 0.5 on 40 of 50 are right, of this label and of the pool: 0.8. Above 0.755 all are, and 0.955 comes next.
    assert found[RECEIPT] == pytest.approx(0.855)
    assert others == pytest.approx(0.756)
    # "hr" is never above a likeliest leaf here, so it has no threshold of its own.
    assert "hr" not in found
    # One wrong answer in 46 sure ones, 9 in 10 unsure ones: (45 + 10 * 46/56) / (46 + 10) falls short only together.
    mixed, _ = thresholds(how, (RECEIPT, sure, 45), (RESUME, sure, 1), (RECEIPT, unsure, 1), (RESUME, unsure, 9))
    assert mixed[RECEIPT] == pytest.approx(0.855)
    assert thresholds(how, (RESUME, sure, 30))[0][RECEIPT] == 0.99


def test_a_floor_of_its_own_needs_thirty_documents_the_others_share_one() -> None:
    how = FitDecision(coverage=0.8)
    parts = [(RECEIPT, uniform_but(receipt=share), 10) for share in (0.6, 0.7, 0.8)]
    few = [(RESUME, uniform_but(resume=share), 5) for share in (0.3, 0.5)]
    found, others = fit_plausible(cases(*parts, *few), DecisionRule(), how)
    # floor(0.2 * 31) = 6th of 30, floor(0.2 * 11) = 2nd of 10.
    assert found == {RECEIPT: pytest.approx(0.6, abs=1e-3)}
    assert others == pytest.approx(0.3, abs=1e-3)


def test_precision_is_told_of_real_documents_that_reach_their_threshold() -> None:
    sure, unsure = uniform_but(receipt=0.955), uniform_but(receipt=0.755)
    documents = cases((RECEIPT, sure, 8), (RESUME, sure, 2), (RESUME, unsure, 5))
    found = held_out_precision(documents, DecisionRule(accept={RECEIPT: 0.9}), FitDecision())
    assert {leaf: (share.value, share.documents) for leaf, share in found.items()} == {RECEIPT: (0.8, 10)}


def test_generated_documents_lower_the_floor_of_labels_that_have_no_real_ones() -> None:
    how = FitDecision(coverage=0.8)
    real = [held(RESUME, uniform_but(resume=0.5)) for _ in range(10)]
    drawn = [held("tax/w2", uniform_but(w2=0.1), kind=GENERATED) for _ in range(40)]
    found, others = fit_plausible(cases_of([*real, *drawn], PACK), DecisionRule(), how)
    assert others == pytest.approx(0.5, abs=1e-3)
    assert found == {"tax/w2": pytest.approx(0.1, abs=1e-3)}


def test_weights_are_fitted_to_what_the_documents_say() -> None:
    """A model that is right 9 times in 10 but says 0.999 is tempered; novel texts that are foreign raise novelty."""
    boast = uniform_but(receipt=0.999)
    documents = [held(RECEIPT, boast) for _ in range(90)] + [held(RESUME, boast) for _ in range(10)]
    rule = fit_weights(cases_of(documents, PACK), FitDecision(), DecisionRule())
    mean = cases_of(documents[:1], PACK).probabilities(rule)[0].max()
    assert mean == pytest.approx(0.9, abs=0.03)
    novel = [replace(one, label=OTHER, prediction=replace(one.prediction, novelty=0.9)) for one in documents[:30]]
    assert fit_weights(cases_of([*documents, *novel], PACK), FitDecision()).foreign.novelty > 2


def judged(truth: str, best: str, share: float, answered: str = "") -> Judged:
    return Judged(truth, {best: share, OTHER: 1 - share}, Decision.ACCEPTED, 0.0, answered=answered, plausible=(best,))


def test_the_figures_of_decisions_by_hand() -> None:
    inside = [judged(RECEIPT, RECEIPT, 0.5 + place / 20, RECEIPT) for place in range(10)]
    outside = [judged(OTHER, RECEIPT, 0.6, RECEIPT), judged(OTHER, RECEIPT, 0.51, "financial")]
    # 9 of 10 reach 0.55: of two foreign ones one does.
    assert foreign_accepted([*inside, *outside]).value == 0.5
    found = decision_figures([*inside, *outside])
    assert found["accepted_right"].value == pytest.approx(10 / 12)
    assert found["accepted_above_leaf"].value == pytest.approx(1 / 12)
    assert found["plausible_coverage"].value == pytest.approx(10 / 12)
    many = [judged(RESUME, RESUME, 0.9)] * 29 + [judged(RESUME, RECEIPT, 0.9)]
    by_label = coverage_by_label([*inside, *outside, *many])
    assert {label: round(share.value, 4) for label, share in by_label.items()} == {
        RESUME: round(29 / 30, 4),
        "labels with fewer documents": round(10 / 12, 4),
    }


def test_other_models_bring_their_held_out_predictions(tmp_path: Path) -> None:
    documents = [held(RECEIPT, uniform_but(receipt=0.5)), held(RESUME, uniform_but(receipt=0.5), kind=GENERATED)]
    file = tmp_path / "auto.npz"
    np.savez(file, ids=[documents[0].id], labels=[RECEIPT, RESUME], probabilities=[[0.25, 0.75]], novelty=[0.5])
    (found,) = predictions_from(file, documents)
    assert found.prediction.probabilities == {RECEIPT: 0.25, RESUME: 0.75}
    assert found.prediction.novelty == 0.5
    np.savez(file, ids=["another"], labels=[RECEIPT], probabilities=[[1.0]])
    with pytest.raises(ConfigurationError, match="all training documents"):
        predictions_from(file, documents)


def corpus_of_two_labels(path: Path) -> Path:
    texts = {RECEIPT: "receipt {} total cash change thank you", OTHER: "once upon a time {} a fox ran over the hills"}
    with gzip.open(path, "wt", encoding="utf-8") as target:
        for label, text in texts.items():
            for number in range(16):
                row = {"id": f"{label}-{number}", "label": label, "lang": "en", "source": "hand", "licence": "CC0-1.0"}
                row |= {"group": f"{label}-{number}", "split": "train" if number % 4 else "dev"}
                target.write(json.dumps(row | {"text": text.format(number)}) + "\n")
    return path


def test_a_decision_file_is_made_from_a_corpus_and_loads(tmp_path: Path) -> None:
    corpus = corpus_of_two_labels(tmp_path / "corpus.jsonl.gz")
    options = DecisionOptions(hold=HoldOptions(folds=2, per_label=0))
    made = [
        train_decision(corpus, tmp_path / name, PACK, date(2026, 1, 2), options, lambda _: None) for name in ("a", "b")
    ]
    assert made[0] == made[1] == load_manifest(tmp_path / "a" / "decision")
    rule = load_decision_rules(None, tmp_path / "a").of("models/nb/versions/1")
    assert rule.plausible_others is not None
    assert rule.threshold("financial/receivable/invoice") >= 0.8
    with pytest.raises(ConfigurationError, match="default model auto"):
        train_decision(corpus, tmp_path / "c", PACK, date(2026, 1, 2), replace(options, default="auto"), lambda _: None)
