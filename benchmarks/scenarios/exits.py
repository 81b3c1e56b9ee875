"""What the cascade costs and loses beside its transformer alone and beside always asking both, on real texts."""

import time
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from benchmarks.reporting import Row, arguments, at_least, at_most, corpus_option, median, publish, require_corpus
from heron_grpc.classify.cascade import Cascade
from heron_grpc.classify.loading import load_classifier
from heron_grpc.classify.manifest import Manifest
from heron_grpc.domain.classification import Prediction
from heron_grpc.domain.ports import Classifier
from heron_grpc.lab.corpus import CorpusRow, load_corpus, split_rows
from heron_grpc.lab.label_overrides import DEFAULT, load_overrides, overridden
from heron_grpc.settings import load_settings
from heron_grpc.taxonomy import load_taxonomies

# Words of a text that fills the transformer's 256 tokens.
_FULL = "invoice total due date amount account number payment " * 60


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=5, seconds=0.0)
    corpus_option(parser)
    given = parser.parse_args()
    require_corpus(parser, given)
    settings = load_settings()
    cascade = load_classifier(settings.serving.models_dir / "auto")
    if not isinstance(cascade, Cascade):
        parser.error("models/auto is no cascade")
    leaves = {leaf for pack in load_taxonomies(settings.classify.packs_dir).values() for leaf in pack.taxonomy.leaves}
    dev = split_rows(overridden(load_corpus(given.corpus / "text.jsonl.gz"), load_overrides(DEFAULT, leaves)), "dev")
    always = Cascade(_without_exit(cascade), cascade.first, cascade.second)
    subjects: dict[str, Classifier] = {
        "nb": cascade.first,
        "distilbert": cascade.second,
        "auto": cascade,
        "both always": always,
    }
    rounds = [{name: _cpu_ms(subject, dev) for name, subject in subjects.items()} for _ in range(given.rounds)]
    answers = {name: _answers(subject, dev) for name, subject in subjects.items()}
    right = {name: _right(said, dev) for name, said in answers.items()}
    rows: list[Row] = [
        {
            "model": name,
            "documents": len(dev),
            "right": right[name],
            "transformer asked": _asked(name, answers[name]),
            "cpu_ms": median(rounds, itemgetter(name)),
        }
        for name in subjects
    ]
    full_ms = sorted(_timed(cascade.second, [_FULL]) for _ in range(5 * given.rounds))[5 * given.rounds // 2]
    rows.append({"model": "distilbert", "documents": 1, "tokens": 256, "cpu_ms": round(full_ms, 1)})
    share = median(rounds, lambda found: found["auto"] / found["distilbert"], 3)
    goals = [
        at_most("DistilBERT int8, 256 tokens, one thread: CPU ms", 60, full_ms),
        at_most("cost of the cascade, share of always running DistilBERT", 0.4, share),
        at_most("accuracy the exit costs, points", 0.3, 100 * (right["both always"] - right["auto"]) / len(dev)),
        at_least("DistilBERT alone on dev", 0.95, right["distilbert"] / len(dev)),
    ]
    publish("exits", given, rows, goals)


def _without_exit(cascade: Cascade) -> Manifest:
    return replace(cascade.manifest, parameters={**cascade.manifest.parameters, "exit_probability": 2.0})


def _answers(classifier: Classifier, rows: Sequence[CorpusRow]) -> list[Prediction]:
    return classifier.predict([row.text for row in rows], [False] * len(rows))


def _cpu_ms(classifier: Classifier, rows: Sequence[CorpusRow]) -> float:
    return _timed(classifier, [row.text for row in rows]) / len(rows)


def _timed(classifier: Classifier, texts: Sequence[str]) -> float:
    began = time.process_time()
    classifier.predict(texts, [False] * len(texts))
    return 1000 * (time.process_time() - began)


def _right(said: Sequence[Prediction], rows: Sequence[CorpusRow]) -> int:
    best = (max(one.probabilities, key=one.probabilities.__getitem__) for one in said)
    return sum(label == row.label for label, row in zip(best, rows, strict=True))


def _asked(name: str, said: Sequence[Prediction]) -> float:
    if name == "nb":
        return 0.0
    return round(sum(len(one.members) != 1 for one in said) / len(said), 3)


if __name__ == "__main__":
    main()
