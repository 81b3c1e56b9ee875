"""Writes a presentation and a workbook with libraries of the peers' environment; runs there.

Standard input: {"folder", "files": [{"name", "title", "paragraphs", "rows"}, ...]}.
"""

import json
import sys
from pathlib import Path

import pptx
import xlsxwriter
from pptx.util import Inches


def main() -> None:
    """A .pptx and an .xlsx of each."""
    given = json.load(sys.stdin)
    for each in given["files"]:
        stem = Path(given["folder"]) / each["name"]
        _presentation(stem.with_suffix(".pptx"), each)
        _workbook(stem.with_suffix(".xlsx"), each)


def _presentation(path: Path, story: dict[str, list[str]]) -> None:
    deck = pptx.Presentation()
    for paragraph in story["paragraphs"]:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = story["title"]
        slide.placeholders[1].text = paragraph
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    rows = story["rows"]
    place = (Inches(1), Inches(1), Inches(8), Inches(4))
    table = slide.shapes.add_table(len(rows), len(rows[0]), *place).table
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            table.cell(number, column).text = cell
    deck.save(str(path))


def _workbook(path: Path, story: dict[str, list[str]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Goods")
        for number, row in enumerate(story["rows"]):
            sheet.write_row(number, 0, row)
        notes = book.add_worksheet("Notes")
        notes.write_column(0, 0, [story["title"], *story["paragraphs"]])


if __name__ == "__main__":
    main()
