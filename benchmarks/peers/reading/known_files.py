"""Files of every format whose words are known, because they were written here."""

import csv
import html
import io
import json
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from random import Random

import docx
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from benchmarks.accuracy.ocr import wording
from benchmarks.accuracy.ocr.measures import words
from benchmarks.peers.reading import PYTHON
from benchmarks.subjects.servers import ROOT


@dataclass(frozen=True, slots=True)
class Story:
    """What a file says; `name` is the file's, without its suffix."""

    name: str
    title: str
    paragraphs: list[str]
    rows: list[tuple[str, ...]]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join([self.title, *self.paragraphs, *(" ".join(row) for row in self.rows)])


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file and its words."""

    path: Path
    words: Counter[str]


def known_files(folder: Path, count: int, seed: int) -> list[KnownFile]:
    """So many files of each format, written into the folder; the same for a seed."""
    stories = [make_story(number, seed) for number in range(count)]
    found = []
    for story in stories:
        for suffix, write in WRITERS.items():
            path = folder / f"{story.name}{suffix}"
            path.write_bytes(write(story))
            found.append(KnownFile(path, words_of(story, suffix)))
    order = {"folder": str(folder), "files": [asdict(story) for story in stories]}
    subprocess.run(
        [PYTHON, "-m", "benchmarks.peers.reading.office_files"],
        input=json.dumps(order),
        text=True,
        cwd=ROOT,
        check=True,
    )
    for story in stories:
        # Every slide repeats the title.
        deck = "\n".join([story.text, *[story.title] * (len(story.paragraphs) - 1)])
        found.append(KnownFile(folder / f"{story.name}.pptx", words(deck)))
        found.append(KnownFile(folder / f"{story.name}.xlsx", words(story.text)))
    return found


def make_story(number: int, seed: int) -> Story:
    """What the file of that number says."""
    draw = Random(f"{seed}/{number}")
    title = f"Offer {draw.randint(1000, 9999)} of {wording.date(draw)}"
    paragraphs = [wording.paragraph(draw) for _ in range(draw.randint(3, 12))]
    return Story(f"file-{number:02}", title, paragraphs, [*wording.goods(draw)])


def words_of(story: Story, suffix: str) -> Counter[str]:
    """A table alone in .csv; a mail has its envelope and an attachment, a packet two documents."""
    match suffix:
        case ".csv":
            return words("\n".join(" ".join(row) for row in story.rows))
        case ".eml":
            return words("\n".join([story.text, *_ENVELOPE.values(), story.text]))
        case ".zip":
            return words(f"{story.text}\n{story.text}")
        case _:
            return words(story.text)


def _txt(story: Story) -> bytes:
    return story.text.encode()


def _md(story: Story) -> bytes:
    head, *rest = [f"| {' | '.join(row)} |" for row in story.rows]
    rule = "|" + " --- |" * len(story.rows[0])
    return "\n\n".join([f"# {story.title}", *story.paragraphs, "\n".join([head, rule, *rest])]).encode()


def _csv(story: Story) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(story.rows)
    return out.getvalue().encode()


def _html(story: Story) -> bytes:
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in story.rows)
    body = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in story.paragraphs)
    script = "<script>var hidden = 1;</script><style>p { margin: 0 }</style>"
    title = f"<h1>{html.escape(story.title)}</h1>"
    page = f"<html><head>{script}</head><body>{title}{body}<table>{cells}</table></body></html>"
    return f"<!doctype html>{page}".encode()


def _xml(story: Story) -> bytes:
    lines = [story.title, *story.paragraphs, *(cell for row in story.rows for cell in row)]
    inside = "".join(f"<item>{html.escape(line, quote=False)}</item>" for line in lines)
    return f'<?xml version="1.0" encoding="UTF-8"?><document>{inside}</document>'.encode()


def _json(story: Story) -> bytes:
    return json.dumps([story.title, story.paragraphs, story.rows], indent=1).encode()


def _rtf(story: Story) -> bytes:
    lines = [story.title, *story.paragraphs, *("\\tab ".join(row) for row in story.rows)]
    return ("{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\\f0 " + "\\par\n".join(lines) + "\\par}").encode("ascii")


def _docx(story: Story) -> bytes:
    document = docx.Document()
    document.add_heading(story.title)
    for paragraph in story.paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(len(story.rows), len(story.rows[0]))
    for row, texts in zip(table.rows, story.rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _odt(story: Story) -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{short}="{names}:{short}:1.0"' for short in ("office", "text", "table"))
    body = "".join(f"<text:p>{html.escape(text)}</text:p>" for text in [story.title, *story.paragraphs])
    rows = "".join(
        f"<table:table-row>{''.join(_odt_cell(cell) for cell in row)}</table:table-row>" for row in story.rows
    )
    content = f"<office:body><office:text>{body}<table:table>{rows}</table:table></office:text></office:body>"
    kind = "application/vnd.oasis.opendocument.text"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    manifest = f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0">{entry}</manifest:manifest>'
    document = f'<office:document-content {spaces} office:version="1.2">{content}</office:document-content>'
    return _zipped({"mimetype": kind, "content.xml": document, "META-INF/manifest.xml": manifest})


def _odt_cell(text: str) -> str:
    return f"<table:table-cell><text:p>{html.escape(text)}</text:p></table:table-cell>"


def _eml(story: Story) -> bytes:
    message = EmailMessage()
    for name, value in _ENVELOPE.items():
        message[name] = value
    message.set_content(story.text)
    message.add_attachment(_docx(story), "application", _DOCX, filename="offer.docx")
    return bytes(message)


def _zip(story: Story) -> bytes:
    return _zipped({"letter.txt": _txt(story), "offer.docx": _docx(story)})


def _pdf(story: Story) -> bytes:
    out = io.BytesIO()
    styles = getSampleStyleSheet()
    paragraphs = [Paragraph(html.escape(text), styles["BodyText"]) for text in story.paragraphs]
    flowables = [Paragraph(story.title, styles["Title"]), *paragraphs, Table(story.rows)]
    SimpleDocTemplate(out, pagesize=A4, invariant=1).build(flowables)
    return out.getvalue()


def _zipped(entries: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return out.getvalue()


_DOCX = "vnd.openxmlformats-officedocument.wordprocessingml.document"
_ENVELOPE = {
    "From": "Clara Weissmann <clara@easthaven.example>",
    "To": "Owen Fitzgerald <owen@stonebridge.example>",
    "Subject": "Our offer, as agreed on the telephone",
}
WRITERS: dict[str, Callable[[Story], bytes]] = {
    ".txt": _txt,
    ".md": _md,
    ".csv": _csv,
    ".html": _html,
    ".xml": _xml,
    ".json": _json,
    ".rtf": _rtf,
    ".docx": _docx,
    ".odt": _odt,
    ".eml": _eml,
    ".zip": _zip,
    ".pdf": _pdf,
}
