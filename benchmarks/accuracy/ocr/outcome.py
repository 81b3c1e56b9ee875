"""What comes of reading a page: errors, words, effort. Runs where the pages are read, in processes of their own."""

import os
import random
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.accuracy.ocr import subjects, tuning
from benchmarks.accuracy.ocr.measures import WordCounts, character_error_rate, word_counts
from benchmarks.accuracy.ocr.pages import CLEAN, Draw
from benchmarks.accuracy.ocr.subjects import Found

Readers = Mapping[str, partial[Found]]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a page is: see DrawnPage."""

    half: str
    spoilt_by: str
    text: str
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One subject's work on one page."""

    subject: str
    half: str
    spoilt_by: str
    error: float
    words: WordCounts
    cpu_s: float
    quality: float
    confidence: float
    is_upright: bool


def measure(draw: Draw, readers: Readers) -> list[Outcome]:
    """All readers on the same page, drawn here."""
    page = draw()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.png"
        page.write(file)
        return measure_file(file, Truth(page.half, page.spoilt_by, page.text, page.rotation), readers)


def measure_file(file: Path, truth: Truth, readers: Readers) -> list[Outcome]:
    """All readers on the same file, in an order drawn anew."""
    return [_outcome(name, truth, readers[name](file)) for name in random.sample(list(readers), len(readers))]


@contextmanager
def reading_processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that have their engines loaded, one thread each."""
    # Tesseract's library reads it when it is loaded.
    os.environ["OMP_THREAD_LIMIT"] = "1"
    with ProcessPoolExecutor(count, get_context("spawn"), _warm) as processes:
        yield processes


def _warm() -> None:
    measure(
        partial(tuning.page, CLEAN, "warm"), {"raw": partial(subjects.raw_engine), "service": partial(subjects.service)}
    )


def _outcome(subject: str, truth: Truth, found: Found) -> Outcome:
    return Outcome(
        subject,
        truth.half,
        truth.spoilt_by,
        character_error_rate(found.text, truth.text),
        word_counts(found.text, truth.text),
        found.cpu_s,
        found.quality,
        found.confidence,
        found.rotation == truth.rotation,
    )
