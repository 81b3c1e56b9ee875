"""Pages are asked about on their own, and a document that truly is two things gets two labels."""

import pytest

from heron_grpc.classify.decision_rule import NEUTRAL
from heron_grpc.classify.page_opinions import PageJudge
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision, Prediction, Verdict
from heron_grpc.domain.document import Page, Reading
from heron_grpc.domain.errors import Overloaded
from heron_grpc.settings import ClassifySettings
from stage_inputs import LETTERS, PACK, W9_TEXT, uniform_but

INVOICE, EMAIL, W9 = "financial/receivable/invoice", "correspondence/email", "tax/w9"
BILL = "billed words, " + LETTERS
MAIL = "mailed words, " + LETTERS


class ModelOfWords:
    """Sure of what the first word names; a document of several kinds is what its first page is."""

    def __init__(self, sure: float = 0.95) -> None:
        self.texts: list[str] = []
        self.sure = sure

    async def __call__(self, text: str, explain: bool) -> Prediction:
        self.texts.append(text)
        label = {"billed": "invoice", "mailed": "email"}.get(text.split(" ", 1)[0], "receipt")
        return Prediction(uniform_but(**{label: self.sure}), 0.1, "models/words/versions/1")


async def answer(pages: list[Page], model: object, **settings: object) -> Verdict:
    chosen = ClassifySettings(**settings)  # type: ignore[arg-type]
    reading = Reading("application/pdf", tuple(pages))
    verdict = await classify_reading(Subject(reading), PACK, ClassifyOptions(), model, chosen, NEUTRAL)
    return await PageJudge(PACK, chosen, NEUTRAL, model).with_pages(verdict, reading)


def categories(verdict: Verdict) -> list[str]:
    return [label.category for label in verdict.labels]


async def test_a_form_among_the_pages_is_a_second_label() -> None:
    model = ModelOfWords()
    verdict = await answer([Page(1, BILL), Page(2, " " * 4000 + BILL), Page(5, W9_TEXT)], model)
    assert [(one.page, one.category, one.settled) for one in verdict.pages] == [
        (1, INVOICE, False),
        (2, "financial/receivable/receipt", False),
        (5, W9, True),
    ]
    assert verdict.pages[0].probability == pytest.approx(0.95)
    assert categories(verdict) == [INVOICE, "financial/receivable", "financial", W9, "tax"]
    assert verdict.labels[3].probability == verdict.labels[4].probability == verdict.pages[2].probability
    assert verdict.confidence == verdict.labels[0].probability


@pytest.mark.parametrize(("part", "sure", "labels"), [(1, 0.95, 5), (0, 0.95, 2), (1, 0.7, 2)])
async def test_what_is_attached_is_a_second_label_where_it_is_sure_and_a_mere_page_is_not(
    part: int, sure: float, labels: int
) -> None:
    model = ModelOfWords(sure)
    verdict = await answer([Page(1, MAIL), Page(2, BILL, part=part)], model)
    assert [one.category for one in verdict.pages] == [EMAIL, INVOICE]
    assert categories(verdict)[:1] == [EMAIL]
    assert len(verdict.labels) == labels


async def test_one_page_is_not_asked_twice_and_only_the_first_pages_are_asked() -> None:
    model = ModelOfWords()
    assert (await answer([Page(1, BILL), Page(2, "7")], model)).pages == ()
    assert len(model.texts) == 1
    pages = [Page(number, BILL) for number in range(1, 7)]
    assert [one.page for one in (await answer(pages, model, max_opinion_pages=3)).pages] == [1, 2, 3]
    assert len(model.texts) == 1 + 1 + 3
    assert (await answer(pages, model, max_opinion_pages=0)).pages == ()


async def test_an_answer_stands_where_the_model_has_no_time_for_pages() -> None:
    class Busy(ModelOfWords):
        async def __call__(self, text: str, explain: bool) -> Prediction:
            if self.texts:
                raise Overloaded("the queue is full", retry_after_s=1.0)
            return await super().__call__(text, explain)

    verdict = await answer([Page(1, BILL), Page(2, BILL)], Busy())
    assert (verdict.decision, verdict.pages) == (Decision.ACCEPTED, ())
    assert [warning.code for warning in verdict.warnings] == ["PAGE_OPINIONS_LEFT_OUT"]
