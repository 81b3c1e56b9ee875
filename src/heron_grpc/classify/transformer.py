"""The transformer classifier: an ONNX network over WordPiece tokens, without padding waste, on all its threads."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from heron_grpc.classify.calibration import softmax
from heron_grpc.classify.manifest import Manifest, load_manifest, read_verified
from heron_grpc.classify.occlusion import word_weights
from heron_grpc.classify.token_groups import MOST_SEQUENCES, Group, plan
from heron_grpc.domain.classification import Prediction, WordWeight
from heron_grpc.domain.errors import ModelFileRefused

MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
# Mean embeddings of the labels a network was trained on: `labels` and `centroids`, (labels, width) float32.
PROTOTYPES = "prototypes.npz"
_DEFAULT_MAX_TOKENS = 256
# In the names of operators that scale by the greatest value of all they are given: there, company changes an answer by
# up to 0.1 and turns some.
_SCALES_BY_BATCH = b"DynamicQuantize"
# Of the text, for each token wanted; English has 4 to 5.
_FIRST_CHARS_A_TOKEN = 8
# Beyond so many it is no text whose words would say something.
_MOST_CHARS_A_TOKEN = 32
_UNKNOWN = "[UNK]"

Given = TypeVar("Given")
Made = TypeVar("Made")


class OnnxTransformer:
    """Classifier: a network from tokens to logits. The head of a text counts, as many tokens as the manifest says.

    `model.onnx` takes input_ids and attention_mask, (batch, tokens) int64, and gives logits, (batch, labels) float32;
    where it also gives embedding, (batch, width) float32 of length 1, few examples teach further labels.
    Manifest parameters: max_tokens (256), and temperature (1.0), by which the logits are divided. Novelty is 1 - the
    best probability: it tells nothing that the probabilities do not. Words get weights by up to 40 further runs, less
    than a second for a full text, and only where the tokenizer has a token for unknown ones.
    """

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer, network: bytes, threads: int = 1) -> None:
        self.manifest = manifest
        self._max_tokens = int(manifest.parameters.get("max_tokens", _DEFAULT_MAX_TOKENS))
        self._temperature = float(manifest.parameters.get("temperature", 1.0))
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._max_tokens)
        self._threads = threads
        self._most_sequences = 1 if _SCALES_BY_BATCH in network else MOST_SEQUENCES
        self._narrow = _session(network, 1)
        # With weights of its own: ONNX Runtime packs them for the number of threads.
        self._wide = _session(network, threads) if threads > 1 else self._narrow
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="transformer")

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> "OnnxTransformer":
        """Reads a model directory; `threads` is how many run at the same time. Blocks.

        Raises ModelFileRefused when a file is missing, damaged or not the one the manifest names.
        """
        manifest = load_manifest(directory)
        contents = read_verified(directory, manifest)
        for name in (MODEL, TOKENIZER):
            if name not in contents:
                raise ModelFileRefused(f"the manifest does not name {name}")
        try:
            classifier = cls(manifest, Tokenizer.from_buffer(contents[TOKENIZER]), contents[MODEL], threads)
            classifier.warm_up()
        except ModelFileRefused:
            raise
        except Exception as error:  # both libraries raise plain exceptions for what they cannot read
            raise ModelFileRefused(f"{MODEL} or {TOKENIZER} is damaged") from error
        return classifier

    @property
    def model_version(self) -> str:
        """models/{model}/versions/{version}."""
        return self.manifest.model_version

    @property
    def labels(self) -> tuple[str, ...]:
        """Leaf categories, in the order of the outputs."""
        return self.manifest.labels

    def predict(self, texts: Sequence[str], explain: Sequence[bool]) -> list[Prediction]:
        """One prediction a text, the same to 1e-4 in any company."""
        tokens = [*self._side_by_side(self._encode, texts)]
        logits = np.empty((len(texts), len(self.labels)), dtype=np.float64)
        work = plan([*map(len, tokens)], self._threads, most=self._most_sequences)

        def run(session: onnxruntime.InferenceSession, group: Group) -> None:
            logits[[*group]] = _run(session, [tokens[place] for place in group])

        for _ in self._side_by_side(partial(run, self._narrow), work.narrow):
            pass
        for group in work.wide:
            run(self._wide, group)
        answers = [self._prediction(row) for row in softmax(logits / self._temperature).tolist()]
        for place, wanted in enumerate(explain):
            if wanted:
                words = self._words(texts[place], int(logits[place].argmax()))
                answers[place] = replace(answers[place], words=words)
        return answers

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, width) of length 1. Raises ModelFileRefused when the network gives none."""
        if "embedding" not in {output.name for output in self._narrow.get_outputs()}:
            raise ModelFileRefused(f"{MODEL} gives no embedding")
        run = partial(_run, self._narrow, output="embedding")
        made = self._side_by_side(lambda text: run([self._encode(text)]), texts)
        return np.concatenate([np.empty((0, 0), np.float32)] if not texts else [*made])

    def warm_up(self) -> None:
        """Runs once what is slow the first time. Raises ModelFileRefused when the network does not fit the manifest."""
        tokens = self._encode("a")
        for session in (self._narrow, self._wide):
            if _run(session, [tokens]).shape != (1, len(self.labels)):
                raise ModelFileRefused(f"{MODEL} does not fit its manifest")

    def _side_by_side(self, function: Callable[[Given], Made], given: Sequence[Given]) -> Iterable[Made]:
        """Both libraries let go of the interpreter while they work."""
        if self._threads == 1 or len(given) == 1:
            return map(function, given)
        return self._pool.map(function, given)

    def _encode(self, text: str) -> list[int]:
        """The tokens of the text's head: no more of the text is looked at than needed."""
        chars = _FIRST_CHARS_A_TOKEN * self._max_tokens
        while True:
            [encoding] = self._tokenizer.encode_batch_fast([_head(text, chars)])
            if len(encoding.ids) >= self._max_tokens or chars >= len(text):
                return encoding.ids
            chars *= 4

    def _words(self, text: str, best: int) -> tuple[WordWeight, ...]:
        """What each word of the text's head counts for."""
        cover = self._tokenizer.token_to_id(_UNKNOWN)
        if cover is None:
            return ()
        encoding = self._tokenizer.encode(_head(text, _MOST_CHARS_A_TOKEN * self._max_tokens))

        def score(ids: list[int]) -> NDArray[np.float64]:
            return np.asarray(_run(self._narrow, [ids])[0], dtype=np.float64) / self._temperature

        return word_weights(encoding, cover, best, score)

    def _prediction(self, probabilities: list[float]) -> Prediction:
        by_label = dict(zip(self.labels, probabilities, strict=True))
        return Prediction(by_label, max(0.0, 1.0 - max(probabilities)), self.model_version)


def _session(network: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins for work takes the core from the front and from the other sessions.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Errors only: warnings name files and nodes.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def _run(
    session: onnxruntime.InferenceSession, tokens: Sequence[Sequence[int]], output: str = "logits"
) -> NDArray[np.float32]:
    """An output for a group, longest first, padded to its longest."""
    shape = (len(tokens), len(tokens[0]))
    ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for row, sequence in enumerate(tokens):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    found: NDArray[np.float32] = session.run([output], {"input_ids": ids, "attention_mask": mask})[0]
    return found


def _head(text: str, chars: int) -> str:
    """At most so many code points, ending with a whole word: its tokens are the first of the text's."""
    if chars >= len(text):
        return text
    words = text[:chars].rsplit(None, 1)
    # A first word that does not end may have any tokens.
    return words[0] if len(words) > 1 else text
