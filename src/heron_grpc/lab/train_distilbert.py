"""Makes the DistilBERT model step by step; each step's result lies in a directory, from which a stopped run goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from heron_grpc.classify.loading import ONNX_TRANSFORMER
from heron_grpc.classify.manifest import Figure, Manifest, describe_file
from heron_grpc.classify.transformer import MODEL, TOKENIZER, OnnxTransformer
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.domain.taxonomy import DEFAULT_TAXONOMY
from heron_grpc.lab.corpus import CorpusRow, split_rows
from heron_grpc.lab.distilbert.assembling import assemble
from heron_grpc.lab.distilbert.batches import SpecialTokens
from heron_grpc.lab.distilbert.encoder import load_encoder
from heron_grpc.lab.distilbert.fine_tuning import FineTuning, Lesson, fine_tune, outputs
from heron_grpc.lab.distilbert.gathering import Sources, gather
from heron_grpc.lab.distilbert.network import DocumentNetwork
from heron_grpc.lab.distilbert.out_of_fold import OutOfFold, fit_temperature, folds_of, naive_bayes_scores
from heron_grpc.lab.distilbert.pretraining import PreTraining, pre_train
from heron_grpc.lab.distilbert.tokens import TokenSet, bare
from heron_grpc.lab.evaluate import evaluate_texts
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.keeping import NOTES, beats, data_sources, next_version, with_figures, write_model
from heron_grpc.lab.label_overrides import LabelOverride, overridden
from heron_grpc.lab.measures import wilson

_DATA, _NAIVE_BAYES, _ENCODER, _OUT_OF_FOLD, _NETWORK = (
    "data.npz",
    "naive_bayes.npy",
    "encoder.pt",
    "out_of_fold.npz",
    "network.pt",
)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears how it goes."""

    tell: Callable[[str], None]
    # Name and number of steps of a part -> who hears of the steps done and the loss of late.
    watch: Callable[[str, int], Callable[[int, float], None]]


@dataclass(frozen=True, slots=True)
class DistilBertOptions:
    """How the model is made."""

    name: str = "distilbert"
    taxonomy: str = DEFAULT_TAXONOMY
    taxonomy_revision: int = 1
    sources: Sources = field(default_factory=Sources)
    pre_training: PreTraining = field(default_factory=PreTraining)
    fine_tuning: FineTuning = field(default_factory=FineTuning)
    # Networks, each without a part of the groups and layouts, that teach the one that is kept.
    folds: int = 3
    # Labels that real documents should have, by their ids.
    overrides: Mapping[str, LabelOverride] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where things lie."""

    # As transformers saves a BERT or a DistilBERT.
    encoder: Path
    # For the results of the steps; made when it is missing.
    work: Path
    models: Path


def train(
    given: Sequence[CorpusRow],
    place: Place,
    created: date,
    options: DistilBertOptions,
    audience: Audience,
    *,
    force: bool = False,
) -> Manifest:
    """Trains and writes models/{name} when that beats the model there on dev. Blocks: minutes on a GPU, hours without.

    Returns the new model's manifest, whether it was written or not.
    Raises ConfigurationError when the corpus has no documents to train on or to choose by, or the encoder is unfit.
    """
    rows = overridden(given, options.overrides)
    training, dev = split_rows(rows, "train"), split_rows(rows, "dev")
    if not training or not dev:
        raise ConfigurationError("the corpus has no documents to train on or none to choose by")
    place.work.mkdir(parents=True, exist_ok=True)
    run = _Run(place, options, audience)
    data = run.data(training, tuple(sorted({*(row.label for row in rows), *Generator().labels})))
    out_of_fold = run.out_of_fold(data)
    network = run.network(data, out_of_fold)
    contents = assemble(network, data, run.tokenizer, run.max_tokens, options.sources.seed)
    originals = len(training)
    temperature = fit_temperature(out_of_fold.network[:originals], data.truth[:originals])
    directory = place.models / options.name
    manifest = Manifest(
        name=options.name,
        kind=ONNX_TRANSFORMER,
        version=next_version(directory),
        created=created.isoformat(),
        labels=data.labels,
        files=tuple(describe_file(name, content) for name, content in contents.items()),
        taxonomy=options.taxonomy,
        taxonomy_revision=options.taxonomy_revision,
        data=data_sources(training, len(data) - data.real),
        parameters={"max_tokens": run.max_tokens, "temperature": round(temperature, 3), **_described(options)},
        notes=_NOTES,
    )
    classifier = OnnxTransformer(manifest, Tokenizer.from_buffer(contents[TOKENIZER]), contents[MODEL])
    as_given, corrected = evaluate_texts(classifier, split_rows(given, "dev")), evaluate_texts(classifier, dev)
    manifest = with_figures(manifest, {"dev": as_given, "dev_corrected": corrected}, *_unseen(out_of_fold, data))
    audience.tell(f"dev accuracy as labelled {as_given.leaf.value:.4f}, corrected {corrected.leaf.value:.4f}")
    if force or beats(corrected, manifest.labels, directory, dev):
        write_model(directory, manifest, contents)
    else:
        audience.tell("the model there is at least as good and stays")
    return manifest


_NOTES = (
    *NOTES,
    "unseen_* are those of the networks that taught it, each on groups and layouts that it had not learned from.",
    "The encoder was all-MiniLM-L6-v2 (Apache-2.0), see NOTICE.",
)


class _Run:
    """The steps; one whose result is there is not done again."""

    def __init__(self, place: Place, options: DistilBertOptions, audience: Audience) -> None:
        self._place, self._options, self._audience = place, options, audience
        self.tokenizer = bare(Tokenizer.from_file(str(place.encoder / TOKENIZER)))
        self._special = SpecialTokens.of(self.tokenizer)
        self.max_tokens = options.fine_tuning.draw.max_tokens

    def data(self, training: Sequence[CorpusRow], labels: tuple[str, ...]) -> TokenSet:
        """All documents to learn from, and what Naive Bayes says of them out of fold."""
        path = self._place.work / _DATA
        if not path.is_file():
            gathered = gather(training, labels, self.tokenizer, self._options.sources, self._audience.tell)
            scores = naive_bayes_scores(gathered, self._options.folds, self._options.sources.seed)
            np.save(self._place.work / _NAIVE_BAYES, scores, allow_pickle=False)
            gathered.tokens.save(path)
        return TokenSet.load(path)

    def out_of_fold(self, data: TokenSet) -> OutOfFold:
        """What networks that did not learn from them say of all documents but worn copies."""
        path = self._place.work / _OUT_OF_FOLD
        if not path.is_file():
            scores = np.full((len(data), len(data.labels)), np.nan, np.float32)
            folds = folds_of(data, self._options.folds)
            naive_bayes = np.load(self._place.work / _NAIVE_BAYES, allow_pickle=False)
            worn = np.isnan(naive_bayes[:, 0])
            for fold in range(self._options.folds):
                network = self._fresh(data)
                self._fit(network, Lesson(data, np.flatnonzero(folds != fold), self._special), f"fold-{fold}")
                held = np.flatnonzero((folds == fold) & ~worn)
                scores[held], _ = outputs(network, data, held, self._special, self.max_tokens)
            OutOfFold(scores, naive_bayes).save(path)
        return OutOfFold.load(path)

    def network(self, data: TokenSet, out_of_fold: OutOfFold) -> DocumentNetwork:
        """The one that is kept: pre-trained on the documents, then taught."""
        path = self._place.work / _NETWORK
        network = self._fresh(data)
        if path.is_file():
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
            network.eval()
            return network
        self._pre_train(network, data)
        lesson = Lesson(data, np.arange(len(data)), self._special, out_of_fold.teacher(data))
        self._fit(network, lesson, "student")
        torch.save(network.to("cpu").state_dict(), path)
        return network

    def _fresh(self, data: TokenSet) -> DocumentNetwork:
        torch.manual_seed(self._options.fine_tuning.seed)
        network = DocumentNetwork(load_encoder(self._place.encoder), len(data.labels))
        network.freeze_words()
        return network

    def _pre_train(self, network: DocumentNetwork, data: TokenSet) -> None:
        path, options = self._place.work / _ENCODER, self._options.pre_training
        if options.steps and not path.is_file():
            watch = self._audience.watch("pre-training", options.steps)
            pre_train(network.encoder, data, np.arange(len(data)), self._special, options, watch)
            torch.save(network.encoder.state_dict(), path)
        if path.is_file():
            network.encoder.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    def _fit(self, network: DocumentNetwork, lesson: Lesson, name: str) -> None:
        options = self._options.fine_tuning
        fine_tune(network, lesson, options, self._place.work / name, self._audience.watch(name, options.steps))


def _described(options: DistilBertOptions) -> dict[str, int | float | str]:
    fine_tuning = {name: value for name, value in asdict(options.fine_tuning).items() if name != "draw"}
    return {
        **fine_tuning,
        **asdict(options.fine_tuning.draw),
        **asdict(options.sources),
        "pre_training_steps": options.pre_training.steps,
        "folds": options.folds,
        "label_overrides": len(options.overrides),
    }


def _unseen(out_of_fold: OutOfFold, data: TokenSet) -> tuple[Figure, ...]:
    known = ~np.isnan(out_of_fold.network[:, 0])
    right = out_of_fold.network.argmax(axis=1) == data.truth
    real = np.arange(len(data)) < data.real
    figures = []
    for name, part in (("unseen_groups_accuracy", real & known), ("unseen_layouts_accuracy", ~real & known)):
        share = wilson(int(right[part].sum()), int(part.sum()))
        figures.append(Figure(name, share.value, share.low, share.high, share.documents))
    return tuple(figures)
