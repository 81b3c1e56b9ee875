"""Makes the layout specialist: generated pages in, a small linear model, its voice and its figures out."""

import math
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from heron_grpc.classify.layout import (
    ARRAYS,
    FAMILIES,
    KIND,
    LAYOUT,
    MOST_UNUSUAL,
    WEIGHTS,
    Family,
    LayoutModel,
    families_json,
)
from heron_grpc.classify.manifest import DataSource, Figure, Manifest, describe_file
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.lab.corpus import assign_folds
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.keeping import next_version, write_model
from heron_grpc.lab.layout_pages import CHEQUE, FORM, IDENTITY, RECEIPT, SeenPage, see
from heron_grpc.lab.measures import Share, wilson
from heron_grpc.settings import ReadingSettings

FIGURES, PROSE, OTHER = "figures", "prose", "other"
# What looks alike, by the beginning of labels; the longest counts, and what is not named is only told apart.
FAMILY_OF: Mapping[str, str] = {
    "": OTHER,
    **dict.fromkeys(("identity", "insurance/health_card"), IDENTITY),
    "financial/receivable/receipt": RECEIPT,
    "financial/payment/voided_check": CHEQUE,
    **dict.fromkeys(
        (
            "form",
            "tax",
            "insurance/acord_25",
            "insurance/acord_125",
            "insurance/acord_126",
            "insurance/acord_140",
            "insurance/claim_form",
            "lending/funding_application",
        ),
        FORM,
    ),
    **dict.fromkeys(
        (
            "financial/statement",
            "financial/report/balance_sheet",
            "financial/report/income_statement",
            "financial/report/cash_flow_statement",
            "financial/report/budget",
            "financial/receivable/aging_report",
            "financial/debt/debt_schedule",
            "insurance/loss_run",
        ),
        FIGURES,
    ),
    **dict.fromkeys(
        (
            "correspondence/letter",
            "correspondence/memo",
            "legal/contract",
            "legal/nda",
            "legal/lease",
            "legal/employment_contract",
            "lending/funding_agreement",
            "financial/debt/payoff_letter",
        ),
        PROSE,
    ),
}
NOTES = (
    "Learned from generated pages alone, each layout drawn as PDF, scan and photo.",
    "unseen_* are cross-fitted: every page is judged by a model that never saw its layout.",
    "unseen_precision of a family is that of pages it speaks about, from speaks_from on.",
)

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """How the specialist is made."""

    seed: int = 1
    # Pages of every family, evenly of its labels; of OTHER twice as many.
    per_family: int = 700
    folds: int = 5
    # Of each of the networks that are one in the end.
    units: int = 32
    networks: int = 4
    penalty: float = 1.0
    # Each page is learned from so often, with noise of so many standard deviations, so much of its look unknown.
    copies: int = 3
    noise: float = 0.4
    unknown: float = 0.15
    # Precision on unseen layouts from which a family may speak, and the fewest pages that show it.
    precision: float = 0.97
    least_pages: int = 30


@dataclass(frozen=True, slots=True)
class LayoutPages:
    """What is learned from: looks (pages, numbers), families as places in `names`, and of each page the rest."""

    looks: Floats
    truth: NDArray[np.int64]
    names: tuple[str, ...]
    pages: tuple[SeenPage, ...]


def family_of(label: str) -> str:
    """The family a label's documents look like."""
    parts = label.split("/")
    return next(
        FAMILY_OF[beginning]
        for beginning in ("/".join(parts[:count]) for count in range(len(parts), -1, -1))
        if beginning in FAMILY_OF
    )


def train_layout(
    models_dir: Path, pack: TaxonomyPack, created: date, options: LayoutOptions, workers: int, tell: Progress
) -> Manifest:
    """Draws, fits and writes models_dir/layout; the same seed gives the same bytes. Blocks for minutes."""
    data = draw_pages(options, workers, tell)
    tell(f"{len(data.pages)} pages of {len({page.layout for page in data.pages})} layouts")
    unseen = cross_fitted(data, options)
    families = voices(data, unseen, options)
    model = fit(data.looks, data.truth, families, options)
    packed = BytesIO()
    np.savez_compressed(packed, **{name: getattr(model, name).astype(np.float32) for name in ARRAYS})
    contents = {WEIGHTS: packed.getvalue(), FAMILIES: families_json(families)}
    manifest = Manifest(
        name=LAYOUT,
        kind=KIND,
        version=next_version(models_dir / LAYOUT),
        created=created.isoformat(),
        labels=tuple(sorted({page.label for page in data.pages})),
        files=tuple(describe_file(name, content) for name, content in contents.items()),
        taxonomy=pack.taxonomy.name,
        taxonomy_revision=pack.taxonomy.revision,
        data=(DataSource("generated", "Apache-2.0", len(data.pages)),),
        parameters=asdict(options),
        figures=tuple(
            Figure(name, share.value, share.low, share.high, share.documents)
            for name, share in figures(data, unseen, families).items()
        ),
        notes=NOTES,
    )
    write_model(models_dir / LAYOUT, manifest, contents)
    return manifest


def draw_pages(options: LayoutOptions, workers: int, tell: Progress) -> LayoutPages:
    """The pages of every family, in order; the same whatever the number of worker processes."""
    documents = _documents(options)
    tell(f"drawing {len(documents)} pages")
    look = partial(_seen, settings=ReadingSettings())
    if workers > 1:
        with ProcessPoolExecutor(workers, get_context("forkserver")) as pool:
            found = list(pool.map(look, documents, chunksize=20))
    else:
        found = list(map(look, documents))
    pages = tuple(page for page in found if page)
    names = tuple(dict.fromkeys(FAMILY_OF.values()))
    truth = np.array([names.index(family_of(page.label)) for page in pages])
    return LayoutPages(np.array([page.look.values for page in pages]), truth, names, pages)


def fit(looks: Floats, truth: NDArray[np.int64], families: Sequence[Family], options: LayoutOptions) -> LayoutModel:
    """Several networks side by side, their logits averaged: one alone depends much on how it began."""
    mean, scale = looks.mean(axis=0), np.maximum(looks.std(axis=0), 1e-3)
    usual = np.clip((looks - mean) / scale, -MOST_UNUSUAL, MOST_UNUSUAL)
    networks = [_network(usual, truth, options, options.seed + at) for at in range(options.networks)]
    hidden = np.hstack([network.coefs_[0] for network in networks])
    hidden_bias = np.concatenate([network.intercepts_[0] for network in networks])
    weights = np.vstack([network.coefs_[1] for network in networks]) / options.networks
    bias = np.mean([network.intercepts_[1] for network in networks], axis=0)
    return LayoutModel("", tuple(families), mean, scale, hidden, hidden_bias, weights, bias)


def _network(usual: Floats, truth: NDArray[np.int64], options: LayoutOptions, seed: int) -> MLPClassifier:
    """Learns from worn copies of the looks, so that no few numbers decide."""
    generator = np.random.default_rng(seed)
    copies = np.concatenate([usual] * options.copies)
    copies += generator.normal(0.0, options.noise, copies.shape)
    copies[generator.random(copies.shape) < options.unknown] = 0.0
    network = MLPClassifier(
        (options.units,), alpha=options.penalty, max_iter=40, batch_size=min(256, len(copies)), random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(copies, np.tile(truth, options.copies))
    return network


def cross_fitted(data: LayoutPages, options: LayoutOptions) -> Floats:
    """Probabilities (pages, families) by models that did not see the page's layout."""
    folds = np.array(assign_folds([page.layout for page in data.pages], options.folds))
    found = np.zeros((len(data.pages), len(data.names)))
    families = _unvoiced(data)
    for fold in range(options.folds):
        out = folds == fold
        model = fit(data.looks[~out], data.truth[~out], families, options)
        found[out] = [model.probabilities(page.look) for page, is_out in zip(data.pages, out, strict=True) if is_out]
    return found


def voices(data: LayoutPages, unseen: Floats, options: LayoutOptions) -> tuple[Family, ...]:
    """The families, each with the least probability from which it is precise enough; None where it never is."""
    best = unseen.argmax(axis=1)
    found = []
    for at, family in enumerate(_unvoiced(data)):
        of_it = best == at
        order = np.argsort(-unseen[of_it, at])
        sure, is_right = unseen[of_it, at][order], (data.truth[of_it] == at)[order]
        precision = np.cumsum(is_right) / np.arange(1, len(is_right) + 1)
        enough = np.flatnonzero((precision >= options.precision) & (np.arange(len(sure)) >= options.least_pages - 1))
        speaks_from = math.ceil(float(sure[enough[-1]]) * 1000) / 1000 if len(enough) and family.categories else None
        found.append(replace(family, speaks_from=speaks_from))
    return tuple(found)


def figures(data: LayoutPages, unseen: Floats, families: Sequence[Family]) -> dict[str, Share]:
    """How good it is on layouts it did not see: all, by way and family, and where it speaks."""
    best = unseen.argmax(axis=1)
    is_right = best == data.truth
    ways = np.array([page.way for page in data.pages])
    found = {"unseen_accuracy": _share(is_right)}
    found |= {f"unseen_accuracy of {way}": _share(is_right[ways == way]) for way in sorted(set(ways))}
    for at, family in enumerate(families):
        found[f"unseen_recall of {family.name}"] = _share(is_right[data.truth == at])
        if family.speaks_from is not None:
            speaks = (best == at) & (unseen[:, at] >= family.speaks_from)
            found[f"unseen_precision of {family.name}"] = _share(is_right[speaks])
            found[f"unseen_spoken of {family.name}"] = _share(speaks[data.truth == at])
    return found


def _share(is_so: NDArray[np.bool_]) -> Share:
    return wilson(int(is_so.sum()), len(is_so))


def _unvoiced(data: LayoutPages) -> tuple[Family, ...]:
    counts = Counter(data.truth.tolist())
    categories = {
        name: tuple(beginning for beginning, family in FAMILY_OF.items() if family == name and name != OTHER)
        for name in data.names
    }
    return tuple(
        Family(name, categories[name], round(counts[at] / len(data.truth), 4)) for at, name in enumerate(data.names)
    )


def _documents(options: LayoutOptions) -> list[GeneratedDocument]:
    generator = Generator()
    by_family: dict[str, list[str]] = {}
    for label in generator.labels:
        by_family.setdefault(family_of(label), []).append(label)
    return [
        generator.draw(label, options.seed, index)
        for family, labels in by_family.items()
        for label in labels
        for index in range(-(-options.per_family * (2 if family == OTHER else 1) // len(labels)))
    ]


def _seen(document: GeneratedDocument, settings: ReadingSettings) -> SeenPage | None:
    return see(document, family_of(document.label), settings)
