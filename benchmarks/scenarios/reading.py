"""The service's reader beside kreuzberg and markitdown on the same files: words found, junk, errors, speed."""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.accuracy.ocr import held_out, tuning
from benchmarks.accuracy.ocr.drawn_page import DrawnPage
from benchmarks.accuracy.ocr.measures import words
from benchmarks.peers.reading import PYTHON
from benchmarks.peers.reading.comparison import Answers, agreed, compared, read_all
from benchmarks.peers.reading.known_files import known_files
from benchmarks.reporting import Goal, Row, at_least, publish, record_option
from heron_grpc.reading.registry import suffixes

SERVICE = "heron"
PEERS = ("kreuzberg", "markitdown")
WITH_OCR = ("heron, OCR", "kreuzberg, OCR")
_KNOWN = "generated"
_PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".webp", ".bmp", ".gif"}
_NOT_DOCUMENTS = {"manifest.csv", "README.md"}
_WAYS = ("clean", "scan", "skew", "fax", "uneven light", "photo")
# What other people's files lie in, of the corpus.
_FOLDERS = ("formats", "documents")

_CORPUS = os.environ.get("CORPUS") or None

Truth = Mapping[Path, Counter[str]]


def main() -> None:
    """Measures, prints, records."""
    given = _arguments()
    if not PYTHON.exists():
        sys.exit("kreuzberg and markitdown are not installed: make bench-reading does it")
    with tempfile.TemporaryDirectory() as folder:
        rows, goals = _generated(Path(folder), given)
        rows += _pictures(Path(folder), given)
    if given.corpus:
        more_rows, more_goals = _of_others(Path(given.corpus), given)
        rows, goals = rows + more_rows, goals + more_goals
    publish("reading", given, rows, goals)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=10, help="generated, of each format")
    parser.add_argument("--pages", type=int, default=1, help="pictures of text, spoilt in some ways, of each half")
    parser.add_argument("--corpus", type=Path, default=_CORPUS, help="holds formats/ and documents/")
    parser.add_argument("--seed", type=int, default=1)
    record_option(parser)
    return parser.parse_args()


def _generated(folder: Path, given: argparse.Namespace) -> tuple[list[Row], list[Goal]]:
    """A mixed folder without pictures, its words known."""
    truth = {file.path: file.words for file in known_files(folder, given.files, given.seed)}
    subjects = (SERVICE, "heron, word boxes", *PEERS)
    readings = read_all(subjects, [*truth], given.rounds)
    rows = [{"files": f"{_KNOWN}, all", "subject": name} | compared(readings[name], truth) for name in subjects]
    speed = rows[0]["documents_per_cpu_s"]
    goals = [at_least("mixed documents a CPU second, without OCR", 200, float(str(speed)))]
    more_rows, more_goals = _by_format(_KNOWN, readings, truth)
    return rows + more_rows, goals + more_goals


def _of_others(corpus: Path, given: argparse.Namespace) -> tuple[list[Row], list[Goal]]:
    """Files of the corpus that are no pictures: true is what two of the three find."""
    files = [
        file
        for name in _FOLDERS
        for file in sorted((corpus / name).glob("*"))
        if file.suffix.lower() not in _PICTURES and file.name not in _NOT_DOCUMENTS
    ]
    readings = read_all((SERVICE, *PEERS), files, given.rounds)
    truth = {file: true for file in files if (true := agreed(readings, file))}
    # Longer than all else together is a book, which the service does not read.
    ours = {file: true for file, true in truth.items() if file.suffix.lower() in suffixes()}
    rows: list[Row] = [{"files": "corpus, all", "subject": name} | compared(readings[name], ours) for name in readings]
    more_rows, goals = _by_format("corpus", readings, truth)
    return rows + more_rows, goals


def _pictures(folder: Path, given: argparse.Namespace) -> list[Row]:
    """Pages as pictures, read with OCR."""
    truth: dict[Path, Counter[str]] = {}
    for number, page in enumerate(_drawn(given)):
        file = folder / f"page-{number:02}.png"
        page.write(file)
        truth[file] = words(page.text)
    readings = read_all(WITH_OCR, [*truth], 1)
    return [{"files": "pictures of text", "subject": name} | compared(readings[name], truth) for name in WITH_OCR]


def _drawn(given: argparse.Namespace) -> Iterator[DrawnPage]:
    for number in range(given.pages):
        for way in _WAYS:
            yield tuning.page(way, f"{given.seed}/reading/{number}")
            yield held_out.page(way, f"{given.seed}/reading/{number}")


def _by_format(source: str, readings: Mapping[str, Answers], truth: Truth) -> tuple[list[Row], list[Goal]]:
    """A row for each format and subject; the service is to find as much as the better of the others."""
    rows: list[Row] = []
    goals: list[Goal] = []
    for suffix in sorted({file.suffix.lower() for file in truth}):
        files = {file: true for file, true in truth.items() if file.suffix.lower() == suffix}
        found = {name: compared(answers, files) for name, answers in readings.items()}
        rows += [
            {"files": f"{source} {suffix}", "subject": name, "n": len(files)} | each for name, each in found.items()
        ]
        best = max(found[peer]["found"] for peer in PEERS)
        # Where a peer reads nothing, the service and the other agree on nothing that the service misses.
        is_judged = any(all(readings[peer][file].words for peer in PEERS) for file in files)
        if suffix in suffixes() and (source == _KNOWN or is_judged):
            goals.append(at_least(f"words found, {source} {suffix}", best, found[SERVICE]["found"]))
    return rows, goals


if __name__ == "__main__":
    main()
