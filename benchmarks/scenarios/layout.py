"""What looking at pages is worth: all stages with the layout specialist and without it, however much text is left.

Real files, and generated ones of layouts the specialist is fitted without for this. The models that read the text were
trained on neither the files in documents/ nor einvoices/, but they know the generated layouts.
"""

import argparse
import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.reporting import Goal, Row, at_least, corpus_option, publish, record_option, require_corpus
from heron_grpc.classify import load_classifier
from heron_grpc.classify.decision_rule import DecisionRules, load_decision_rules
from heron_grpc.classify.layout import LAYOUT, LayoutModel, load_layout_model
from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.cli.labelled_folder import read_manifest
from heron_grpc.domain.classification import ClassifyOptions, Decision, Prediction, Verdict
from heron_grpc.domain.document import Reading, ReadRequest
from heron_grpc.domain.ports import Classifier
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY, TaxonomyPack
from heron_grpc.lab.corpus import assign_folds
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.generator.rendering import PICTURES, render, usual_format
from heron_grpc.lab.train_layout import LayoutOptions, draw_pages, family_of, fit
from heron_grpc.reading.pool import ReadingPool
from heron_grpc.settings import Settings, load_settings
from heron_grpc.taxonomy import load_taxonomies

# Words that are left, at random, as a share of them, or so many at most; recognition of a bad picture leaves as many.
_SHARES = {"whole": 1.0, "30 %": 0.3, "10 %": 0.1}
_FEW = "4 words"
_FEW_WORDS = 4
_EVERY_SCORE = 10_000
# As classification asks for looks.
_LOOK_CHARS = 1000
# Of the layouts, by fold, those the specialist is judged on.
_FOLD = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A document that was read, and its true label."""

    name: str
    label: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Bench:
    """All stages in this process; remembers what the model says of a text."""

    classifier: Classifier
    pack: TaxonomyPack
    settings: Settings
    decisions: DecisionRules
    heard: dict[str, Prediction]

    def verdict(self, reading: Reading, layout: LayoutModel | None) -> Verdict:
        """As of a file."""
        options = ClassifyOptions(max_scores=_EVERY_SCORE)
        subject = Subject(reading, layout=layout)
        asked = classify_reading(subject, self.pack, options, self._predict, self.settings.classify, self.decisions)
        return asyncio.run(asked)

    async def _predict(self, text: str, _: bool) -> Prediction:
        if text not in self.heard:
            (self.heard[text],) = self.classifier.predict([text], [False])
        return self.heard[text]


def main() -> None:
    """Measures, prints, records."""
    parser = argparse.ArgumentParser(description=__doc__)
    corpus_option(parser)
    parser.add_argument("--receipts", type=int, default=20, help="of the real ones")
    parser.add_argument("--per-label", type=int, default=2, help="generated files of every label")
    parser.add_argument("--seed", type=int, default=21, help="of those; models are trained on another")
    parser.add_argument("--per-family", type=int, default=300, help="pages the specialist is fitted to for those")
    record_option(parser)
    given = parser.parse_args()
    require_corpus(parser, given)
    settings = load_settings()
    pack = load_taxonomies(settings.classify.packs_dir)[DEFAULT_TAXONOMY]
    shipped = load_layout_model(settings.serving.models_dir)
    if shipped is None:
        parser.error("there is no models/layout to measure")
    directory = settings.serving.models_dir
    decisions = load_decision_rules(settings.classify.calibration, directory)
    bench = Bench(load_classifier(directory / settings.serving.model), pack, settings, decisions, {})
    sets = {name: (known, shipped) for name, known in _real(given, pack, settings).items()}
    with TemporaryDirectory() as folder:
        sets["generated, unseen layouts"] = (_generated(given, Path(folder), settings), _fitted_without(given, shipped))
    rows: list[Row] = []
    goals: list[Goal] = []
    for name, (known, layout) in sets.items():
        found, gained = _compared(name, known, bench, layout)
        rows += found
        goals += [
            at_least(f"{name}, {left}: right with the specialist, less without", 0.0, more) for left, more in gained
        ]
        rows += _stage_rows(name, known, layout)
    publish("layout", given, sorted(rows, key=list), goals)


def _real(given: argparse.Namespace, pack: TaxonomyPack, settings: Settings) -> dict[str, list[Known]]:
    corpus: Path = given.corpus
    files = {
        "documents": [(one.path, one.label) for one in read_manifest(corpus / "documents", pack)],
        "receipts": [(path, "financial/receivable/receipt") for path in sorted((corpus / "receipts").glob("*.jpg"))][
            : given.receipts
        ],
        "einvoices": [(path, "financial/receivable/invoice") for path in sorted((corpus / "einvoices").glob("*.pdf"))],
    }
    return {name: asyncio.run(_read(each, settings)) for name, each in files.items() if each}


def _generated(given: argparse.Namespace, folder: Path, settings: Settings) -> list[Known]:
    """Files of pages alone, of layouts in the fold left out."""
    generator = Generator()
    files: list[tuple[Path, str]] = []
    for label in generator.labels:
        drawn = (generator.draw(label, given.seed, index) for index in range(60))
        fitting = (
            one
            for one in drawn
            if assign_folds([one.layout], LayoutOptions().folds) == [_FOLD] and usual_format(one) in {*PICTURES, "pdf"}
        )
        for number, document in zip(range(given.per_label), fitting, strict=False):
            made = render(document)
            path = folder / f"{label.replace('/', '-')}-{number}.{made.suffix}"
            path.write_bytes(made.content)
            files.append((path, label))
    return asyncio.run(_read(files, settings))


def _fitted_without(given: argparse.Namespace, shipped: LayoutModel) -> LayoutModel:
    """A specialist that saw none of the layouts of the fold; its voice is that of the shipped one."""
    options = LayoutOptions(per_family=given.per_family)
    data = draw_pages(options, _workers(), lambda _: None)
    seen = np.array(assign_folds([page.layout for page in data.pages], options.folds)) != _FOLD
    return fit(data.looks[seen], data.truth[seen], shipped.families, options)


async def _read(files: Iterable[tuple[Path, str]], settings: Settings) -> list[Known]:
    pool = ReadingPool(settings.reading)
    pool.start()
    enough = settings.classify.ocr_enough_chars
    try:
        return [Known(path.name, label, (await pool.read(_request(path, enough))).reading) for path, label in files]
    finally:
        await pool.close()


def _request(path: Path, enough: int) -> ReadRequest:
    return ReadRequest(str(path), with_words=False, with_tables=False, look_chars=_LOOK_CHARS, enough_chars=enough)


def _compared(
    name: str, known: Sequence[Known], bench: Bench, layout: LayoutModel
) -> tuple[list[Row], list[tuple[str, float]]]:
    """For each state of the text: right leaves with and without the specialist, in all and of each family."""
    rows: list[Row] = []
    gained: list[tuple[str, float]] = []
    for left in (*_SHARES, _FEW):
        readings = [_scarce(one, left) for one in known]
        without = [bench.verdict(reading, None) for reading in readings]
        with_it = [bench.verdict(reading, layout) for reading in readings]
        families = [family_of(one.label) for one in known]
        for family in ("all", *sorted(set(families))):
            chosen = [at for at, own in enumerate(families) if family in {"all", own}]
            figures = [
                _figures([known[at].label for at in chosen], [each[at] for at in chosen]) for each in (without, with_it)
            ]
            rows.append(_row(name, left, family, len(chosen), figures))
            if family == "all":
                gained.append((left, (figures[1]["right"] - figures[0]["right"]) / len(chosen)))
    return rows, gained


def _figures(labels: Sequence[str], verdicts: Sequence[Verdict]) -> dict[str, float]:
    best = [verdict.scores[0].category if verdict.scores else "" for verdict in map(_leaves_first, verdicts)]
    accepted = [verdict.decision is Decision.ACCEPTED for verdict in verdicts]
    named = [verdict.labels[0].category if verdict.labels else "" for verdict in verdicts]
    truth = [
        next((score.probability for score in verdict.scores if score.category == label), 0.0)
        for label, verdict in zip(labels, verdicts, strict=True)
    ]
    is_right = [label == given or label.startswith(f"{given}/") for label, given in zip(labels, named, strict=True)]
    return {
        "right": sum(label == guess for label, guess in zip(labels, best, strict=True)),
        "accepted": sum(accepted),
        "accepted wrong": sum(each and not right for each, right in zip(accepted, is_right, strict=True)),
        "probability of the true label": float(np.mean(truth)),
    }


def _leaves_first(verdict: Verdict) -> Verdict:
    """With the scores of leaves alone: none of these is a parent of another."""
    names = {score.category for score in verdict.scores}
    parents = {name.rpartition("/")[0] for name in names}
    parents |= {name.rpartition("/")[0] for name in parents}
    return replace(verdict, scores=tuple(score for score in verdict.scores if score.category not in parents))


def _row(name: str, left: str, family: str, documents: int, figures: Sequence[Mapping[str, float]]) -> Row:
    both = {figure: " -> ".join(f"{one[figure]:.3g}" for one in figures) for figure in figures[0]}
    return {"files": name, "text left": left, "family": family, "documents": documents, **both}


def _scarce(known: Known, left: str) -> Reading:
    """The reading with so much of its words, the same each time; its look stays."""
    if left == "whole":
        return known.reading
    random = Random(f"{known.name}/{left}")
    pages = []
    for page in known.reading.pages:
        lines = [line.split() for line in page.text.split("\n")]
        if left == _FEW:
            words = [word for line in lines for word in line]
            text = " ".join(random.sample(words, min(_FEW_WORDS, len(words)))) if page.number == 1 else ""
        else:
            kept = ([word for word in line if random.random() < _SHARES[left]] for line in lines)
            text = "\n".join(" ".join(line) for line in kept if line)
        pages.append(replace(page, text=text, words=()))
    return replace(known.reading, pages=tuple(pages), metadata={})


def _stage_rows(name: str, known: Sequence[Known], layout: LayoutModel) -> list[Row]:
    """How often the stage speaks, and how often of what the document is."""
    spoke = right = looks = 0
    for one in known:
        looks += one.reading.look is not None
        if one.reading.look is None:
            continue
        probabilities = layout.probabilities(one.reading.look)
        family = layout.families[int(probabilities.argmax())]
        if family.speaks_from is not None and probabilities.max() >= family.speaks_from:
            spoke += 1
            right += family.name == family_of(one.label)
    return [
        {"stage alone": LAYOUT, "on": name, "documents": len(known), "looks": looks, "spoke": spoke, "right": right}
    ]


def _workers() -> int:
    """Processes that draw pages."""
    return load_settings().reading.children


if __name__ == "__main__":
    main()
