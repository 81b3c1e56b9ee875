"""Photographed and scanned receipts with what stands on them, where somebody has them."""

import csv
from collections.abc import Iterator
from pathlib import Path

# Four corners, then the text, which may hold commas.
_CORNERS = 8


def receipts(corpus: Path, count: int) -> Iterator[tuple[Path, str]]:
    """The first so many pictures NNN.jpg under `corpus`/receipts, each with the texts of its NNN.boxes.csv."""
    for picture in sorted((corpus / "receipts").glob("*.jpg"))[:count]:
        with picture.with_suffix(".boxes.csv").open(encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.reader(file, quoting=csv.QUOTE_NONE)
            yield picture, "\n".join(",".join(row[_CORNERS:]) for row in rows)
