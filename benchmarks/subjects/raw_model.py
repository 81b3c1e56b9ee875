"""The model without a service around it: closed loops inside one machine, in whatever arrangement is best."""

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import documents
from benchmarks.load.fleet import Measured
from benchmarks.load.tally import OK, Tally

# Of the cores this process may use.
CORES = len(os.sched_getaffinity(0))
_WARM_S = 0.5
_CHARS_A_TOKEN = 8

Predict = Callable[[Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the cores are used."""

    processes: int = 1
    # Workers in a process, and threads that share one worker's group.
    workers: int = 1
    threads: int = 1
    # Texts that run together, alike in length.
    group: int = 1

    def __str__(self) -> str:
        return f"{self.processes} x {self.workers} x {self.threads} threads, groups of {self.group}"


def arrangements(callers: int, cores: int, *, network: bool) -> Iterator[Arrangement]:
    """All that can be best for so many callers; only a network has use for threads and groups."""
    busy = min(callers, cores)
    layouts = {(busy, 1, 1)}
    if network:
        layouts |= {(1, busy, 1), (1, 1, cores)}
    for processes, workers, threads in sorted(layouts):
        for group in (1, 4) if network else (1,):
            if group * workers * processes <= callers:
                yield Arrangement(processes, workers, threads, group)


def measure(directory: Path, arrangement: Arrangement, callers: int, seconds: float, chars: int = 2000) -> Measured:
    """The calls that ended in the window, over all processes. Blocks."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(arrangement.processes)
    queue = context.SimpleQueue()
    job = _Job(directory, arrangement, seconds, chars)
    shares = [len(range(index, callers, arrangement.processes)) for index in range(arrangement.processes)]
    processes = [context.Process(target=_process, args=(job, share, barrier, queue), daemon=True) for share in shares]
    for process in processes:
        process.start()
    total = Tally(seconds)
    for _ in processes:
        total.merge(queue.get())
    for process in processes:
        process.join()
    return Measured([total], {}, 0.0)


@dataclass(frozen=True, slots=True)
class _Job:
    directory: Path
    arrangement: Arrangement
    seconds: float
    chars: int


def _process(job: _Job, callers: int, barrier: Any, queue: Any) -> None:
    # Threads are chosen here, not by what a library finds.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    arrangement = job.arrangement
    texts = documents.texts(512, job.chars)
    models = [_load(job.directory, arrangement.threads) for _ in range(arrangement.workers)]
    for predict in models:
        predict(texts[: arrangement.group])
    barrier.wait()
    loop = _Loop(texts, callers, time.monotonic() + _WARM_S, job.seconds)
    threads = [threading.Thread(target=loop.work, args=(predict, arrangement.group)) for predict in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(loop.tally)


class _Loop:
    """Callers that each hand in the next text as soon as theirs is answered."""

    def __init__(self, texts: Sequence[str], callers: int, opens: float, seconds: float) -> None:
        self._texts = texts
        self._next = callers
        self._waiting = [(text, time.monotonic()) for text in texts[:callers]]
        self._lock = threading.Lock()
        self._opens, self._closes = opens, opens + seconds
        self.tally = Tally(seconds)

    def work(self, predict: Predict, group: int) -> None:
        while time.monotonic() < self._closes:
            taken = self._take(group)
            predict([text for text, _ in taken])
            self._answer(taken)

    def _take(self, group: int) -> list[tuple[str, float]]:
        """The one that waits longest and those nearest to it in length."""
        with self._lock:
            length = len(self._waiting[0][0])
            taken = sorted(self._waiting, key=lambda one: (one is not self._waiting[0], abs(len(one[0]) - length)))
            for one in taken[:group]:
                self._waiting.remove(one)
            return taken[:group]

    def _answer(self, taken: Sequence[tuple[str, float]]) -> None:
        now = time.monotonic()
        with self._lock:
            for _, since in taken:
                if self._opens <= now < self._closes:
                    self.tally.add(OK, now - since)
                self._waiting.append((self._texts[self._next % len(self._texts)], now))
                self._next += 1


def _load(directory: Path, threads: int) -> Predict:
    from heron_grpc.classify import load_classifier  # noqa: PLC0415  after the thread counts are set

    if not (directory / "model.onnx").exists():
        classifier = load_classifier(directory)
        return lambda texts: classifier.predict(texts, [False] * len(texts))
    return _network(directory, threads)


def _network(directory: Path, threads: int) -> Predict:
    """ONNX Runtime and the tokenizer as their manuals have it, from text to logits."""
    import numpy as np  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(directory / "model.onnx", options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    most = int(json.loads((directory / "manifest.json").read_text())["parameters"]["max_tokens"])
    tokenizer.enable_truncation(most)
    tokenizer.enable_padding()

    def predict(texts: Sequence[str]) -> object:
        # What lies behind the head is cut off anyway: it need not be looked at.
        encoded = tokenizer.encode_batch_fast([text[: _CHARS_A_TOKEN * most] for text in texts])
        fed = {
            "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
            "attention_mask": np.array([each.attention_mask for each in encoded], dtype=np.int64),
        }
        return session.run(["logits"], fed)

    return predict


def main() -> None:
    """Measures one arrangement; prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    for name in ("callers", "processes", "workers", "threads", "group"):
        parser.add_argument(f"--{name}", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    arrangement = Arrangement(given.processes, given.workers, given.threads, given.group)
    measured = measure(given.directory, arrangement, given.callers, given.seconds)
    json.dump({**asdict(arrangement), **measured.tally.summary()}, sys.stdout)


if __name__ == "__main__":
    main()
