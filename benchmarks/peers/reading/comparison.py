"""Whose words are right: all subjects on the same files, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

from benchmarks.accuracy.ocr.measures import WordCounts, words
from benchmarks.peers.reading import PYTHON
from benchmarks.reporting import Row, interleaved
from benchmarks.subjects.servers import ROOT

_ONE_THREAD = {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
_MOST_S = 1800.0
# What XML, HTML, RTF and JSON start with.
_MARKUP = (b"<", b"{", b"[")
# Share of a file's own words from which an answer is taken for the file itself.
_DUMPED = 0.97
_MOST_RAW = 5_000_000
# Where links lead to is nothing people read.
_LINK = re.compile(r"\]\([^)\s]*(?:\s\"[^\"]*\")?\)|https?://[^\s)\]>\"]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a subject made of a file."""

    words: Counter[str]
    # Class of what was raised; empty when nothing was.
    error: str
    cpu_s: float


Answers = dict[Path, Answer]


def read_all(subjects: Sequence[str], files: Sequence[Path], rounds: int) -> dict[str, Answers]:
    """Answers of the first round, each file's CPU time the median over the rounds."""
    turns = interleaved({name: lambda name=name: _run(name, files) for name in subjects}, rounds)
    return {name: _medians(runs) for name, runs in turns.items()}


def agreed(readings: Mapping[str, Answers], file: Path) -> Counter[str]:
    """Words as often as at least two of the subjects find them: what one alone finds counts for nobody.

    Who hands out a file of markup as it is has no say. Empty when fewer than two are left.
    """
    found = [answers[file].words for answers in readings.values() if not is_dump(file, answers[file])]
    shared = Counter[str]()
    for one, other in combinations(found, 2):
        shared |= one & other
    return shared


def is_dump(file: Path, answer: Answer) -> bool:
    """Whether the answer is the file's own bytes, though they are no text for people: markup, control words, code."""
    raw = words(file.read_bytes()[:_MOST_RAW].decode("utf-8", "replace").lstrip())
    starts = file.read_bytes()[:64].lstrip(b"\xef\xbb\xbf \r\n\t")
    return starts.startswith(_MARKUP) and (raw & answer.words).total() > _DUMPED * raw.total()


def compared(answers: Answers, truth: Mapping[Path, Counter[str]]) -> Row:
    """Of some files: share of the true words found, of junk among those found, errors, documents a CPU second."""
    counts = WordCounts(0, 0, 0)
    for file, true in truth.items():
        found = answers[file].words
        counts += WordCounts((found & true).total(), true.total(), found.total())
    cpu_s = sum(answers[file].cpu_s for file in truth)
    return {
        "found": round(counts.recall, 4),
        "junk": round(1 - counts.precision, 4) if counts.found else 0.0,
        "errors": sum(bool(answers[file].error) for file in truth),
        "empty": sum(not answers[file].words for file in truth),
        "documents_per_cpu_s": round(len(truth) / max(cpu_s, 1e-6), 1),
    }


def _run(subject: str, files: Sequence[Path]) -> Answers:
    python = sys.executable if subject.startswith("heron") else PYTHON
    done = subprocess.run(
        [python, "-m", "benchmarks.peers.reading.reader", subject],
        input=json.dumps([str(file) for file in files]),
        env=os.environ | _ONE_THREAD,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=_MOST_S,
        check=True,
    )
    answers = json.loads(done.stdout)
    return {
        file: Answer(words(_LINK.sub("] ", answer["text"])), answer["error"], answer["cpu_s"])
        for file, answer in zip(files, answers, strict=True)
    }


def _medians(runs: Sequence[Answers]) -> Answers:
    first = runs[0]
    return {
        file: Answer(answer.words, answer.error, median(run[file].cpu_s for run in runs))
        for file, answer in first.items()
    }
