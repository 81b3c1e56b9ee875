"""Writes generated documents into a folder that `heron evaluate` takes."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.generator.rendering.render import render
from heron_grpc.lab.samples.draw import MANIFEST

TRUTH = "ground_truth.jsonl"


def write_documents(directory: Path, documents: Iterable[GeneratedDocument], wanted: str | None = None) -> int:
    """Files under names that tell nothing, their labels (manifest.csv) and all that is known of them.

    ground_truth.jsonl has an object a file: label, language, layout, seed, format, clean text and every field with its
    page and boxes. Returns how many. Blocks. Raises OSError, and KeyError for a format there is not.
    """
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    with (
        (directory / MANIFEST).open("w", newline="", encoding="utf-8") as table,
        (directory / TRUTH).open("w", encoding="utf-8") as truth,
    ):
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("file", "label"))
        for count, document in enumerate(documents, 1):
            rendered = render(document, wanted)
            name = f"document-{count:05}.{rendered.suffix}"
            (directory / name).write_bytes(rendered.content)
            rows.writerow((name, document.label))
            facts = {
                "file": name,
                "label": document.label,
                "language": document.language,
                "layout": document.layout,
                "seed": document.seed,
                "format": rendered.format,
                "text": document.clean.text,
                "fields": [asdict(field) for field in rendered.fields],
            }
            truth.write(json.dumps(facts, ensure_ascii=False) + "\n")
    return count
