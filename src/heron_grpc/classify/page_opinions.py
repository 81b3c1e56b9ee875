"""What each page would be on its own, and the second label that says so where a document truly is two things."""

import asyncio
from dataclasses import dataclass, replace
from itertools import islice

from heron_grpc.classify.decision import FEWEST_LETTERS, NO_LABEL, Thresholds, labels
from heron_grpc.classify.decision_rule import DecisionRules
from heron_grpc.classify.stages import MODEL, Predict, Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision, LabelScore, PageOpinion, StageState, Verdict
from heron_grpc.domain.document import DocumentWarning, OcrMode, Page, Reading
from heron_grpc.domain.errors import DeadlineExceeded, ModelFailed, NotFound, Overloaded, Unavailable
from heron_grpc.domain.taxonomy import TaxonomyPack, parents
from heron_grpc.settings import ClassifySettings

LEFT_OUT = DocumentWarning("PAGE_OPINIONS_LEFT_OUT", "the model had no time for single pages", MODEL)
_EVERY_SCORE = 10_000


@dataclass(frozen=True, slots=True)
class PageJudge:
    """Asks all stages about single pages."""

    pack: TaxonomyPack
    settings: ClassifySettings
    rules: DecisionRules
    predict: Predict

    async def with_pages(self, verdict: Verdict, reading: Reading, *, may_add_label: bool = True) -> Verdict:
        """The verdict with the opinions of its pages and, in a multi-label taxonomy, perhaps a second label.

        Where the model cannot be asked they are left out, with a warning: the answer is there without them.
        """
        opinions: list[asyncio.Task[PageOpinion]] = []
        pages = tuple(islice(filter(_has_text, reading.pages), self.settings.max_opinion_pages))
        if len(pages) < 2 or verdict.decision is Decision.UNREADABLE:
            return verdict
        try:
            async with asyncio.TaskGroup() as group:
                opinions += [group.create_task(self._opinion(page, reading.media_type)) for page in pages]
        except* (Overloaded, Unavailable, DeadlineExceeded, ModelFailed, NotFound):
            verdict = replace(verdict, warnings=(*verdict.warnings, LEFT_OUT))
            opinions = []
        verdict = replace(verdict, pages=tuple(task.result() for task in opinions))
        if not opinions or not may_add_label or not self.pack.taxonomy.multi_label:
            return verdict
        return self._with_second_label(verdict, pages)

    async def _opinion(self, page: Page, media_type: str) -> PageOpinion:
        subject = Subject(Reading(media_type, (page,)))
        options = ClassifyOptions(max_scores=_EVERY_SCORE, ocr=OcrMode.NEVER)
        verdict = await classify_reading(subject, self.pack, options, self.predict, self.settings, self.rules)
        leaves = self.pack.taxonomy.lineages
        best = next(score for score in verdict.scores if score.category in leaves)
        settled = any(stage.stage == MODEL and stage.state is StageState.SKIPPED for stage in verdict.stages)
        return PageOpinion(page.number, best.category, best.probability, settled)

    def _with_second_label(self, verdict: Verdict, pages: tuple[Page, ...]) -> Verdict:
        """The likeliest other leaf that a page surely is: by decisive rules, or as a document inside this one."""
        if verdict.decision is not Decision.ACCEPTED:
            return verdict
        first = verdict.labels[0].category
        thresholds = Thresholds(self.pack.taxonomy, self.settings, self.rules.default)
        others = [
            opinion
            for page, opinion in zip(pages, verdict.pages, strict=True)
            if (opinion.settled or page.part > 0)
            and opinion.category.split("/", 1)[0] != NO_LABEL
            and first not in (opinion.category, *parents(opinion.category))
            and opinion.probability >= thresholds.accept(opinion.category)
        ]
        if not others:
            return verdict
        second = max(others, key=lambda opinion: (opinion.probability, -opinion.page))
        found = {label.category: label.probability for label in verdict.labels}
        lineage = (second.category, *parents(second.category))
        levels = {one: max(found.get(one, 0.0), second.probability) for one in lineage}
        return replace(verdict, labels=_joined(verdict.labels, labels((second.category,), levels)))


def _joined(first: tuple[LabelScore, ...], second: tuple[LabelScore, ...]) -> tuple[LabelScore, ...]:
    """Both, with a parent of both once, at its higher probability."""
    higher = {label.category: label for label in second}
    kept = tuple(higher.pop(label.category, label) for label in first)
    return (*kept, *higher.values())


def _has_text(page: Page) -> bool:
    return len(list(islice(filter(str.isalpha, page.text), FEWEST_LETTERS))) == FEWEST_LETTERS
