"""Rules against labelled texts: what each is worth, and that none decides alone that should not."""

from dataclasses import replace

import pytest

from heron_grpc.domain.classification import Decision, StageOpinion, StageState
from heron_grpc.domain.taxonomy import MetadataRule, Rule, TaxonomyPack
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.labelled_texts import LabelledText, generated
from heron_grpc.lab.measures import Judged
from heron_grpc.lab.rule_figures import RuleFigures, rules_of_answers, rules_of_texts
from heron_grpc.taxonomy.patterns import compile_pattern
from stage_inputs import PACK, W9_TEXT

INVOICE, NDA = "financial/receivable/invoice", "legal/nda"


def rule(name: str, category: str, pattern: str, *, decisive: bool = True) -> Rule:
    return Rule(name, category, (compile_pattern(pattern),), weight=6.0, decisive=decisive)


def pack(*rules: Rule) -> TaxonomyPack:
    return replace(PACK, rules=rules, metadata_rules=())


def figures(found: tuple[RuleFigures, ...], name: str) -> RuleFigures:
    return next(one for one in found if one.rule == name)


def texts(*labels: str, text: str = "the word agreement stands here") -> list[LabelledText]:
    return [LabelledText(label, text, {}) for label in labels]


def test_a_rule_that_decides_and_is_wrong_once_in_twenty_must_not():
    found = rules_of_texts(pack(rule("often-right", NDA, "agreement")), texts(*[NDA] * 19, INVOICE))
    assert found[0].deciding.value == pytest.approx(0.95)
    assert found[0].must_not_decide


def test_a_rule_that_only_adds_evidence_may_be_wrong():
    found = rules_of_texts(pack(rule("hint", NDA, "agreement", decisive=False)), texts(NDA, INVOICE))
    assert (found[0].precision.value, found[0].deciding.documents) == (0.5, 0)
    assert not found[0].must_not_decide


def test_a_rule_is_right_of_everything_below_its_category():
    found = rules_of_texts(pack(rule("branch", "legal", "agreement")), texts(NDA, "legal/lease", INVOICE))
    assert found[0].precision.value == pytest.approx(2 / 3)


def test_a_mention_far_down_decides_nothing():
    far = texts(INVOICE, text="line\n" * 2000 + "agreement")
    (found,) = rules_of_texts(pack(rule("title", NDA, "agreement")), far)
    assert (found.precision.documents, found.deciding.documents) == (1, 0)


def test_a_rule_that_holds_nowhere_is_told_and_says_nothing():
    (found,) = rules_of_texts(pack(rule("absent", NDA, "unheard")), texts(NDA))
    assert found.precision.documents == 0
    assert not found.must_not_decide


def test_rules_are_measured_on_what_a_service_tells_of_its_stages():
    def answered(label: str, rules: str, model: StageState) -> Judged:
        opinions = (
            StageOpinion("rules", StageState.COMPLETED, detail=rules),
            StageOpinion("model", model, detail="of no concern"),
        )
        return Judged(label, {label: 1.0}, Decision.ACCEPTED, opinions=opinions)

    known = pack(rule("first", NDA, "a"), rule("second", NDA, "b", decisive=False))
    found = rules_of_answers(
        known,
        [
            answered(NDA, "matched: first, second", StageState.SKIPPED),
            answered(INVOICE, "matched: first", StageState.COMPLETED),
            answered(INVOICE, "no rule matched", StageState.COMPLETED),
            Judged(NDA, {}),
        ],
    )
    first, second = figures(found, "first"), figures(found, "second")
    assert (first.precision.value, first.precision.documents) == (0.5, 2)
    assert (first.deciding.value, first.deciding.documents) == (1.0, 1)
    assert (second.precision.documents, second.deciding.documents) == (1, 0)


def test_rules_on_metadata_are_measured_too_and_may_speak_against_a_category():
    def told(label: str) -> Judged:
        said = StageOpinion("metadata", StageState.COMPLETED, detail="matched: scanner, barcode; named in title")
        return Judged(label, {label: 1.0}, Decision.ACCEPTED, opinions=(said,))

    field = {"producer": compile_pattern("scan")}
    known = replace(
        pack(), metadata_rules=(MetadataRule("scanner", NDA, field, -1.0), MetadataRule("barcode", NDA, field, 2.0))
    )
    found = rules_of_answers(known, [told(NDA), told(INVOICE), told(INVOICE)])
    assert figures(found, "scanner").precision.value == pytest.approx(2 / 3)
    assert figures(found, "barcode").precision.value == pytest.approx(1 / 3)


def test_texts_and_answers_of_the_same_documents_agree():
    (by_text,) = [found for found in rules_of_texts(PACK, texts("tax/w9", text=W9_TEXT)) if found.precision.documents]
    opinions = (
        StageOpinion("rules", StageState.COMPLETED, detail=f"matched: {by_text.rule}"),
        StageOpinion("model", StageState.SKIPPED, detail=f"rules were sure: {by_text.rule}"),
    )
    by_answer = rules_of_answers(PACK, [Judged("tax/w9", {}, Decision.ACCEPTED, opinions=opinions)])
    assert figures(by_answer, by_text.rule) == by_text


def test_no_rule_of_the_taxonomy_decides_alone_and_is_wrong_of_generated_documents():
    # More of those that stand near what some rule decides: there it goes wrong first.
    near = {rule.category.split("/")[0] for rule in PACK.rules if rule.decisive and not rule.category.startswith("fin")}
    generator = Generator()
    labels = [label for label in generator.labels if label.split("/")[0] in near]
    drawn = [generator.draw(label, 77, index) for label in labels for index in range(40)]
    found = rules_of_texts(PACK, [*generated(4, 20), *(LabelledText(one.label, one.text, {}) for one in drawn)])
    decided = [one for one in found if one.deciding.documents]
    # A rule that holds of nothing would pass unseen.
    assert len(decided) >= 10
    assert [one.rule for one in decided if one.must_not_decide] == []
