"""Asks a model alone, or all stages as the service does, about texts whose labels are known."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heron_grpc.classify.decision_rule import NEUTRAL, DecisionRules
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Prediction, Verdict
from heron_grpc.domain.document import Page, Reading
from heron_grpc.domain.ports import Classifier
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.lab.labelled_texts import LabelledText
from heron_grpc.lab.measures import Judged
from heron_grpc.settings import ClassifySettings

_BATCH = 32
_EVERY_SCORE = 10_000

# Hears of (documents done, all).
Progress = Callable[[int, int], None]


def judge_by_model(
    classifier: Classifier, texts: Sequence[LabelledText], progress: Progress | None = None
) -> list[Judged]:
    """What a model alone says of each. Blocks."""
    judged: list[Judged] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        answers = classifier.predict([text.text for text in batch], [False] * len(batch))
        judged += [
            Judged(text.label, answer.probabilities, novelty=answer.novelty, facets=text.facets)
            for text, answer in zip(batch, answers, strict=True)
        ]
        if progress:
            progress(len(judged), len(texts))
    return judged


@dataclass(frozen=True, slots=True)
class StagesInProcess:
    """All stages without a service around them; they decide on a text as the service does on one sent as text."""

    classifier: Classifier
    pack: TaxonomyPack
    settings: ClassifySettings
    decisions: DecisionRules = NEUTRAL

    def judge(self, texts: Sequence[LabelledText], progress: Progress | None = None) -> list[Judged]:
        """What all stages together say of each. Blocks."""
        return asyncio.run(self._judge(texts, progress))

    async def _judge(self, texts: Sequence[LabelledText], progress: Progress | None) -> list[Judged]:
        judged: list[Judged] = []
        for text in texts:
            judged.append(self._judged(text, await self._classify(text.text)))
            if progress:
                progress(len(judged), len(texts))
        return judged

    async def _classify(self, text: str) -> Verdict:
        subject = Subject(Reading(media_type="text/plain", pages=(Page(number=1, text=text),)), is_file=False)
        options = ClassifyOptions(max_scores=_EVERY_SCORE)
        return await classify_reading(subject, self.pack, options, self._predict, self.settings, self.decisions)

    async def _predict(self, text: str, explain: bool) -> Prediction:
        (answer,) = self.classifier.predict([text], [explain])
        return answer

    def _judged(self, text: LabelledText, verdict: Verdict) -> Judged:
        leaves = set(self.pack.taxonomy.leaves)
        return Judged(
            text.label,
            {score.category: score.probability for score in verdict.scores if score.category in leaves},
            verdict.decision,
            verdict.novelty,
            verdict.stages,
            text.facets,
            verdict.labels[0].category if verdict.labels else "",
            verdict.plausible,
        )
