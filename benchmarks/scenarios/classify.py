"""CPU time of classifying a text in the front, stage by stage, and in the Naive Bayes model: no network, one thread."""

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from benchmarks import documents
from benchmarks.reporting import Row, arguments, interleaved, publish
from heron_grpc.classify import load_classifier
from heron_grpc.classify.rules import rule_book
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import Classification, ClassifyOptions, Prediction, ProcessingStats, Verdict
from heron_grpc.domain.document import Page, Reading
from heron_grpc.domain.ports import Classifier
from heron_grpc.rpc.convert import classification_message
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies

# Mean characters of a text, and how many there are of that length.
SIZES = {300: 256, 2000: 256, 5000: 64, 20_000: 32}
# Rules answer some documents alone; here the model is always asked.
OPTIONS = ClassifyOptions(exhaustive=True)
PACK = load_taxonomies()["taxonomies/default"]
SETTINGS = load_settings()


@dataclass(frozen=True, slots=True)
class Case:
    """A text with what the model says of it and what is made of that."""

    text: str
    prediction: Prediction
    verdict: Verdict


def main() -> None:
    """Measures, prints, records."""
    given = arguments(__doc__, rounds=7, seconds=0).parse_args()
    classifier = load_classifier(SETTINGS.serving.models_dir / SETTINGS.serving.model)
    cells = {
        (chars, part): partial(_costs_us, work, cases)
        for chars, count in SIZES.items()
        for cases in [_cases(classifier, documents.texts(count, chars))]
        for part, work in _parts(classifier).items()
    }
    found = interleaved(cells, given.rounds)
    publish("classify", given, [_row(chars, part, runs) for (chars, part), runs in found.items()])


def _parts(classifier: Classifier) -> dict[str, Callable[[Case], object]]:
    book = rule_book(PACK)
    return {
        "rules": lambda case: book.apply(case.text),
        "all stages but the model": lambda case: _verdict(case.text, case.prediction),
        "conversion": lambda case: _message(case.verdict),
        "model": lambda case: classifier.predict([case.text], [False]),
        "model, explained": lambda case: classifier.predict([case.text], [True]),
    }


def _cases(classifier: Classifier, texts: Sequence[str]) -> list[Case]:
    predictions = [classifier.predict([text], [False])[0] for text in texts]
    return [
        Case(text, prediction, _verdict(text, prediction)) for text, prediction in zip(texts, predictions, strict=True)
    ]


def _verdict(text: str, prediction: Prediction) -> Verdict:
    async def predict(_text: str, _explain: bool) -> Prediction:
        return prediction

    subject = Subject(Reading("text/plain", (Page(1, text),)), is_file=False)
    return _finished(classify_reading(subject, PACK, OPTIONS, predict, SETTINGS.classify))


def _finished(coroutine: Coroutine[object, None, Verdict]) -> Verdict:
    """What a coroutine that waits for nothing returns, without the cost of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        verdict: Verdict = stop.value
        return verdict
    raise RuntimeError("it waits")


def _message(verdict: Verdict) -> object:
    taxonomy = PACK.taxonomy
    stats = ProcessingStats(total_s=0.001, pages=1, batch_size=1)
    answer = Classification(
        verdict, "1", taxonomy.name, taxonomy.revision, "text/plain", "0" * 64, datetime.now(UTC), stats
    )
    return classification_message(answer, lambda category: taxonomy[category].display_name)


def _costs_us(work: Callable[[Case], object], cases: Sequence[Case]) -> list[float]:
    """CPU microseconds of each text."""
    costs = []
    for case in cases:
        began = time.process_time()
        work(case)
        costs.append((time.process_time() - began) * 1e6)
    return costs


def _row(chars: int, part: str, runs: Sequence[Sequence[float]]) -> Row:
    """Of each text the best round counts: what others do on the machine only ever adds to it."""
    best = sorted(map(min, zip(*runs, strict=True)))
    return {
        "chars": chars,
        "part": part,
        "mean_us": round(sum(best) / len(best), 1),
        "p50_us": round(best[len(best) // 2], 1),
        "worst_us": round(best[-1], 1),
    }


if __name__ == "__main__":
    main()
