"""From labelled texts to the report people read: judging, corrected labels, tables, page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from heron_grpc.domain.classification import Decision, Prediction, StageOpinion, StageState
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.corpus import CorpusRow
from heron_grpc.lab.judging import StagesInProcess, judge_by_model
from heron_grpc.lab.label_overrides import DEFAULT, LabelOverride, load_overrides, overridden
from heron_grpc.lab.labelled_texts import LabelledText, generated, of_corpus
from heron_grpc.lab.measures import Judged
from heron_grpc.lab.report import CORRECTED, Report, evaluations
from heron_grpc.lab.report_page import report_page
from heron_grpc.lab.report_tables import print_report
from heron_grpc.lab.rule_figures import rules_of_texts
from heron_grpc.lab.stage_figures import stage_figures
from stage_inputs import LETTERS, PACK, SETTINGS, W9_TEXT

INVOICE, RECEIPT, W9 = "financial/receivable/invoice", "financial/receivable/receipt", "tax/w9"
TEXTS = (
    LabelledText(INVOICE, LETTERS, {"language": "en", "source": "hand"}),
    LabelledText(RECEIPT, f"{LETTERS} too", {"language": "de", "source": "hand"}),
    LabelledText(W9, W9_TEXT, {"language": "en", "source": "<b>hand</b>"}),
)


@dataclass
class Invoices:
    """Calls everything an invoice."""

    labels: tuple[str, ...] = (INVOICE, "meta/other")
    model_version: str = "models/fixed/versions/1"

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        return [Prediction({INVOICE: 0.95, "meta/other": 0.05}, 0.25, self.model_version) for _ in texts]


def report(corrected: Sequence[str] = ()) -> Report:
    answers = {
        "model alone": judge_by_model(Invoices(), TEXTS),
        "all stages": StagesInProcess(Invoices(), PACK, SETTINGS).judge(TEXTS),
    }
    facts = {"documents": "3 texts & more"}
    return Report("Figures", facts, evaluations(answers, corrected), rules_of_texts(PACK, TEXTS))


def test_a_model_alone_makes_no_decision():
    (first, *_) = judge_by_model(Invoices(), TEXTS)
    assert (first.truth, first.predicted, first.confidence, first.novelty) == (INVOICE, INVOICE, 0.95, 0.25)
    assert first.decision is None
    assert first.facets == TEXTS[0].facets


def test_all_stages_decide_with_rules_and_tell_what_each_said():
    heard: list[tuple[int, int]] = []
    judged = StagesInProcess(Invoices(), PACK, SETTINGS).judge(TEXTS, lambda *done: heard.append(done))
    assert [row.predicted for row in judged] == [INVOICE, INVOICE, W9]
    assert [row.decision for row in judged] == [Decision.ACCEPTED] * 3
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert all(sum(row.probabilities.values()) == pytest.approx(1.0) for row in judged)
    stages = {stage.stage: stage for stage in stage_figures(judged)}
    # The model was asked about the two that no rule settled, and is wrong of the receipt.
    assert (stages["model"].coverage.value, stages["model"].precision.value) == (pytest.approx(2 / 3), 0.5)
    assert (stages["rules"].precision.documents, stages["rules"].precision.value) == (1, 1.0)
    assert stages["ocr"].coverage.value == 0.0


def test_a_category_above_the_label_is_a_right_opinion():
    def said(category: str | None) -> Judged:
        opinion = StageOpinion("rules", StageState.COMPLETED, category)
        return Judged(INVOICE, {INVOICE: 1.0}, Decision.ACCEPTED, opinions=(opinion,))

    (figures,) = stage_figures([said("financial/receivable"), said(RECEIPT), said(None), said("fin")])
    assert (figures.coverage.value, figures.precision.value) == (0.75, pytest.approx(1 / 3))


def test_both_figures_are_told_where_labels_are_corrected():
    found = report((INVOICE, INVOICE, W9)).evaluations
    assert [*found] == ["model alone", f"model alone, {CORRECTED}", "all stages", f"all stages, {CORRECTED}"]
    assert found["all stages"].leaf.value == pytest.approx(2 / 3)
    assert found[f"all stages, {CORRECTED}"].leaf.value == 1.0
    assert report((INVOICE, INVOICE, W9)).main == "all stages"
    assert [*report((INVOICE, RECEIPT, W9)).evaluations] == ["model alone", "all stages"]


def test_a_report_is_plain_json():
    content = json.loads(json.dumps(report().to_json()))
    assert content["evaluations"]["all stages"]["leaf"]["documents"] == 3
    assert {stage["stage"] for stage in content["evaluations"]["all stages"]["stages"]} >= {"rules", "model"}
    assert any(rule["rule"] == "form-w9-title" and rule["precision"]["documents"] == 1 for rule in content["rules"])


def test_tables_tell_figures_decisions_stages_and_rules():
    console = Console(width=200, record=True, file=StringIO())
    print_report(report(), console)
    told = console.export_text()
    for words in ("leaf accuracy", "accepted", "was right", "language de", "form-w9-title", "macro-F1"):
        assert words in told


class Outside(HTMLParser):
    """What a page asks for from elsewhere, and its tags that stay open."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asked += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_escapes_what_documents_say():
    page = report_page(report((INVOICE, INVOICE, W9)))
    reader = Outside()
    reader.feed(page)
    assert reader.asked == []
    assert reader.open == []
    assert "<script" not in page
    assert "<b>hand" not in page
    assert "3 texts &amp; more" in page
    assert "must not decide" not in page


def test_plots_are_well_formed_and_show_every_share():
    page = report_page(report())
    drawings = [f"<svg{part.partition('</svg>')[0]}</svg>" for part in page.split("<svg")[1:]]
    names = "".join("".join(ET.fromstring(drawing).itertext()) for drawing in drawings)
    assert len(drawings) == 6
    assert "language de" in names
    assert "source <b>hand</b>" in names


def test_an_evaluation_of_nothing_gives_a_page():
    empty = Report("Nothing", {}, evaluations({"service": []}, ()), ())
    assert "Nothing" in report_page(empty)
    assert empty.evaluations["service"].leaf.documents == 0


def row(number: str, label: str) -> CorpusRow:
    return CorpusRow(number, label, "en", "hand", "CC0-1.0", number, "dev", "text", "pdftotext")


def test_overrides_change_the_labels_of_their_documents_alone():
    rows = (row("1", INVOICE), row("2", INVOICE))
    changed = overridden(rows, {"2": LabelOverride(RECEIPT, "it says so"), "3": LabelOverride(RECEIPT, "elsewhere")})
    assert changed == (rows[0], replace(rows[1], label=RECEIPT))
    assert of_corpus(changed)[1].facets == {"language": "en", "source": "hand", "format": "pdftotext"}


def test_every_override_of_the_project_has_a_label_of_the_taxonomy_and_a_reason():
    overrides = load_overrides(DEFAULT, PACK.taxonomy.leaves)
    assert overrides
    assert all(len(override.reason) > 20 for override in overrides.values())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("- 1", "must map"),
        ("{", "no readable YAML"),
        ("1: {label: financial, reason: a branch}", "no label"),
        ("1: {label: hr/resume, reason: ' '}", "needs a reason"),
        ("1: {label: hr/resume}", "a label and a reason"),
        ("1: {label: hr/resume, reason: it is, note: 1}", "nothing else"),
    ],
)
def test_a_wrong_override_file_is_refused(tmp_path, content, reason):
    path = tmp_path / "overrides.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=reason):
        load_overrides(path, PACK.taxonomy.leaves)


def test_a_generated_set_is_drawn_by_seed():
    one, same, other = generated(1, 5), generated(1, 5), generated(1, 6)
    assert one == same
    assert one != other
    assert {text.label for text in one} == {text.label for text in other}
