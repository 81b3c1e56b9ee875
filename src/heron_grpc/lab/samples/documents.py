"""Draws samples as PDF and Word files."""

import io
import zipfile
from datetime import UTC, datetime

import docx
from PIL import Image
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, SimpleDocTemplate, Spacer, Table, TableStyle
from reportlab.platypus import Paragraph as Flow

from heron_grpc.lab.samples.blocks import Block, Blocks, Grid, Heading, Lines, Paragraph, Title
from heron_grpc.lab.samples.pictures import jpeg

# What files say of their making; a fixed moment keeps them the same.
_MADE = datetime(2024, 1, 1, tzinfo=UTC)
_GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("FONTSIZE", (0, 0), (-1, -1), 8.5),
    ]
)


def pdf_document(blocks: Blocks) -> bytes:
    """A PDF with a text layer and no metadata that tells its label."""
    buffer = io.BytesIO()
    template = SimpleDocTemplate(buffer, pagesize=A4, title="Document", author="", invariant=1)
    template.build([flowable for block in blocks for flowable in (*_flowables(block), Spacer(1, 8))])
    return buffer.getvalue()


def scanned_pdf(page: Image.Image) -> bytes:
    """A PDF that is one picture of a page, without any text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(jpeg(page))), 0, 0, *A4)
    canvas.save()
    return buffer.getvalue()


def docx_document(blocks: Blocks) -> bytes:
    """A Word document; its parts carry a fixed time."""
    document = docx.Document()
    for block in blocks:
        match block:
            case Title(text):
                document.add_heading(text, level=0)
            case Heading(text):
                document.add_heading(text, level=1)
            case Paragraph(text):
                document.add_paragraph(text)
            case Lines(texts):
                for text in texts:
                    document.add_paragraph(text)
            case Grid(rows):
                _add_table(document, rows)
    return docx_bytes(document)


def docx_bytes(document: "docx.document.Document") -> bytes:
    """The file of a Word document: nothing in it tells when it was made, by whom or what it is."""
    properties = document.core_properties
    properties.created = properties.modified = _MADE.replace(tzinfo=None)
    properties.author = properties.title = properties.comments = ""
    buffer = io.BytesIO()
    document.save(buffer)
    return _with_fixed_times(buffer.getvalue())


def _flowables(block: Block) -> list[Flowable]:
    styles = getSampleStyleSheet()
    match block:
        case Title(text):
            return [Flow(_escaped(text), styles["Title"])]
        case Heading(text):
            return [Flow(_escaped(text), styles["Heading3"])]
        case Paragraph(text):
            return [Flow(_escaped(text), styles["BodyText"])]
        case Lines(texts):
            return [Flow(_escaped(text), styles["Normal"]) for text in texts]
        case Grid(rows):
            return [Table([list(row) for row in rows], style=_GRID, hAlign="LEFT")]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _add_table(document: "docx.document.Document", rows: tuple[tuple[str, ...], ...]) -> None:
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text


def _with_fixed_times(content: bytes) -> bytes:
    """An archive whose entries all carry the same time, in a fixed order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, _MADE.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return buffer.getvalue()
