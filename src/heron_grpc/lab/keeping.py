"""What every training does at its end: figures and sources for the manifest, and only the better model is kept."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from heron_grpc.classify import load_classifier
from heron_grpc.classify.manifest import DataSource, Figure, Manifest, load_manifest, write_manifest
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.ports import Classifier
from heron_grpc.lab.corpus import CorpusRow
from heron_grpc.lab.evaluate import Evaluation, evaluate_texts

NOTES = (
    "dev_* are measured on real documents of groups not trained on.",
    "dev_corrected_* are the same with the labels of lab/label_overrides.yaml, which training takes too.",
    "*_macro_f1_many covers the labels with at least 20 dev documents.",
)


def data_sources(training: Sequence[CorpusRow], generated: int) -> tuple[DataSource, ...]:
    """The real documents by source and licence, and the generated ones."""
    counts = Counter((row.source, row.licence) for row in training)
    real = [DataSource(source, licence, count) for (source, licence), count in sorted(counts.items())]
    return (*real, *([DataSource("generated", "Apache-2.0", generated)] if generated else []))


def with_figures(manifest: Manifest, evaluations: Mapping[str, Evaluation], *more: Figure) -> Manifest:
    """The manifest with the headlines of evaluations, by the prefix of their names, and figures of their own."""
    return replace(manifest, figures=(*_headlines(evaluations), *more))


def next_version(directory: Path) -> str:
    """One more than that of the model there; "1" where there is none."""
    try:
        version = load_manifest(directory).version
    except ModelFileRefused:
        return "1"
    return str(int(version) + 1) if version.isdigit() else "1"


def beats(evaluation: Evaluation, labels: tuple[str, ...], directory: Path, dev: Sequence[CorpusRow]) -> bool:
    """Whether the model there is worse on dev, unfit for use, or knows other labels and so cannot be compared."""
    try:
        present: Classifier = load_classifier(directory)
    except ModelFileRefused:
        return True
    if present.labels != labels:
        return True
    rival = evaluate_texts(present, dev)
    return (evaluation.leaf.value, evaluation.macro_f1) > (rival.leaf.value, rival.macro_f1)


def write_model(directory: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    """The files, then the manifest that names them."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    write_manifest(directory, manifest)


def _headlines(evaluations: Mapping[str, Evaluation]) -> Iterator[Figure]:
    for prefix, evaluation in evaluations.items():
        for name, share in evaluation.headline.items():
            yield Figure(f"{prefix}_{name}", share.value, share.low, share.high, share.documents)
