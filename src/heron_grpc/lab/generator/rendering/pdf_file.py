"""Pages as a PDF with a text layer, or as one of pictures alone."""

import io
from collections.abc import Sequence

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from heron_grpc.lab.generator.rendering.typefaces import drawable
from heron_grpc.lab.generator.rendering.typesetting import SetPages


def text_pdf(pages: SetPages) -> bytes:
    """The same bytes each time, and nothing in them that tells the label."""
    width, height = pages.size
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(width, height), invariant=1)
    for page in range(pages.pages):
        for run in (run for run in pages.runs if run.page == page):
            canvas.setFont(run.face, run.size)
            canvas.drawString(run.x, height - run.y - run.size, drawable(run.piece.text))
        for _, x_from, y_from, x_to, y_to in (rule for rule in pages.rules if rule[0] == page):
            canvas.line(x_from, height - y_from, x_to, height - y_to)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def picture_pdf(pictures: Sequence[bytes], size: tuple[float, float]) -> bytes:
    """JPEG pictures as pages of that size in points."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=size, invariant=1)
    for picture in pictures:
        canvas.drawImage(ImageReader(io.BytesIO(picture)), 0, 0, *size)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()
