"""PDF pages as pixels, given up where drawing them takes too long: some are made of millions of lines."""

import ctypes
import math
import time
from contextlib import closing

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from heron_grpc.settings import ReadingSettings

# Share of the processor time a document may take: of 60 s these are 10. A full page of text takes 0.05 at 300 dpi.
_SHARE = 1 / 6
_WHITE = (255, 255, 255, 255)


class SlowPage(Exception):
    """The page takes too long to be drawn."""


def render(
    page: pdfium.PdfPage, scale: float, settings: ReadingSettings, *, grey: bool = False, most_s: float | None = None
) -> Image.Image:
    """8-bit grey or RGB, `scale` pixels a point, with annotations and what is filled in.

    It may take `most_s` seconds of the thread, else a share of the document's.
    Raises SlowPage, PdfiumError, and ValueError for a page without size.
    """
    width, height = (math.ceil(side * scale) for side in page.get_size())
    if min(width, height) < 1:
        raise ValueError("the page has no size")
    kind, flags = (pdfium_c.FPDFBitmap_Gray, pdfium_c.FPDF_GRAYSCALE) if grey else (pdfium_c.FPDFBitmap_BGR, 0)
    with closing(pdfium.PdfBitmap.new_native(width, height, kind)) as bitmap:
        bitmap.fill_rect(_WHITE, 0, 0, width, height)
        _draw(page, bitmap, flags | pdfium_c.FPDF_ANNOT, _SHARE * settings.cpu_s if most_s is None else most_s)
        image: Image.Image = bitmap.to_pil()
        return image.convert("L" if grey else "RGB").copy()


def _draw(page: pdfium.PdfPage, bitmap: pdfium.PdfBitmap, flags: int, most_s: float) -> None:
    ends = time.thread_time() + most_s
    pause_kind = dict(pdfium_c.IFSDK_PAUSE._fields_)["NeedToPauseNow"]
    pause = pdfium_c.IFSDK_PAUSE(version=1, NeedToPauseNow=pause_kind(lambda _: time.thread_time() > ends))
    place = (0, 0, bitmap.width, bitmap.height, 0, flags)
    try:
        state = pdfium_c.FPDF_RenderPageBitmap_Start(bitmap.raw, page.raw, *place, ctypes.byref(pause))
        # It also stops before large pictures, unasked.
        while state == pdfium_c.FPDF_RENDER_TOBECONTINUED and time.thread_time() < ends:
            state = pdfium_c.FPDF_RenderPage_Continue(page.raw, ctypes.byref(pause))
    finally:
        pdfium_c.FPDF_RenderPage_Close(page.raw)
    if state == pdfium_c.FPDF_RENDER_TOBECONTINUED:
        raise SlowPage
    if state != pdfium_c.FPDF_RENDER_DONE:
        raise pdfium.PdfiumError("the page cannot be drawn")
    if page.formenv:
        pdfium_c.FPDF_FFLDraw(page.formenv.raw, bitmap.raw, page.raw, *place)
