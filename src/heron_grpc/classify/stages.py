"""Asks every stage about a reading, in order, and puts what they say together."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from heron_grpc.classify import ensemble, filename, metadata
from heron_grpc.classify.candidates import candidate_leaves
from heron_grpc.classify.conformal import plausible_leaves
from heron_grpc.classify.decision import FEWEST_LETTERS, NO_LABEL, Case, Thresholds, decide, labels
from heron_grpc.classify.decision_rule import NEUTRAL, DecisionRule, DecisionRules
from heron_grpc.classify.evidence import StageMark, gather_evidence
from heron_grpc.classify.findings import Finding, Mark, no_finding
from heron_grpc.classify.known_text import distinct_words, is_other_language
from heron_grpc.classify.layout import LayoutModel, read_layout
from heron_grpc.classify.reading_stages import read_ocr, read_text
from heron_grpc.classify.rules import MATCHED, RuleFinding, rule_book
from heron_grpc.classify.weights import shares
from heron_grpc.domain.classification import (
    ClassifyOptions,
    Decision,
    Evidence,
    Prediction,
    StageState,
    Verdict,
)
from heron_grpc.domain.document import DocumentWarning, Reading
from heron_grpc.domain.taxonomy import Taxonomy, TaxonomyPack
from heron_grpc.settings import ClassifySettings

MODEL = "model"
NO_TEXT = DocumentWarning("NO_TEXT_FOUND", "the document holds no text")
SHORT_TEXT = DocumentWarning("TEXT_TOO_SHORT", f"fewer than {FEWEST_LETTERS} letters say too little", MODEL)
OTHER_LANGUAGE = DocumentWarning(
    "LANGUAGE_NOT_SUPPORTED", "most of the text is in a language the models were not trained on", MODEL
)
# The leaf that what speaks for a foreign document speaks for.
_OTHER = f"{NO_LABEL}/other"

# Text and whether word weights are wanted; may raise Overloaded, ModelUnavailable and DeadlineExceeded.
Predict = Callable[[str, bool], Awaitable[Prediction]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be classified."""

    reading: Reading
    # As the sender calls it; empty without one.
    filename: str = ""
    # False for text sent as text.
    is_file: bool = True
    # Wall seconds it took to read.
    read_s: float = 0.0
    # Who looks at its first page; None for nobody.
    layout: LayoutModel | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What the stages before the model said."""

    name: Finding
    # metadata, text, ocr, rules, layout
    content: tuple[Finding, ...]
    settled: str | None
    # The rules that settled it.
    sure: str
    # q of the ensemble's formula.
    quality: float


async def classify_reading(
    subject: Subject,
    pack: TaxonomyPack,
    options: ClassifyOptions,
    predict: Predict,
    settings: ClassifySettings,
    rules: DecisionRules = NEUTRAL,
) -> Verdict:
    """Runs filename, metadata, text, ocr, rules, layout and, unless decisive rules were sure, the model.

    `rules` tell what each of them counts and when the answer is sure.
    Raises InvalidRequest for unknown candidate categories and whatever `predict` raises.
    """
    heard = listen(subject, pack, options)
    if not any(map(str.isalnum, subject.reading.text)):
        return _unreadable(subject, heard)
    prediction: Prediction | None = None
    if heard.settled is not None and not options.exhaustive:
        model = no_finding(MODEL, StageState.SKIPPED, f"rules were sure: {heard.sure}")
    else:
        started = time.perf_counter()
        prediction = await predict(subject.reading.text, options.include_evidence)
        model = _model_finding(prediction, pack.taxonomy.open_leaves, time.perf_counter() - started)
    rule = rules.of(prediction.model_version if prediction else "")
    return _Assembly(subject.reading, pack, options, settings, rule).verdict(heard, model, prediction)


def listen(subject: Subject, pack: TaxonomyPack, options: ClassifyOptions) -> Heard:
    """Runs the stages before the model."""
    reading = subject.reading
    ocr = read_ocr(reading, pack, options.ocr, is_file=subject.is_file)
    told = _timed_rules(lambda: metadata.read_metadata(reading, pack))
    ruled = _timed_rules(lambda: rule_book(pack).apply(reading.text))
    sure = [each for each in (told, ruled) if each.settled is not None]
    settled = {each.settled for each in sure}
    return Heard(
        name=_timed(lambda: filename.read_filename(subject.filename, pack)),
        content=(
            told.finding,
            read_text(reading, pack, subject.read_s),
            ocr.finding,
            ruled.finding,
            _timed(lambda: read_layout(reading, subject.layout, pack.taxonomy)),
        ),
        settled=settled.pop() if len(settled) == 1 else None,
        sure="; ".join(each.finding.detail.removeprefix(MATCHED) for each in sure),
        quality=ocr.quality,
    )


def _timed(stage: Callable[[], Finding]) -> Finding:
    started = time.perf_counter()
    found = stage()
    return found.lasting(time.perf_counter() - started)


def _timed_rules(stage: Callable[[], RuleFinding]) -> RuleFinding:
    started = time.perf_counter()
    ruled = stage()
    return replace(ruled, finding=ruled.finding.lasting(time.perf_counter() - started))


def _model_finding(prediction: Prediction, leaves: Sequence[str], duration_s: float) -> Finding:
    """The model's opinion among the leaves that compete; its words speak for its own best label."""
    known = [leaf for leaf in leaves if prediction.probabilities.get(leaf, 0.0) > 0.0]
    if not known:
        return no_finding(MODEL, StageState.COMPLETED, "the model knows none of the labels that compete", duration_s)
    shares = ensemble.prior(known, prediction.probabilities)
    best = ensemble.likeliest(known, shares)
    return Finding(
        MODEL,
        StageState.COMPLETED,
        best,
        shares[best],
        duration_s,
        _detail(prediction),
        marks=_word_marks(prediction) if prediction.words else (),
    )


def _detail(prediction: Prediction) -> str:
    asked = f", asked {' and '.join(prediction.members)}" if prediction.members else ""
    return f"novelty {prediction.novelty:.2f}{asked}"


def _word_marks(prediction: Prediction) -> tuple[Mark, ...]:
    spoke_for = ensemble.likeliest(tuple(prediction.probabilities), prediction.probabilities)
    return tuple(Mark(spoke_for, word.weight, word.start, word.end) for word in prediction.words)


def _unreadable(subject: Subject, heard: Heard) -> Verdict:
    model = no_finding(MODEL, StageState.SKIPPED, "there is nothing to read")
    opinions = tuple(found.opinion() for found in (heard.name, *heard.content, model))
    warnings = subject.reading.warnings
    if NO_TEXT.code not in {warning.code for warning in warnings}:
        warnings = (*warnings, NO_TEXT)
    return Verdict(Decision.UNREADABLE, (), (), 0.0, None, opinions, (), warnings)


def _above(leaves: Sequence[str], levels: Mapping[str, float], taxonomy: Taxonomy) -> Mapping[str, float]:
    """The levels of these leaves and their parents alone."""
    if leaves is taxonomy.open_leaves:
        return levels
    kept = {category for leaf in leaves for category in taxonomy.lineages[leaf]}
    return {category: probability for category, probability in levels.items() if category in kept}


@dataclass(frozen=True, slots=True)
class _Assembly:
    """Makes the verdict of what the stages said."""

    reading: Reading
    pack: TaxonomyPack
    options: ClassifyOptions
    settings: ClassifySettings
    rule: DecisionRule

    def verdict(self, heard: Heard, model: Finding, prediction: Prediction | None) -> Verdict:
        """All leaves compete, also where the caller names candidates: one that does not fit must not look sure."""
        taxonomy, leaves = self.pack.taxonomy, self.pack.taxonomy.open_leaves
        candidates = candidate_leaves(self.pack, self.options.candidate_categories)
        prior = ensemble.prior(leaves, prediction.probabilities if prediction else None, heard.settled)
        content = tuple(map(self._weighted, heard.content))
        model_weight = self._model_weight(heard, prediction)
        other_language = is_other_language(self.reading)
        combined = ensemble.combine(
            taxonomy,
            prior,
            [*(found.log_odds for found in content), self._foreign(prediction)],
            model_weight,
            self.rule.heat(language_known=not other_language),
        )
        tie = filename.break_tie(combined, heard.name, settled=heard.settled is not None)
        levels = ensemble.all_levels(taxonomy, tie.probabilities)
        best = ensemble.likeliest(candidates, tie.probabilities)
        likeliest = best if candidates is leaves else ensemble.likeliest(leaves, tie.probabilities)
        gain = model_weight * ensemble.gain(prior[best], ensemble.prior_without_model(leaves, best, heard.settled))
        letters = len(list(islice(filter(str.isalpha, self.reading.text), FEWEST_LETTERS)))
        novelty = prediction.novelty if prediction else 0.0
        case = Case(best, levels, novelty, letters, settled=heard.settled == best, likeliest=likeliest == best)
        outcome = decide(case, Thresholds(taxonomy, self.settings, self.rule))
        findings = (tie.finding, *content, model)
        return Verdict(
            decision=outcome.decision,
            labels=labels((outcome.category,) if outcome.category else (), levels),
            scores=ensemble.best_first(
                _above(candidates, levels, taxonomy), self.options.max_scores, self.options.min_score
            ),
            confidence=levels[outcome.category or best],
            plausible=plausible_leaves(candidates, tie.probabilities, self.rule),
            novelty=prediction.novelty if prediction else None,
            stages=shares(findings, taxonomy.lineages[best], gain, name_used=tie.used),
            evidence=self._evidence(findings) if self.options.include_evidence else (),
            warnings=self.reading.warnings + _doubts(letters, other_language=other_language),
            model_version=prediction.model_version if prediction else "",
            batch_size=prediction.batch_size if prediction else 0,
            queued_s=prediction.queued_s if prediction else 0.0,
        )

    def _weighted(self, found: Finding) -> Finding:
        weight = self.rule.weight(found.stage)
        if weight == 1.0 or not found.log_odds:
            return found
        return replace(found, log_odds={category: weight * value for category, value in found.log_odds.items()})

    def _model_weight(self, heard: Heard, prediction: Prediction | None) -> float:
        """What the log of the prior is multiplied by: m of the ensemble's formula."""
        quality = math.pow(heard.quality, self.rule.weight("quality"))
        if prediction is None:
            return quality
        known = distinct_words(self.reading.text) * (1.0 - prediction.novelty)
        return quality * self.rule.weight(MODEL) * self.rule.trust(known)

    def _foreign(self, prediction: Prediction | None) -> Mapping[str, float]:
        if prediction is None:
            return {}
        best = max(prediction.probabilities.values(), default=0.0)
        return {_OTHER: self.rule.foreign.log_odds(prediction.novelty, best)}

    def _evidence(self, findings: Sequence[Finding]) -> tuple[Evidence, ...]:
        marks = [StageMark(found.stage, mark) for found in findings for mark in found.marks]
        return gather_evidence(self.reading, marks)


def _doubts(letters: int, *, other_language: bool) -> tuple[DocumentWarning, ...]:
    short = (SHORT_TEXT,) if letters < FEWEST_LETTERS else ()
    return (*short, OTHER_LANGUAGE) if other_language else short
