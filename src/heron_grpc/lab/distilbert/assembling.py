"""Puts together the files of a model directory: network, tokenizer, and the mean embedding of every label."""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from heron_grpc.classify.transformer import MODEL, PROTOTYPES, TOKENIZER
from heron_grpc.lab.distilbert.batches import SpecialTokens
from heron_grpc.lab.distilbert.export import export
from heron_grpc.lab.distilbert.fine_tuning import outputs
from heron_grpc.lab.distilbert.network import DocumentNetwork
from heron_grpc.lab.distilbert.tokens import TokenSet

# Documents of a label its mean is of: the real ones, and as many generated ones.
_MOST_A_LABEL = 60


def assemble(
    network: DocumentNetwork, data: TokenSet, tokenizer: Tokenizer, max_tokens: int, seed: int
) -> Mapping[str, bytes]:
    """File name -> content. Blocks for a minute."""
    special = SpecialTokens.of(tokenizer)
    rows = _some_of_each(data, seed)
    _, embeddings = outputs(network, data, rows, special, max_tokens)
    return {
        MODEL: export(network),
        TOKENIZER: tokenizer.to_str().encode(),
        PROTOTYPES: _packed(data.labels, _centroids(embeddings, data.truth[rows], len(data.labels))),
    }


def _some_of_each(data: TokenSet, seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    chosen = []
    for label in range(len(data.labels)):
        places = np.flatnonzero(data.truth == label)
        for part in (places[places < data.real], places[places >= data.real]):
            chosen += [random.permutation(part)[:_MOST_A_LABEL]]
    return np.sort(np.concatenate(chosen))


def _centroids(embeddings: NDArray[np.float32], truth: NDArray[np.int64], labels: int) -> NDArray[np.float32]:
    """(labels, width), each of length 1; 0 for a label without documents."""
    sums = np.zeros((labels, embeddings.shape[1]), np.float32)
    np.add.at(sums, truth, embeddings)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    means: NDArray[np.float32] = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return means


def _packed(labels: tuple[str, ...], centroids: NDArray[np.float32]) -> bytes:
    target = io.BytesIO()
    np.savez(target, labels=np.array(labels), centroids=centroids)
    return target.getvalue()
